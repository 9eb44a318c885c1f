"""Wakes under store buffers: a writer that takes tickets with a store, and whoever makes it fence; see waiting.pxd.

A store goes into its writer's buffer, from where it reaches memory at any later time, in order, as on x86; the writer
sees it at once, others only then. A swap empties the buffer first. wake_protocol.py has all other paths, with steps in
one order for everybody; this adds what can go wrong because they are not. The steps, and what they are in pricecore:

    writers of one segment, one after the other: each either stores or swaps its tickets
        choose      choose_fences: a swap
        ticket      ring_claim_alone, and the record behind it: a store, or a swap
        look        is_announced
        wake        wake_announced: a swap takes the flag and begins a turn; nobody sleeps on in the older one
    a reader: a thread in SubscriptionCore.poll; of a loop all but its sleep is the same
        take        Follower.take; note turn: turn_of
        announce    the first line of announce: a swap
        ask, fence  its last line: whether the writer stores, and fence_others, which empties the writer's buffer
        look, sleep is_news, sleep_in_turn

The next writer begins when all that the one before did has reached memory: it took a lock from it.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from models.explore import Explored, Explorer, Violation

STORES, SWAPS = True, False
WRITER = ("ticket", "look", "wake")
READER = {
    "": ("take", "note turn", "announce", "ask", "fence", "look", "sleep"),
    "no fence": ("take", "note turn", "announce", "look", "sleep"),
    "fence before the flag": ("take", "note turn", "ask", "fence", "announce", "look", "sleep"),
    "ask before the flag": ("take", "note turn", "ask", "announce", "fence", "look", "sleep"),
    "look before the fence": ("take", "note turn", "announce", "look", "ask", "fence", "sleep"),
}


class Reader(NamedTuple):
    step: str = "take"
    seen: int = 0  # tickets
    in_turn: bool = False  # the turn that it noted goes on
    fences: bool = False  # it has seen that the writer stores


class State(NamedTuple):
    readers: tuple[Reader, ...]
    writer: int = 0  # which one writes
    step: str = "choose"
    left: int = 0  # its updates
    buffer: tuple[tuple[str, int], ...] = ()  # its stores on their way, the oldest first
    ticket: int = 0  # in memory, as all that follows
    sleeps: bool = False
    stores: bool = False


def drained(state: State, count: int) -> State:
    """Return the state once the oldest `count` stores have reached memory."""
    return state._replace(**dict(state.buffer[:count]), buffer=state.buffer[count:])


class StoreBuffers:
    """All interleavings of these writers (each: whether it stores, its updates) and readers; `twin` breaks one."""

    def __init__(self, writers: tuple[tuple[bool, int], ...], readers: int, twin: str = ""):
        self.writers = writers
        self.twin = twin
        self.reader = READER.get(twin, READER[""])
        self.updates = sum(updates for _, updates in writers)
        self.start = State((Reader(),) * readers, left=writers[0][1])

    def explore(self) -> Explored:
        """Explore everything; Violation when somebody sleeps on. The summaries of `ends`: the last ticket."""
        return Explorer(self.start, self.successors, self.check_end).run()

    def successors(self, state: State) -> Iterator:
        if state.buffer:
            yield "a store reaches memory", partial(drained, state, 1)
        if state.left:
            yield f"writer {state.writer}: {state.step}", partial(self.write, state)
        elif not state.buffer and state.writer + 1 < len(self.writers):
            yield "the next writer", partial(self.take_over, state)
        for i, reader in enumerate(state.readers):
            if reader.step != "asleep" and reader.seen < self.updates:
                yield f"reader {i}: {reader.step}", partial(self.read, state, i)

    def take_over(self, state: State) -> State:
        writer = state.writer + 1
        return state._replace(writer=writer, step="choose", left=self.writers[writer][1])

    def write(self, state: State) -> State:
        stores = self.writers[state.writer][0]
        if state.step == "choose":
            return self.put(state, "stores", stores, swap=self.twin != "choice by a store")._replace(step="ticket")
        if state.step == "ticket":
            taken = dict(state.buffer).get("ticket", state.ticket)
            return self.put(state, "ticket", taken + 1, swap=not stores)._replace(step="look")
        if state.step == "look" and state.sleeps:
            return state._replace(step="wake")
        if state.step == "wake":
            state = drained(state, len(state.buffer))
            readers = tuple(self.woken(reader) for reader in state.readers)
            state = state._replace(sleeps=False, readers=readers)
        return state._replace(step="ticket", left=state.left - 1)

    @staticmethod
    def put(state: State, word: str, value: int, *, swap: bool) -> State:
        """Write a word of memory."""
        state = state._replace(buffer=(*state.buffer, (word, value)))
        return drained(state, len(state.buffer)) if swap else state

    @staticmethod
    def woken(reader: Reader) -> Reader:
        return Reader(seen=reader.seen) if reader.step == "asleep" else reader._replace(in_turn=False)

    def read(self, state: State, i: int) -> State:
        me, begins_anew = state.readers[i], False
        if me.step == "take" and state.ticket > me.seen:
            me, begins_anew = me._replace(seen=state.ticket), True
        elif me.step == "note turn":
            me = me._replace(in_turn=True)
        elif me.step == "announce":
            state = state._replace(sleeps=True)
        elif me.step == "ask":
            me = me._replace(fences=state.stores)
        elif me.step == "fence" and me.fences:
            state = drained(state, len(state.buffer))
        elif me.step == "look":
            begins_anew = state.ticket > me.seen
        elif me.step == "sleep":
            begins_anew = not me.in_turn
        me = Reader(seen=me.seen) if begins_anew else self.behind(me)
        return state._replace(readers=(*state.readers[:i], me, *state.readers[i + 1 :]))

    def behind(self, me: Reader) -> Reader:
        """Return this reader behind its step; what it does not need any more is forgotten."""
        if me.step == "sleep":
            return Reader("asleep", me.seen)
        fences = me.fences and me.step != "fence"
        return me._replace(step=self.reader[self.reader.index(me.step) + 1], fences=fences)

    def check_end(self, state: State) -> int | None:
        """Ask for sleepers whenever the writer is between two updates and its stores have reached memory."""
        if state.step not in ("choose", "ticket") or state.buffer:
            return None
        for i, reader in enumerate(state.readers):
            if reader.step == "asleep" and reader.seen < state.ticket:
                raise Violation(f"reader {i} sleeps on: it has seen {reader.seen} of {state.ticket} tickets")
        over = state.ticket == self.updates and all(reader.seen == self.updates for reader in state.readers)
        return state.ticket if over else None

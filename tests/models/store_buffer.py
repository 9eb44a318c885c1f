"""Wakes under store buffers: a writer that takes tickets with a store, and readers that look twice; see waiting.pxd.

A store goes into its writer's buffer, from where it reaches memory at any later time, in order, as on x86, but within
SETTLE_S; the writer sees it at once, others only then. A swap empties the buffer first. wake_protocol.py has all other
paths, with steps in one order for everybody; this adds what can go wrong because they are not. The steps, and what they
are in pricecore:

    a writer, which takes some tickets with a store (an update), and others with a swap (a batch, a new symbol)
        ticket      ring_claim_alone or ring_claim, and the record behind it
        look        is_announced
        wake        wake_announced: a swap takes the flag and begins a turn; nobody sleeps on in the older one
    a reader: a thread in SubscriptionCore.poll, or a loop with a task in batches
        take        Follower.take
        note turn   the first line of announce
        announce    its fetch_or_acq_rel: a swap. It comes to 0 ns when SETTLE_S have passed since the flag went up in
                    this turn: then what was in the buffer has reached memory
        look        is_news
        sleep       sleep_in_turn, or the await of rung: until a wake, or if announce said so for a while
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from models.explore import Explored, Explorer, Violation

STORES, SWAPS = True, False  # how an update takes its ticket
WRITER = ("ticket", "look", "wake")
READER = {
    "": ("take", "note turn", "announce", "look", "sleep"),
    "late announcement": ("take", "note turn", "look", "announce", "sleep"),
    "late note": ("take", "announce", "look", "note turn", "sleep"),
}


class Reader(NamedTuple):
    step: str = "take"
    seen: int = 0  # tickets
    in_turn: bool = False  # the turn that it noted goes on
    flagged: int = 0  # in the turn that goes on, when the next ticket was this one; 0: it has not put up the flag
    settled: bool = False  # this is its last look


class State(NamedTuple):
    readers: tuple[Reader, ...]
    step: str = "ticket"  # of the writer
    taken: int = 0  # its tickets
    buffer: tuple[int, ...] = ()  # its tickets on their way, the oldest first
    ticket: int = 0  # in memory, as the flag
    sleeps: bool = False


def drained(state: State, count: int) -> State:
    """Return the state once the oldest `count` stores have reached memory."""
    return state._replace(ticket=max((state.ticket, *state.buffer[:count])), buffer=state.buffer[count:])


class StoreBuffers:
    """All interleavings of these updates (each: whether it stores) and readers; `twin` breaks something."""

    def __init__(self, updates: tuple[bool, ...], readers: int, twin: str = ""):
        self.updates = updates
        self.twin = twin
        self.reader = READER.get(twin, READER[""])
        self.start = State((Reader(),) * readers)

    def explore(self) -> Explored:
        """Explore everything; Violation when somebody sleeps on. The summaries of `ends`: the last ticket."""
        return Explorer(self.start, self.successors, self.check_end).run()

    def successors(self, state: State) -> Iterator:
        if state.buffer:
            yield "a store reaches memory", partial(drained, state, 1)
        if state.taken < len(self.updates) or state.step != "ticket":
            yield f"writer: {state.step}", partial(self.write, state)
        for i, reader in enumerate(state.readers):
            if reader.step != "asleep" and reader.seen < len(self.updates):
                yield f"reader {i}: {reader.step}", partial(self.read, state, i)
            if reader.step == "announce" and self.may_be_settled(state, reader):
                yield f"reader {i}: it is settled", partial(self.read, state, i, settled=True)

    def write(self, state: State) -> State:
        if state.step == "ticket":
            swaps = self.updates[state.taken] == SWAPS
            state = state._replace(step="look", taken=state.taken + 1, buffer=(*state.buffer, state.taken + 1))
            return drained(state, len(state.buffer)) if swaps else state
        if state.step == "look":
            return state._replace(step="wake" if state.sleeps else "ticket")
        readers = tuple(self.woken(reader) for reader in state.readers)
        return drained(state, len(state.buffer))._replace(step="ticket", sleeps=False, readers=readers)

    def woken(self, reader: Reader) -> Reader:
        """Return the reader in the new turn."""
        flagged = reader.flagged if self.twin == "flag of another turn" else 0
        if reader.step == "asleep":
            return Reader(seen=reader.seen, flagged=flagged)
        return reader._replace(in_turn=False, flagged=flagged)

    def may_be_settled(self, state: State, reader: Reader) -> bool:
        lingering = any(ticket < reader.flagged for ticket in state.buffer)
        return self.twin == "one look" or (reader.flagged > 0 and not lingering)

    def read(self, state: State, i: int, *, settled: bool = False) -> State:
        state, me = self.read_step(state, state.readers[i]._replace(settled=settled or state.readers[i].settled))
        return state._replace(readers=(*state.readers[:i], me, *state.readers[i + 1 :]))

    def read_step(self, state: State, me: Reader) -> tuple[State, Reader]:
        anew = Reader(seen=me.seen, flagged=me.flagged)
        if me.step == "take" and state.ticket > me.seen:
            return state, anew._replace(seen=state.ticket)
        if me.step == "note turn":
            me = me._replace(in_turn=True)
        elif me.step == "announce":
            state, me = state._replace(sleeps=True), me._replace(flagged=me.flagged or state.taken + 1)
        elif me.step == "look" and state.ticket > me.seen:
            return state, anew
        elif me.step == "sleep":
            return state, anew._replace(step="asleep") if me.in_turn and me.settled else anew
        return state, me._replace(step=self.reader[self.reader.index(me.step) + 1])

    def check_end(self, state: State) -> int | None:
        """Ask for sleepers whenever the writer is between two updates and its stores have reached memory."""
        if state.step != "ticket" or state.buffer:
            return None
        for i, reader in enumerate(state.readers):
            if reader.step == "asleep" and reader.seen < state.ticket:
                raise Violation(f"reader {i} sleeps on: it has seen {reader.seen} of {state.ticket} tickets")
        all_taken = state.ticket == len(self.updates)
        return state.ticket if all_taken and all(reader.seen == state.ticket for reader in state.readers) else None

"""Sleeping and waking: every interleaving of writers, who closes, and readers, as waiting.pxd says it.

Nobody may sleep on who has something to see. Whenever nobody is on his way to wake, no sleeper has a ticket behind the
last that it saw, or a closed gate: a later wake, of another update or of a close, does not excuse that. And who is told
that nothing comes any more has seen the last ticket. The steps, and what they are in pricecore:

    a writer, in its updates: the ticket, then wake_readers
        begin       begin_writing, with its look at the status; not modelled where nothing closes the engine
        ticket      ring_claim, and ring_publish: who sees a ticket that is not published looks again and again
        look        is_announced: at both bits at once. None: the update is over
        exchange    wake_announced: takes both bits
        turn        its fetch_add_relaxed
        wake        for THREADS: its wake_all
        ring        for LOOPS: every file of a loop becomes readable
    who closes: an engine (EngineCore.close), or one reader's subscription or view while the writers go on
        shut        close_writers (engine only)
        await       await_writers (engine only)
        end         holders_detach; of a subscription or view, the store that its close begins with
        then        wake_to_close: an exchange without a look, turn, wake, ring
    a reader: a thread in SubscriptionCore.poll, or a loop with a task in batches
        take        Follower.take, at the head of take_until. make_spare comes behind it, and touches nothing shared
        ask         check_then_take; nothing comes any more once no update can begin and none is going on
        take last   its second take, behind the error
        note turn, announce, gate, look, sleep      doze: announce (both), has_ended, is_news, sleep_in_turn
        announce, look, gate, wait                  batches: arm, has_news (two steps), the await of rung
        answer      Bell.answer: forget_rings, then the tasks go on; it may also run while no task waits

Of a turn the model keeps whether it is the one that a reader noted. Its sleeps have no timeout: in pricecore LOOK_UP_S
ends them, for writers that died. A reader in another process looks at no gate of the engine: it learns of the engine's
close by a wake, or that late. Steps are sequentially consistent, so all looks are last ones: the memory orders that
make them so stand in waiting.pxd, and store_buffer.py is the model of where they do not.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from models.explore import Explored, Explorer, Violation
from models.wake_steps import BOTH, THREADS, Reader, State, Waker, is_written, read_step, replaced, wake_step

WAKE = ("exchange", "turn", "wake", "ring")
WRITER = {
    "": ("ticket", "look", *WAKE),
    "early look": ("look", "ticket", *WAKE),
    "same turn": ("ticket", "look", "exchange", "wake", "ring"),
    "late turn": ("ticket", "look", "exchange", "wake", "turn", "ring"),
    "threads alone": ("ticket", "look", "exchange", "turn", "wake"),
    "loops alone": ("ticket", "look", "exchange", "ring"),
}
CLOSER = {
    "": ("end", *WAKE),
    "early wake": (*WAKE, "end"),
    "close in the same turn": ("end", "exchange", "wake", "ring"),
    "close wakes threads alone": ("end", "exchange", "turn", "wake"),
    "close wakes loops alone": ("end", "exchange", "ring"),
}
THREAD = {
    "": ("take", "ask", "note turn", "announce", "gate", "look", "sleep"),
    "late announcement": ("take", "ask", "note turn", "gate", "look", "announce", "sleep"),
    "late note": ("take", "ask", "announce", "note turn", "gate", "look", "sleep"),
    "announcement over others": ("take", "ask", "note turn", "announce alone", "gate", "look", "sleep"),
    "no gate look": ("take", "ask", "note turn", "announce", "look", "sleep"),
    "early gate look": ("take", "ask", "gate", "note turn", "announce", "look", "sleep"),
}
LOOP = {
    "": ("take", "ask", "announce", "look", "gate", "wait"),
    "late announcement": ("take", "ask", "look", "gate", "announce", "wait"),
    "announcement over others": ("take", "ask", "announce alone", "look", "gate", "wait"),
    "no gate look": ("take", "ask", "announce", "look", "wait"),
    "early gate look": ("take", "ask", "gate", "announce", "look", "wait"),
    "late forgetting": ("take", "ask", "announce", "look", "gate", "forget", "wait"),
}


class Cast(NamedTuple):
    """Who takes part."""

    updates: tuple[int, ...]  # of each writer
    readers: tuple[int, ...]  # the kind of each
    closes: str = ""  # the "engine" behind its last update, the "first" reader's subscription or view, or nothing


class WakeProtocol:
    """All interleavings of this cast; `twin` breaks one of its paths."""

    def __init__(self, cast: Cast, twin: str = ""):
        self.cast = cast
        self.twin = twin
        of_engine = cast.closes == "engine"
        self.writer = (("begin",) if of_engine else ()) + WRITER.get(twin, WRITER[""])
        self.closer = (("shut", "await") if of_engine else ()) + CLOSER.get(twin, CLOSER[""])
        self.closed_readers = {"engine": len(cast.readers), "first": 1}.get(cast.closes, 0)
        self.readers = tuple(self.path_of_reader(i) for i in range(len(cast.readers)))

    def path_of_reader(self, i: int) -> tuple[str, ...]:
        """Return the steps of a reader, without its looks at a gate that never closes."""
        paths = THREAD if self.cast.readers[i] == THREADS else LOOP
        path = paths.get(self.twin, paths[""])
        return path if i < self.closed_readers else tuple(step for step in path if step not in ("ask", "gate"))

    def explore(self) -> Explored:
        """Explore everything; Violation when somebody sleeps on. The summaries of `ends`: the last ticket."""
        writers = tuple(Waker(updates, self.writer[0]) for updates in self.cast.updates)
        closer = Waker(bool(self.cast.closes), self.closer[0], BOTH)
        start = State(writers, closer, tuple(map(Reader, self.cast.readers)))
        return Explorer(start, self.successors, self.check_end).run()

    def successors(self, state: State) -> Iterator:
        for i, writer in enumerate(state.writers):
            if writer.left:
                yield f"writer {i}: {writer.step}", partial(self.write, state, i)
        if state.closer.left and not (state.closer.step == "await" and is_written(state)):
            yield f"closer: {state.closer.step}", partial(self.close, state)
        for i, reader in enumerate(state.readers):
            yield from self.successors_by(state, i, reader)

    def successors_by(self, state: State, i: int, reader: Reader) -> Iterator:
        if self.is_over(i, reader):
            return
        if reader.step != "asleep":
            yield f"reader {i}: {reader.step}", partial(self.read, state, i)
        if reader.rung and reader.step in ("take", "asleep"):  # between two turns of the task
            forgotten = reader._replace(step="take", rung=self.twin == "late forgetting")
            if forgotten != reader:
                yield f"reader {i}: answer", lambda: state._replace(readers=replaced(state.readers, i, forgotten))

    def write(self, state: State, i: int) -> State:
        state, me = wake_step(state, state.writers[i], self.writer)
        return state._replace(writers=replaced(state.writers, i, me))

    def close(self, state: State) -> State:
        state, me = wake_step(state, state.closer, self.closer)
        return state._replace(closer=me)

    def read(self, state: State, i: int) -> State:
        me = state.readers[i]
        state, me = read_step(state, me, self.readers[i], self.has_ended(state, i, me))
        return state._replace(readers=replaced(state.readers, i, me))

    def has_ended(self, state: State, i: int, me: Reader) -> bool:
        """Whether what this reader looks at in its step says that nothing comes any more."""
        if me.step == "ask" and self.cast.closes == "engine":
            return state.shut and (self.twin == "ends by the status" or not is_written(state))
        return state.ended and i < self.closed_readers

    def is_over(self, i: int, reader: Reader) -> bool:
        all_seen = reader.seen == sum(self.cast.updates) and i >= self.closed_readers
        return reader.step == "ended" or all_seen

    def check_end(self, state: State) -> int | None:
        """Ask for sleepers when nobody is on his way to wake, and at the end whether everything was seen."""
        if any(writer.step != self.writer[0] for writer in state.writers) or state.closer.step != self.closer[0]:
            return None
        for i, reader in enumerate(state.readers):
            news = reader.seen < state.ticket or (state.ended and i < self.closed_readers)
            if news and reader.step == "asleep" and not reader.rung:
                raise Violation(f"reader {i} sleeps on: it has seen {reader.seen} of {state.ticket} tickets")
        over = all(self.is_over(i, reader) for i, reader in enumerate(state.readers))
        if not over or state.closer.left or any(writer.left for writer in state.writers):
            return None
        for i, reader in enumerate(state.readers):
            if reader.seen < state.ticket and not (self.cast.closes == "first" and i == 0):
                raise Violation(f"reader {i} was told the end at {reader.seen} of {state.ticket} tickets")
        return state.ticket

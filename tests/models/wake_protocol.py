"""Sleeping and waking: every interleaving of two writers and two readers, as waiting.pxd says it.

A writer takes a ticket, looks at the flag, takes it down, begins a turn and wakes who sleeps. A reader notes the turn,
sets the flag, looks at the tickets, and sleeps if the turn is still the one that it noted. Every reader must come to
see the last ticket: one that sleeps on with nobody left to wake it cannot. Steps are sequentially consistent: the
memory orders that make them so stand in waiting.pxd.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from models.explore import Explored, Explorer

UPDATES = (2, 1)
"""Of each writer."""
READERS = 2
LAST = sum(UPDATES)
WRITER_STEPS = {
    "": ("ticket", "look", "take flag", "turn", "wake"),
    "same turn": ("ticket", "look", "take flag", "wake"),
    "early look": ("look", "ticket", "take flag", "turn", "wake"),
}
READER_STEPS = {
    "": ("note turn", "announce", "look", "sleep"),
    "late announcement": ("look", "note turn", "announce", "sleep"),
}


class Writer(NamedTuple):
    left: int
    step: int = 0
    flagged: bool = False


class Reader(NamedTuple):
    step: int = 0
    seen: int = 0
    turn: int = 0
    asleep: bool = False


class State(NamedTuple):
    writers: tuple[Writer, ...]
    readers: tuple[Reader, ...]
    ticket: int = 0
    flag: bool = False
    turn: int = 0


def replaced(items: tuple, i: int, item: object) -> tuple:
    return (*items[:i], item, *items[i + 1 :])


def write(state: State, i: int, twin: str) -> State:
    """Return the state behind the next step of writer i."""
    me, steps = state.writers[i], WRITER_STEPS.get(twin, WRITER_STEPS[""])
    step = steps[me.step]
    if step == "ticket":
        state = state._replace(ticket=state.ticket + 1)
    elif step == "look":
        me = me._replace(flagged=state.flag)
    elif step == "take flag":
        me = me._replace(flagged=me.flagged and state.flag)
        state = state._replace(flag=state.flag and not me.flagged)
    elif step == "turn":
        state = state._replace(turn=state.turn + me.flagged)
    elif me.flagged:
        state = state._replace(readers=tuple(reader._replace(asleep=False) for reader in state.readers))
    me = me._replace(step=me.step + 1) if me.step + 1 < len(steps) else Writer(me.left - 1)
    return state._replace(writers=replaced(state.writers, i, me))


def read(state: State, i: int, twin: str) -> State:
    """Return the state behind the next step of reader i."""
    me, steps = state.readers[i], READER_STEPS.get(twin, READER_STEPS[""])
    step = steps[me.step]
    if step == "note turn":
        me = me._replace(turn=state.turn)
    elif step == "announce":
        state = state._replace(flag=True)
    elif step == "look" and state.ticket > me.seen:
        me = Reader(seen=state.ticket, step=-1)
    elif step == "sleep":
        me = me._replace(step=-1, asleep=state.turn == me.turn)
    return state._replace(readers=replaced(state.readers, i, me._replace(step=me.step + 1)))


def explore(twin: str = "") -> Explored:
    """Explore everything; Violation when a wake can be missed."""

    def successors(state: State) -> Iterator:
        for i, writer in enumerate(state.writers):
            if writer.left:
                yield f"writer {i}", partial(write, state, i, twin)
        for i, reader in enumerate(state.readers):
            if reader.seen < LAST and not reader.asleep:
                yield f"reader {i}", partial(read, state, i, twin)

    def check_end(state: State) -> str | None:
        return "all seen" if all(reader.seen == LAST for reader in state.readers) else None

    start = State(tuple(map(Writer, UPDATES)), (Reader(),) * READERS)
    return Explorer(start, successors, check_end).run()

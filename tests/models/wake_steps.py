"""One step each of who wakes and who sleeps; wake_protocol.py says which lines of the project they are.

A step is one access to memory that the threads share, or one system call. A path names the steps of one turn in order;
a step that has nothing to do is left out, and a path begins anew behind its end. What a thread does not need any more
is forgotten at once: that keeps the states few.
"""

from typing import NamedTuple

THREADS, LOOPS = 1, 2
BOTH = THREADS | LOOPS
NEEDED_BITS = {"exchange": BOTH, "turn": BOTH, "wake": THREADS, "ring": LOOPS}


class Waker(NamedTuple):
    """A writer, or who closes."""

    left: int  # updates, or 1
    step: str
    who: int = 0  # is to be woken, as far as this one has seen


class Reader(NamedTuple):
    kind: int
    step: str = "take"
    seen: int = 0  # tickets
    in_turn: bool = False  # the turn that it noted goes on
    rung: bool = False  # its file is readable


class State(NamedTuple):
    writers: tuple[Waker, ...]
    closer: Waker
    readers: tuple[Reader, ...]
    ticket: int = 0
    sleepers: int = 0
    shut: bool = False  # no update begins any more
    ended: bool = False  # nothing comes any more: the gate that readers look at


def replaced(items: tuple, i: int, item: object) -> tuple:
    return (*items[:i], item, *items[i + 1 :])


def is_written(state: State) -> bool:
    """Whether an update began whose ticket is still to come."""
    return any(writer.step == "ticket" for writer in state.writers)


def wake_step(state: State, me: Waker, path: tuple[str, ...]) -> tuple[State, Waker]:
    """Return what the next step of a writer, or of who closes, makes of the state and of itself."""
    step, who = me.step, me.who
    if step == "begin" and state.shut:
        return state, Waker(0, path[0])
    if step == "ticket":
        state = state._replace(ticket=state.ticket + 1)
    elif step == "look":
        who = state.sleepers
    elif step == "exchange":
        who = state.sleepers
        state = state._replace(sleepers=0)
    elif step == "shut":
        state = state._replace(shut=True)
    elif step == "end":
        state = state._replace(ended=True)
    elif step in ("turn", "wake", "ring"):
        state = state._replace(readers=tuple(touched(reader, step) for reader in state.readers))
    return state, behind(Waker(me.left, step, who), path)


def behind(me: Waker, path: tuple[str, ...]) -> Waker:
    """Return this waker behind its step, at the next one that has something to do."""
    for step in path[path.index(me.step) + 1 :]:
        if me.who & NEEDED_BITS.get(step, BOTH) or step not in NEEDED_BITS:
            return Waker(me.left, step, me.who)
    return Waker(me.left - 1, path[0])


def touched(reader: Reader, step: str) -> Reader:
    """Return what a waker's system call, or a new turn, makes of a reader."""
    if step == "ring":
        return reader._replace(rung=reader.kind == LOOPS)
    if step == "turn":
        return reader._replace(in_turn=False)
    if reader.kind == THREADS and reader.step == "asleep":
        return Reader(THREADS, seen=reader.seen)
    return reader


def read_step(state: State, me: Reader, path: tuple[str, ...], ended: bool) -> tuple[State, Reader]:
    """Return what the next step of a reader makes of the state and of itself; `ended`: its gate is closed."""
    step, begins_anew = me.step, False
    if step in ("take", "take last") and state.ticket > me.seen:
        return state, Reader(me.kind, seen=state.ticket, rung=me.rung)
    if step == "take last":
        return state, Reader(me.kind, "ended", me.seen)
    if step == "ask" and ended:
        return state, me._replace(step="take last")
    if step == "note turn":
        me = me._replace(in_turn=True)
    elif step == "announce":
        state = state._replace(sleepers=state.sleepers | me.kind)
    elif step == "announce alone":  # of a twin
        state = state._replace(sleepers=me.kind)
    elif step == "gate":
        begins_anew = ended
    elif step == "look":
        begins_anew = state.ticket > me.seen
    elif step == "forget":  # of a twin
        me = me._replace(rung=False)
    elif step == "sleep":
        begins_anew = not me.in_turn
    if begins_anew:
        return state, Reader(me.kind, seen=me.seen, rung=me.rung)
    if step == path[-1]:
        return state, Reader(me.kind, "asleep", me.seen, rung=me.rung)
    return state, me._replace(step=path[path.index(step) + 1])

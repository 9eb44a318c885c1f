"""The first consumer registers while writers take tickets: every interleaving, in a ring of two cells.

Each writer loads the ticket, then the limit, then swaps the ticket if it still is what it was; and again. The
consumer reads the ticket, closes the gate, reads the ticket once more, sets the true limit, and reads records. What it
is about to read must never have been overwritten. Steps are sequentially consistent: the memory orders that make two
loads and a swap behave so stand in holding.pxd.
"""

from collections.abc import Iterator
from typing import NamedTuple

from models.explore import Explored, Explorer, Violation

CAPACITY = 2
NONE = 1_000  # nobody holds
LAST = 6  # no writer takes more
READS = 2


class Writer(NamedTuple):
    step: str = "load ticket"
    ticket: int = 0
    limit: int = 0


class State(NamedTuple):
    writers: tuple[Writer, ...]
    ticket: int = 0
    limit: int = NONE
    consumer: str = "look"
    position: int = 0
    read: int = 0


def write(state: State, i: int, n: int) -> State | None:
    """Return the state behind the next step of writer i, which takes n tickets at once."""
    me = state.writers[i]

    def become(writer: Writer, **changed: int) -> State:
        writers = (*state.writers[:i], writer, *state.writers[i + 1 :])
        return state._replace(writers=writers, **changed)

    if me.step == "load ticket":
        return None if state.ticket + n > LAST else become(Writer("load limit", state.ticket))
    if me.step == "load limit":
        return become(Writer("swap", me.ticket, state.limit))
    if me.ticket + n > me.limit or me.ticket != state.ticket:
        return become(Writer())
    return become(Writer(), ticket=state.ticket + n)


def consume(state: State, twin: str) -> State | None:
    """Return the state behind the consumer's next step."""
    if state.consumer == "look":
        return state._replace(consumer="close", position=state.ticket)
    if state.consumer == "close":
        return state._replace(consumer="look again", limit=state.position + CAPACITY)
    if state.consumer == "look again":
        position = state.position if twin == "no second look" else state.ticket
        return state._replace(consumer="open", position=position)
    if state.consumer == "open":
        return state._replace(consumer="read", limit=state.position + CAPACITY)
    if state.read == READS or state.consumer == "left":
        return None if state.consumer == "left" else state._replace(consumer="left", limit=NONE)
    return read(state, twin) if state.position < state.ticket else None


def read(state: State, twin: str) -> State:
    if state.ticket > state.position + CAPACITY:
        raise Violation(f"record {state.position + 1} was overwritten at ticket {state.ticket}")
    position = state.position + 1
    ahead = 1 if twin == "limit ahead" else 0
    return state._replace(position=position, read=state.read + 1, limit=position + ahead + CAPACITY)


def explore(chunks: tuple[int, ...] = (1, 2), twin: str = "") -> Explored:
    """Explore one writer for each of `chunks` beside a consumer; `twin` breaks the consumer."""

    def successors(state: State) -> Iterator:
        steps = [(f"writer {i}", write(state, i, n)) for i, n in enumerate(chunks)]
        for label, after in [*steps, (f"consumer: {state.consumer}", consume(state, twin))]:
            if after is not None and after != state:
                yield label, lambda after=after: after

    def check_end(state: State) -> str | None:
        overrun = state.consumer == "read" and state.ticket > state.position + CAPACITY
        if overrun:
            raise Violation(f"ticket {state.ticket} is beyond position {state.position} + {CAPACITY}")
        done = all(writer.step == "load ticket" for writer in state.writers)
        if done and all(state.ticket + n > LAST for n in chunks):
            return f"{state.consumer} {state.read}"
        return None

    return Explorer(State((Writer(),) * len(chunks)), successors, check_end).run()

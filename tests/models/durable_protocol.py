"""Waiting for durable records: every interleaving of a log's thread and of those that wait, as following.pxd says it.

Nobody may sleep on whose record is durable, or never will be. No sleep has a timeout here: in pricecore one of 50 ms
looks for signals, which must not be what ends it. The steps, and what they are in pricecore:

    the log's thread, for each commit: publish; at the end: end
        store       store_progress; at the end: `over`
        turn        its fetch_add_relaxed
        look        the load of `sleepers`
        wake        wake_all
    who waits: sleep_until_durable, in the loop of wait_durable
        count       fetch_add_relaxed of `sleepers`
        note turn   progress_turn
        look        progress_durable, then progress_over
        sleep       sleep_while: not once the turn is another one
        leave       the fetch_add_relaxed that takes it back

Steps are sequentially consistent: the orders that make them so stand in following.pxd.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from models.explore import Explored, Explorer, Violation

COMMIT = {
    "": ("store", "turn", "look", "wake"),
    "early turn": ("turn", "store", "look", "wake"),
    "early look": ("look", "store", "turn", "wake"),
    "same turn": ("store", "look", "wake"),
    "late turn": ("store", "look", "wake", "turn"),
}
END = {"end without a turn": ("store",), "end without a wake": ("store", "turn")}
WAIT = {
    "": ("count", "note turn", "look", "sleep", "leave"),
    "late note": ("count", "look", "note turn", "sleep", "leave"),
    "never counted": ("note turn", "look", "sleep", "leave"),
}


class Waiter(NamedTuple):
    wanted: int
    step: str
    turn: int = -1
    asleep: bool = False
    over: bool = False


class State(NamedTuple):
    waiters: tuple[Waiter, ...]
    step: str
    commits: int = 0  # begun
    durable: int = 0
    over: bool = False
    turn: int = 0
    sleepers: int = 0
    seen: int = 0  # sleepers, as the log's thread has seen


class DurableProtocol:
    """All interleavings of so many commits, an end, and waiters for these records; `twin` breaks one path."""

    def __init__(self, commits: int, wanted: tuple[int, ...], twin: str = ""):
        self.commits = commits
        self.twin = twin
        self.commit = COMMIT.get(twin, COMMIT[""])
        self.end = END.get(twin, self.commit)
        self.wait = WAIT.get(twin, WAIT[""])
        self.start = State(tuple(Waiter(record, self.wait[0]) for record in wanted), self.commit[0])

    def explore(self) -> Explored:
        """Explore everything; Violation when somebody sleeps on. The summaries of `ends`: what is durable."""
        return Explorer(self.start, self.successors, self.check_end).run()

    def path(self, state: State) -> tuple[str, ...]:
        return self.commit if state.commits < self.commits else self.end

    def successors(self, state: State) -> Iterator:
        if state.step != "gone":
            yield f"log: {state.step}", partial(self.write, state)
        for i, waiter in enumerate(state.waiters):
            if not waiter.over and not waiter.asleep:
                yield f"waiter {i}: {waiter.step}", partial(self.step_of_waiter, state, i)

    def write(self, state: State) -> State:
        path, step = self.path(state), state.step
        if step == "store" and state.commits < self.commits:
            state = state._replace(durable=state.durable + 1)
        elif step == "store":
            state = state._replace(over=True)
        elif step == "turn":
            state = state._replace(turn=state.turn + 1)
        elif step == "look":
            state = state._replace(seen=state.sleepers)
        elif step == "wake" and state.seen:
            state = state._replace(waiters=tuple(waiter._replace(asleep=False) for waiter in state.waiters))
        at = path.index(step) + 1
        if at < len(path):
            return state._replace(step=path[at])
        if state.commits == self.commits:
            return state._replace(step="gone")
        state = state._replace(commits=state.commits + 1)
        return state._replace(step=self.path(state)[0])

    def step_of_waiter(self, state: State, i: int) -> State:
        me = state.waiters[i]
        following = self.wait[(self.wait.index(me.step) + 1) % len(self.wait)]
        if me.step == "count":
            state = state._replace(sleepers=state.sleepers + 1)
        elif me.step == "note turn":
            me = me._replace(turn=state.turn)
        elif me.step == "look" and (state.durable >= me.wanted or state.over):
            me = me._replace(over=True)
        elif me.step == "sleep":
            me = me._replace(asleep=me.turn == state.turn)
        elif me.step == "leave" and "count" in self.wait:
            state = state._replace(sleepers=state.sleepers - 1)
        me = me._replace(step=following)
        return state._replace(waiters=(*state.waiters[:i], me, *state.waiters[i + 1 :]))

    def check_end(self, state: State) -> int | None:
        """Ask for sleepers whenever the log's thread is not on its way to wake."""
        if state.step not in ("gone", self.path(state)[0]):
            return None
        for i, waiter in enumerate(state.waiters):
            if waiter.asleep and (state.durable >= waiter.wanted or state.over):
                raise Violation(f"waiter {i} sleeps on for {waiter.wanted}: {state.durable} is durable, {state.over=}")
        over = state.step == "gone" and all(waiter.over for waiter in state.waiters)
        return state.durable if over else None

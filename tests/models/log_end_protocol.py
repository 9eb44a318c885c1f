"""How a log ends: every interleaving of updates, a mark, who closes, and the log's thread, as following.pxd says it.

Nothing that was published or marked before the close may be missing, nobody waits for ever, and once somebody has seen
`ended`, the thread touches nothing any more. The steps, and what they are in pricecore:

    updates, and then a mark: in threads of their own
        publish     ring_claim and ring_publish; none begins once the engine is shut
        mark        leave_mark
    who closes (any number): EngineCore.close
        shut        close_writers and await_writers
        stop        ask_to_stop: its store
        kick        its fetch_add_relaxed, and wake_all
        await       await_end
        free        what follows: the memory may go
    the log's thread: follow_ring
        note        kicks_so_far
        ask         stop_asked
        take        take_turn: what is published, then the mark
        judge       is it the end? then over, ended; more to take, or asked to stop? then again
        sleep       rest: not once there was another kick. Its timeout is here for records alone, not for the order
        over        the store of `over`; end before it has closed the file
        ended       the store of `ended`
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from models.explore import Explored, Explorer, Violation

CLOSE = {
    "": ("shut", "stop", "kick", "await", "free"),
    "early kick": ("shut", "kick", "stop", "await", "free"),
    "early stop": ("stop", "kick", "shut", "await", "free"),
    "no await": ("shut", "stop", "kick", "free"),
}
FOLLOW = {
    "": ("note", "ask", "take", "judge", "sleep"),
    "late ask": ("note", "take", "ask", "judge", "sleep"),
    "late note": ("ask", "take", "judge", "note", "sleep"),
}
FINISH = {"": ("over", "ended"), "early end": ("ended", "over")}


class State(NamedTuple):
    closers: tuple[str, ...]
    step: str = "note"
    updates: int = 0  # published
    marked: int = 0  # updates that the mark names; 0: none
    shut: bool = False
    stop: bool = False
    kicks: int = 0
    noted: int = 0
    asked: bool = False
    taken: bool = False
    asleep: bool = False
    written: int = 0
    settled: int = 0
    over: bool = False
    ended: bool = False
    freed: bool = False


class LogEnd:
    """All interleavings of so many updates and closers; `twin` breaks one path."""

    def __init__(self, updates: int, closers: int, twin: str = ""):
        self.updates = updates
        self.twin = twin
        self.close = CLOSE.get(twin, CLOSE[""])
        self.follow = FOLLOW.get(twin, FOLLOW[""])
        self.finish = FINISH.get(twin, FINISH[""])
        self.start = State((self.close[0],) * closers, self.follow[0])

    def explore(self) -> Explored:
        """Explore everything; Violation as above. The summaries of `ends`: what was written, and marked."""
        return Explorer(self.start, self.successors, self.check_end).run()

    def successors(self, state: State) -> Iterator:
        if state.updates < self.updates and not state.shut:
            yield "update: publish", lambda: state._replace(updates=state.updates + 1)
        if state.updates and state.marked < state.updates and not state.shut:
            yield "update: mark", lambda: state._replace(marked=state.updates)
        for i, step in enumerate(state.closers):
            if step != "gone" and not (step == "await" and not state.ended):
                yield f"closer {i}: {step}", partial(self.step_of_closer, state, i)
        if state.asleep and state.written < state.updates:
            yield "log: looks up", lambda: state._replace(asleep=False, step=self.follow[0])
        if not state.asleep and state.step != "gone":
            yield f"log: {state.step}", partial(self.step_of_thread, state)

    def step_of_closer(self, state: State, i: int) -> State:
        step = state.closers[i]
        if step == "shut":
            state = state._replace(shut=True)
        elif step == "stop":
            state = state._replace(stop=True)
        elif step == "kick":
            state = state._replace(kicks=state.kicks + 1, asleep=False)
            if state.step == "asleep":
                state = state._replace(step=self.follow[0])
        elif step == "free":
            state = state._replace(freed=True)
        at = self.close.index(step) + 1
        following = self.close[at] if at < len(self.close) else "gone"
        return state._replace(closers=(*state.closers[:i], following, *state.closers[i + 1 :]))

    def step_of_thread(self, state: State) -> State:
        if state.freed:
            raise Violation(f"the log's thread is at {state.step!r}, and the memory is gone")
        step = state.step
        if step in self.finish:
            at = self.finish.index(step) + 1
            following = self.finish[at] if at < len(self.finish) else "gone"
            return state._replace(**{step: True}, step=following)
        if step == "note":
            state = state._replace(noted=state.kicks)
        elif step == "ask":
            state = state._replace(asked=state.stop)
        elif step == "take":
            taken = state.updates > state.written
            state = state._replace(taken=taken, written=state.updates, settled=state.marked)
        elif step == "judge" and state.asked and not state.taken:
            return state._replace(step=self.finish[0])
        elif step == "judge" and (state.asked or state.taken):
            return state._replace(step=self.follow[0])
        elif step == "sleep":
            asleep = state.noted == state.kicks
            return state._replace(asleep=asleep, step="asleep" if asleep else self.follow[0])
        return state._replace(step=self.follow[self.follow.index(step) + 1])

    def check_end(self, state: State) -> tuple[int, int] | None:
        """Say what was written once all is over; a thread that sleeps on is a deadlock, which the explorer finds."""
        if any(step != "gone" for step in state.closers) or state.step != "gone":
            return None
        if (state.written, state.settled) != (state.updates, state.marked):
            raise Violation(f"written {state.written} of {state.updates}, mark {state.settled} of {state.marked}")
        return state.written, state.settled

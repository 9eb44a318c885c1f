"""A small explicit-state model checker: every interleaving of a few threads, breadth first.

A model gives hashable states and `successors(state)`; the explorer visits each state once, asks `check_end` about every
state in which all work is done, and at last makes sure that from every state such an end can still be reached. That one
condition excludes deadlock and livelock alike, with waiting modelled as what it is: a step that changes nothing.
The search is breadth first, so the trace of a violation is a shortest one.
"""

import gc
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass


class Violation(AssertionError):  # noqa: N818 - the word of the field
    """A property does not hold; a model's step raises it, the explorer adds the way that led there."""


@dataclass(frozen=True)
class Explored:
    """What an exploration without a violation saw."""

    states: int
    steps: int
    ends: frozenset


@contextmanager
def collector_paused():
    """States are tuples without cycles: walking over all of them again and again takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


Successors = Callable[[Hashable], Iterable[tuple[str, Callable[[], Hashable]]]]


class Explorer:
    """Visits all states that can be reached from `initial`.

    `successors(state)` yields pairs of a label and a function that makes the next state (and may raise Violation).
    `check_end(state)` returns None when work is left, else a summary of the end; it may raise Violation too.
    """

    def __init__(self, initial: Hashable, successors: Successors, check_end: Callable[[Hashable], Hashable | None]):
        self._successors = successors
        self._check_end = check_end
        self._index = {initial: 0}
        self._came_from = [(0, "start")]  # by state: a state before it on a shortest way, and the step between
        self._before = [[]]  # by state: all states with a step to it
        self._ends = []
        self._steps = 0

    def run(self, max_states: int = 3_000_000) -> Explored:
        """Explore everything; raise Violation with its trace when a property fails."""
        with collector_paused():
            summaries = self._visit_all(max_states)
            self._check_that_every_state_can_end()
        return Explored(len(self._index), self._steps, summaries)

    def _visit_all(self, max_states: int) -> frozenset:
        summaries = set()
        todo = deque(self._index)
        while todo:
            state = todo.popleft()
            at = self._index[state]
            summary = self._guarded(at, "end", lambda: self._check_end(state))  # noqa: B023
            if summary is not None:
                summaries.add(summary)
                self._ends.append(at)
            for label, step in self._successors(state):
                todo.extend(self._visit(at, label, self._guarded(at, label, step)))
            if len(self._index) > max_states:
                raise RuntimeError(f"more than {max_states} states: make the configuration smaller")
        return frozenset(summaries)

    def _visit(self, at: int, label: str, state: Hashable) -> tuple:
        """Note the step; return the state when it is new."""
        self._steps += 1
        known = self._index.setdefault(state, len(self._came_from))
        if known < len(self._came_from):
            self._before[known].append(at)
            return ()
        self._came_from.append((at, label))
        self._before.append([at])
        return (state,)

    def _guarded(self, at: int, label: str, action: Callable[[], Hashable]) -> Hashable:
        try:
            return action()
        except Violation as violation:
            raise Violation(f"{violation}\n{self._trace(at)}\n  {label}  <- here") from None

    def _check_that_every_state_can_end(self) -> None:
        can_end = set(self._ends)
        todo = deque(self._ends)
        while todo:
            for before in self._before[todo.popleft()]:
                if before not in can_end:
                    can_end.add(before)
                    todo.append(before)
        stuck = next((at for at in range(len(self._came_from)) if at not in can_end), None)
        if stuck is not None:
            raise Violation(f"deadlock: no way from here to an end\n{self._trace(stuck)}")

    def _trace(self, at: int) -> str:
        labels = []
        while at:
            at, label = self._came_from[at]
            labels.append(f"  {label}")
        return "\n".join(reversed(labels))

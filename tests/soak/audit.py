"""Nothing acknowledged is lost: the ledger of what was published beside what the log gave back."""

from typing import NamedTuple

from soak.chunks import CHUNK


class Gap(NamedTuple):
    """Sequences that the log says it lacks."""

    first: int
    last: int
    reason: str


class Audit:
    """Compares chunks as both sides give them, and judges the holes.

    A chunk must have the same checksum on both sides, unless the log lacks a part of it: then what it lacks must be
    exactly what it reports as gaps. And of what one life of the engine acknowledged (its durable sequence) nothing may
    be in a gap.

    Threads: one.
    """

    def __init__(self) -> None:
        self.compared = self.with_gaps = 0
        self.gaps: set[Gap] = set()
        self.problems: list[str] = []
        self._published: dict[int, tuple[int, int]] = {}
        self._logged: dict[int, tuple[int, int]] = {}
        self._partly: list[tuple[int, int]] = []
        self._durable: dict[int, int] = {}
        self._newest = 0

    def acknowledged(self, first_sequence: int, durable: int) -> None:
        """The engine whose first sequence this is has said that all up to `durable` is."""
        self._durable[first_sequence] = max(durable, self._durable.get(first_sequence, 0))

    @property
    def durable(self) -> int:
        return max(self._durable.values(), default=0)

    def published(self, chunks: list[list[int]]) -> None:
        """Take chunks of the ledger."""
        for number, checksum, count in chunks:
            self._published[number] = checksum, count
            self._newest = max(self._newest, number)
            self._compare(number)

    def logged(self, chunks: list[list[int]], gaps: list[list]) -> None:
        """Take chunks of the log, and the gaps that it reports."""
        self.gaps |= {Gap(*gap) for gap in gaps}
        for number, checksum, count in chunks:
            self._logged[number] = checksum, count
            self._compare(number)

    def _compare(self, number: int) -> None:
        if number not in self._published or number not in self._logged:
            return
        published, logged = self._published.pop(number), self._logged.pop(number)
        self.compared += 1
        if published == logged:
            return
        if logged[1] == published[1]:
            self.problems.append(f"chunk {number}: the log gives back other bytes than were published")
        else:
            self._partly.append((number, published[1] - logged[1]))
            self.with_gaps += 1

    def judge(self) -> list[str]:
        """Return what is wrong, once both sides have given all they have."""
        wrong = list(self.problems)
        wrong += [f"chunk {number} of the log was never published" for number in self._logged if number < self._newest]
        partly = self._partly + [(number, count) for number, (_, count) in self._published.items()]
        for number, missing in partly:
            told = sum(_common(gap, number) for gap in self.gaps)
            acknowledged = (number + 1) * CHUNK <= self.durable
            if told != missing and acknowledged:
                wrong.append(f"chunk {number}: {missing} records are missing, gaps tell of {told}")
        for gap in sorted(self.gaps):
            durable = self._durable_of_life(gap.first)
            if gap.first <= durable:
                wrong.append(f"{gap} was acknowledged: {durable} was durable")
            if gap.reason == "removed":
                wrong.append(f"{gap}: removed before the auditor read it; it cannot keep up with this rate")
        return wrong

    def _durable_of_life(self, sequence: int) -> int:
        begun = [first for first in self._durable if first <= sequence]
        return self._durable[max(begun)] if begun else 0


def _common(gap: Gap, number: int) -> int:
    """Return how many sequences of a chunk lie in a gap."""
    return max(0, min(gap.last, (number + 1) * CHUNK) - max(gap.first, number * CHUNK + 1) + 1)

"""Consumers that hold a ring, in plain Python: who is in the way, and what each one reads."""

from dataclasses import dataclass

CURSORS = 16


@dataclass
class Consumer:
    name: str
    skips: bool
    position: int
    lost: int = 0


class HoldingModel:
    """A ring of `capacity` records that are their own sequences, and its consumers by the caller's index."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.sequence = 0
        self.consumers: dict[int, Consumer] = {}

    @property
    def limit(self) -> int | None:
        """How far writers may go; None: nobody holds."""
        positions = [consumer.position for consumer in self.consumers.values() if not consumer.skips]
        return min(positions) + self.capacity if positions else None

    def publish(self, n: int) -> int | None:
        """Return the first sequence, or None: no room, nothing published."""
        if self.limit is not None and self.sequence + n > self.limit:
            return None
        self.sequence += n
        return self.sequence - n + 1

    def register(self, i: int, name: str, skips: bool) -> int:
        """Return 0, 1: the name is taken, 2: all cursors are."""
        if any(consumer.name == name for consumer in self.consumers.values()):
            return 1
        if len(self.consumers) == CURSORS:
            return 2
        self.consumers[i] = Consumer(name, skips, self.sequence)
        return 0

    def leave(self, i: int) -> None:
        self.consumers.pop(i, None)

    def read(self, i: int, n: int) -> tuple[list[int], tuple[int, int] | None]:
        """Return the records and the gap right before them."""
        consumer = self.consumers[i]
        first = max(consumer.position + 1, self.sequence - self.capacity + 1)
        gap = (consumer.position + 1, first - 1) if first > consumer.position + 1 else None
        consumer.lost += first - 1 - consumer.position
        found = list(range(first, min(first + n, self.sequence + 1)))
        consumer.position = first - 1 + len(found)
        return found, gap

"""The ring as a list of all records, and a reader of it that may be lapped; then the same ticket by ticket."""


class RingModel:
    """Every record ever published; the last `capacity` of them can still be read."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.records: list = []

    def publish(self, record) -> int:
        """Append a record; return its sequence."""
        self.records.append(record)
        return len(self.records)


class ReaderModel:
    """Reads a RingModel; what was overwritten before it came is counted as lost."""

    def __init__(self, ring: RingModel, start: int = 1):
        self.ring = ring
        self.position = start - 1
        self.lost = 0

    def read(self, max_items: int) -> list:
        oldest = max(0, len(self.ring.records) - self.ring.capacity)
        self.lost += max(0, oldest - self.position)
        self.position = max(self.position, oldest)
        found = self.ring.records[self.position : self.position + max_items]
        self.position += len(found)
        return found


class TicketModel:
    """The ring while its writers are at work: the tickets taken, and the sequence that is stamped on each cell."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.taken = 0
        self.limit: int | None = None
        self.stamps = [0] * capacity
        self.void: set[int] = set()

    def is_free(self, sequence: int) -> bool:
        """Tell whether the record one lap before is complete."""
        return self.stamps[(sequence - 1) % self.capacity] == max(0, sequence - self.capacity)

    def claim(self, n: int, ready: bool) -> int | str:
        """Take n tickets, for `ready` only with free cells; return the first, or why there is none."""
        if self.limit is not None and self.taken + n > self.limit:
            return "no room"
        if ready and not all(self.is_free(self.taken + 1 + k) for k in range(n)):
            return "not yet"
        self.taken += n
        return self.taken - n + 1

    def publish(self, sequence: int, void: bool) -> None:
        assert self.is_free(sequence)
        self.stamps[(sequence - 1) % self.capacity] = sequence
        if void:
            self.void.add(sequence)

    def read(self, position: int, n: int) -> tuple[int, list[tuple[int, bool]], int]:
        """Return the new position, (sequence, is it void) of what is delivered, and how many are lost."""
        lost = max(0, self.taken - self.capacity - position)
        found = []
        position += lost
        while len(found) < n and self.stamps[position % self.capacity] == position + 1:
            position += 1
            found.append((position, position in self.void))
        return position, found, lost

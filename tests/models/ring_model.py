"""The ring as a list of all records, and a reader of it that may be lapped."""


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

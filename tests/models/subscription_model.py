"""What a subscription delivers, in plain Python: from the list of all records that an engine published."""

from collections import OrderedDict
from typing import NamedTuple


class Published(NamedTuple):
    sequence: int
    symbol: str
    kind: int
    price: float


class SubscriptionModel:
    """Follows a list of `Published` that grows; its owner says how far it may look."""

    def __init__(self, stream: list[Published], sequence: int, capacity: int, wanted) -> None:
        self.stream = stream
        self.floor = self.position = sequence
        self.capacity = capacity
        self.wanted = wanted
        self.lost = 0

    def news(self, sequence: int) -> list[Published]:
        """Return what was published behind the position and is still in the ring, and move there."""
        kept = max(self.position, sequence - self.capacity)
        self.lost += kept - self.position
        self.position = sequence
        return [record for record in self.stream if kept < record.sequence <= sequence and self.wanted(record.symbol)]


class AllModel(SubscriptionModel):
    """Every record in its order."""

    def poll(self, sequence: int) -> list[Published]:
        return self.news(sequence)


class ConflateModel(SubscriptionModel):
    """The latest of each symbol and kind with news, at the most `n`, in the order in which the news came."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.pending: OrderedDict[tuple[str, int], None] = OrderedDict()
        self.seen: dict[tuple[str, int], int] = {}

    def poll(self, sequence: int, n: int) -> list[Published]:
        lapped = sequence - self.position > self.capacity
        for record in self.news(sequence):
            self.mark(record)
        if lapped:  # every symbol's latest counts, wherever its record has gone
            for record in sorted(self.latest().values(), key=self.place):
                if self.wanted(record.symbol) and record.sequence > self.floor:
                    self.mark(record)
        keys = [self.pending.popitem(last=False)[0] for _ in range(min(n, len(self.pending)))]
        taken = [self.latest()[key] for key in keys]
        self.seen.update(((record.symbol, record.kind), record.sequence) for record in taken)
        return taken

    def mark(self, record: Published) -> None:
        key = record.symbol, record.kind
        if record.sequence > self.seen.get(key, 0):
            self.seen[key] = record.sequence
            self.pending.setdefault(key)

    def place(self, record: Published) -> tuple[int, int]:
        symbols = list(dict.fromkeys(other.symbol for other in self.stream))
        return symbols.index(record.symbol), record.kind

    def latest(self) -> dict[tuple[str, int], Published]:
        return {(record.symbol, record.kind): record for record in self.stream}

"""What `PriceEngine` does, one update after another, in plain Python: rules, order, stream and accounts."""

import math
from collections import Counter
from typing import NamedTuple

EARLIEST_NS = 10**17
PRICE, QUOTE, SYMBOL, VOID = 0, 1, 2, 255
CROSSED, NO_SOURCE_TIME, ONE_SIDED = 1, 2, 4


class Row(NamedTuple):
    """One trade (price, volume, change, 0) or one quote (bid, ask, bid size, ask size) as a caller gives it."""

    kind: int
    symbol: str
    figures: tuple[float, float, float, float]
    timestamp_ns: int = 0
    partial: bool = False


class Record(NamedTuple):
    """One record of the stream, without the time at which it was taken."""

    sequence: int
    symbol_id: int
    kind: int
    flags: int = 0
    timestamp_ns: int = 0
    figures: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def price_fault(price: float, positive: bool) -> str:
    if not math.isfinite(price):
        return "price_not_finite"
    return "price_not_positive" if positive and price <= 0 else ""


def side_fault(price: float, size: float, positive: bool) -> str:
    if math.isnan(price):
        return "" if size == 0 else "size"
    if not (math.isfinite(size) and size >= 0):
        return "size"
    return price_fault(price, positive)


def figures_fault(row: Row, positive: bool) -> str:
    a, b, c, d = row.figures
    if row.kind == QUOTE:
        if math.isnan(a) and math.isnan(b):
            return "no_side"
        return side_fault(a, c, positive) or side_fault(b, d, positive)
    if fault := price_fault(a, positive):
        return fault
    if not (math.isfinite(b) and b >= 0):
        return "volume"
    return "change" if math.isinf(c) else ""


def time_fault(timestamp_ns: int, latest_ns: int) -> str:
    if timestamp_ns == 0:
        return ""
    if timestamp_ns < 0:
        return "time_negative"
    if timestamp_ns <= EARLIEST_NS:
        return "time_unit"
    return "future" if timestamp_ns > latest_ns else ""


def symbol_fault(symbol: str) -> str:
    try:
        length = len(symbol.encode())
    except UnicodeEncodeError:
        return "symbol_encoding"
    return "symbol_empty" if length == 0 else "symbol_too_long" if length > 48 else ""


class EngineModel:
    """`latest_ns` is the last time of a source that is not in the future."""

    def __init__(self, latest_ns: int, drop: bool = True, positive: bool = True) -> None:
        self.latest_ns, self.drop, self.positive = latest_ns, drop, positive
        self.symbols: list[str] = []
        self.stored: dict[tuple[str, int], Record] = {}
        self.stream: list[Record] = []
        self.reset_stats()

    def reset_stats(self) -> None:
        self.processed = self.out_of_order = 0
        self.errors: Counter[str] = Counter()

    def fault(self, row: Row) -> str:
        overflow = "" if -(2**63) <= row.timestamp_ns < 2**63 else "time_overflow"
        return (
            overflow
            or figures_fault(row, self.positive)
            or time_fault(row.timestamp_ns, self.latest_ns)
            or symbol_fault(row.symbol)
        )

    def publish(self, symbol_id: int, kind: int, **rest) -> Record:
        self.stream.append(Record(len(self.stream) + 1, symbol_id, kind, **rest))
        return self.stream[-1]

    def register(self, symbol: str) -> int:
        if symbol not in self.symbols:
            self.publish(len(self.symbols), SYMBOL, flags=len(symbol.encode()))
            self.symbols.append(symbol)
        return self.symbols.index(symbol)

    def update(self, row: Row) -> str:
        """Apply one update; return "stored", "late" or the reason for which it is refused."""
        if fault := self.fault(row):
            self.errors[fault] += 1
            return fault
        self.register(row.symbol)
        return self.apply(row)

    def update_batch(self, rows: list[Row]) -> int:
        """Apply the rows in order; return how many are stored. New symbols come first, late rows become VOID."""
        good = [row for row in rows if not self.fault(row)]
        self.errors.update(self.fault(row) for row in rows if self.fault(row))
        for row in good:
            self.register(row.symbol)
        return [self.apply(row, in_batch=True) for row in good].count("stored")

    def is_late(self, row: Row) -> bool:
        before = self.stored.get((row.symbol, row.kind))
        return bool(self.drop and before and row.timestamp_ns and row.timestamp_ns < before.timestamp_ns)

    def apply(self, row: Row, in_batch: bool = False) -> str:
        if self.is_late(row):
            self.out_of_order += 1
            if in_batch:
                self.publish(0, VOID)
            return "late"
        a, b, c, d = row.figures
        before = self.stored.get((row.symbol, row.kind))
        if row.partial and before:
            a, c = (before.figures[0], before.figures[2]) if math.isnan(a) else (a, c)
            b, d = (before.figures[1], before.figures[3]) if math.isnan(b) else (b, d)
        flags = 0 if row.timestamp_ns else NO_SOURCE_TIME
        if row.kind == QUOTE:
            flags |= ONE_SIDED if math.isnan(a) or math.isnan(b) else CROSSED if a > b else 0
        self.stored[row.symbol, row.kind] = self.publish(
            self.symbols.index(row.symbol), row.kind, flags=flags, timestamp_ns=row.timestamp_ns, figures=(a, b, c, d)
        )
        self.processed += 1
        return "stored"

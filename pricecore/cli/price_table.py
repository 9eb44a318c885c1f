"""What the reports of several commands show alike: counts, and the latest prices as a table."""

import math
import time
from datetime import UTC, datetime

from pricecore.engine.price_engine import PriceEngine
from pricecore.observe.text import price_texts
from pricecore.terminal.cells import harmless

_MAX_SYMBOLS_SHOWN = 30
_PRICE_COLUMNS = 32


def count_line(name: str, count: int, remark: str = "") -> str:
    """Return a line of a report."""
    return f"  {name:<20}{count:>14,}   {remark}".rstrip()


def price_of(engine: PriceEngine, symbol: str) -> dict:
    """Return the latest price and quote of a symbol as plain values; what is not there is None."""
    price, quote = engine.get(symbol), engine.quote(symbol)
    received_ns = max((part.received_ns for part in (price, quote) if part is not None), default=0)
    return {
        "symbol": symbol,
        "price": price and _number(price.price),
        "volume": price and _number(price.volume),
        "change_24h": price and _number(price.change_24h),
        "timestamp_ns": price and price.timestamp_ns,
        "bid": quote and _number(quote.bid),
        "ask": quote and _number(quote.ask),
        "bid_size": quote and _number(quote.bid_size),
        "ask_size": quote and _number(quote.ask_size),
        "quote_timestamp_ns": quote and quote.timestamp_ns,
        "age_s": max(0.0, (time.time_ns() - received_ns) / 1e9) if received_ns else None,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def price_table(prices: list[dict]) -> list[str]:
    """Return the symbols as aligned columns."""
    if not prices:
        return ["  no symbol"]
    rows: list[tuple[str, ...]] = [("symbol", "last price", "bid", "ask", "source time (UTC)", "age")]
    rows += [_cells(price) for price in prices[:_MAX_SYMBOLS_SHOWN]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_aligned(row, widths) for row in rows]
    if len(prices) > _MAX_SYMBOLS_SHOWN:
        lines.append(f"  and {len(prices) - _MAX_SYMBOLS_SHOWN:,} more; --json has all")
    return lines


def _cells(price: dict) -> tuple[str, ...]:
    source_ns = max(price["timestamp_ns"] or 0, price["quote_timestamp_ns"] or 0)
    prices = price_texts(price["price"], price["bid"], price["ask"], columns=_PRICE_COLUMNS)
    return harmless(price["symbol"]), *prices, _utc(source_ns), _age(price["age_s"])


def _age(age_s: float | None) -> str:
    return "-" if age_s is None else f"{age_s:.3f} s"


def _utc(time_ns: int) -> str:
    if not time_ns:
        return "-"
    moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{time_ns % 10**9 // 10**6:03}"


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    return "  ".join(["", first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])

"""Messages of every venue, and of mapped formats, through a `Feed`, which never raises on what they hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from math import inf

from helpers.prices import Recorder

from fuzz.harness import MAX_NAME_BYTES, demand, outcome_of
from pricecore import PriceEngine
from pricecore.feeds import Feed, csv_format, ndjson_format
from pricecore.feeds.binance import BinanceDecoder
from pricecore.feeds.feed import FeedCounts
from pricecore.feeds.formats import FORMATS, Format
from pricecore.feeds.sink import MALFORMED, Sink

SEPARATOR = b"\n"
MAX_MESSAGES = 16
JSON_FIELDS = {
    "symbol": "s", "price": "d.p:/100", "volume": "d.v", "bid": "b", "ask": "a", "bid_size": "B", "ask_size": "A",
    "time": "t:ms", "change": "c:fraction",
}  # fmt: skip
CSV_FIELDS = {
    "symbol": "s", "price": "p:/100", "volume": "v", "bid": "b", "ask": "a", "bid_size": "B", "ask_size": "A",
    "time": "t", "change": "c:percent",
}  # fmt: skip


@cache
def formats() -> list[Format]:
    """Return the formats whose lines are messages, with one of each kind that users can add; in an order that stays."""
    own = (ndjson_format("fuzz-json", **JSON_FIELDS), csv_format("fuzz-csv", tuple("spvbaBAtc"), **CSV_FIELDS))
    rows = [row for row in FORMATS.values() if row.decoder and not (row.table and row.table.needs_symbol)]
    return sorted([*rows, *own], key=lambda row: row.name)


@contextmanager
def registered(row: Format) -> Iterator[None]:
    """Have a format among those that there are, for a moment."""
    is_new = row.name not in FORMATS
    FORMATS[row.name] = row
    try:
        yield
    finally:
        if is_new:
            del FORMATS[row.name]


def check(data: bytes) -> None:
    """Feed messages to the format that the first byte names."""
    row = formats()[(data[0] if data else 0) % len(formats())]
    messages = data[1:].split(SEPARATOR)[:MAX_MESSAGES]
    with (
        registered(row),
        PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=1, max_future_s=None) as engine,
        Feed(engine, row.name, prefix="X:") as feed,
    ):
        for message in messages:
            before = feed.counts
            feed.feed(message)
            check_message(before, feed.counts)
        check_counts(feed, len(messages))
        check_prices(engine)
    if row.name == "binance":
        check_both_ways(messages)


def check_message(before: FeedCounts, after: FeedCounts) -> None:
    """A message that was priced has a price, and one that was ignored has none."""
    prices = after.trades + after.quotes - before.trades - before.quotes
    demand(prices == 0 or after.ignored == before.ignored, "no price comes of what is ignored", after)
    demand(prices > 0 or after.priced == before.priced, "what is priced has a price", after)


def check_counts(feed: Feed, messages: int) -> None:
    counts = feed.counts
    demand(counts.received == messages, "each message counts once", counts)
    demand(counts.received == counts.priced + counts.ignored + counts.malformed, "each became one thing", counts)
    refused = sum(counts.refused.values())
    demand(counts.trades + counts.quotes == counts.stored + counts.out_of_order + refused, "so did prices", counts)
    demand(min(counts.priced, counts.gaps, counts.missing, counts.duplicates) >= 0, "no count is negative", counts)


def check_prices(engine: PriceEngine) -> None:
    """What is stored is what an engine may store."""
    for symbol in engine.symbols():
        demand(symbol.startswith("X:") and len(symbol.encode()) <= MAX_NAME_BYTES, "a name within its limits", symbol)
        update, quote = engine.get(symbol), engine.quote(symbol)
        if update is not None:
            demand(0 < update.price < inf and 0 <= update.volume < inf, "a price and a size", update)
        if quote is not None:
            demand(not quote.bid <= 0 and not quote.ask <= 0 and quote.bid_size >= 0, "sides of a quote", quote)


def check_both_ways(messages: list[bytes]) -> None:
    """Binance's messages are read in C, or by msgspec: with the same result."""
    for message in messages:
        found = [outcome(message, way) for way in ("decode", "decode_any")]
        demand(found[0] == found[1], "both ways through the decoder come to the same", message, *found)


def outcome(message: bytes, way: str) -> str:
    recorder = Recorder()
    sink = Sink(recorder)
    decode = getattr(BinanceDecoder(sink), way)
    prices = outcome_of(lambda: decode(message), *MALFORMED)
    numbers = [(series.gaps, series.duplicates) for series in sink.series]
    return repr((prices if isinstance(prices, int) else "malformed", recorder.trades, recorder.quotes, numbers))

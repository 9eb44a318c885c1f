"""Readers beside writers that do not hold the GIL: every figure follows from the first one, so a torn read shows.

The writers hammer one symbol in large batches: a read takes about as long as two writes there, which is what it takes
to tear one. Without the reader's second look at the slot's word, or at the ring's counter, several of these fail.
"""

import time

import numpy as np
import pytest
from helpers.stream import PRICE, QUOTE, SYMBOL, of_kind
from helpers.threads import run_threads

from pricecore.delivery.ring import RingReader

pytestmark = pytest.mark.stress

RUN_S = 0.5
ROWS = 50_000
IDS = np.zeros(ROWS, np.int32)
VALUES = np.arange(1.0, ROWS + 1)
COLUMNS = [k * VALUES for k in (1, 2, 3, 4)]


def write_trades(engine, until):
    while time.monotonic() < until:
        engine.update_many(IDS, COLUMNS[0], COLUMNS[1], None, COLUMNS[2])


def write_quotes(engine, until):
    while time.monotonic() < until:
        engine.update_quotes(IDS, *COLUMNS)


def write_singles(engine, until):
    x = 1.0
    while time.monotonic() < until:
        for _ in range(100):
            x += 1.0
            engine.update("A", x, 2 * x, 0, 3 * x)
            engine.update_quote("A", x, 2 * x, 3 * x, 4 * x)


def read_trades(engine, until):
    last = 0
    while time.monotonic() < until:
        for _ in range(200):
            trade = engine.get("A")
            assert (trade.volume, trade.change_24h) == (2 * trade.price, 3 * trade.price)
            assert trade.sequence >= last
            last = trade.sequence


def read_quotes(engine, until):
    last = 0
    while time.monotonic() < until:
        for _ in range(200):
            quote = engine.quote("A")
            assert quote[2:5] == (2 * quote.bid, 3 * quote.bid, 4 * quote.bid)
            assert quote.sequence >= last
            last = quote.sequence


def read_snapshots(engine, until):
    while time.monotonic() < until:
        for _ in range(100):
            row = engine.snapshot()[0].item()
            price, volume, change, *_, bid, ask, bid_size, ask_size = *row[1:4], *row[6:10]
            assert (volume, change) == (2 * price, 3 * price)
            assert (ask, bid_size, ask_size) == (2 * bid, 3 * bid, 4 * bid)


def read_ring(engine, until):
    reader, read = RingReader(engine.segment), 0
    while time.monotonic() < until:
        records = reader.read(256)
        trades, quotes = of_kind(records, PRICE), of_kind(records, QUOTE)
        assert np.array_equal(trades["volume"], 2 * trades["price"])
        assert np.array_equal(trades["change_24h"], 3 * trades["price"])
        for name, factor in (("ask", 2), ("bid_size", 3), ("ask_size", 4)):
            assert np.array_equal(quotes[name], factor * quotes["bid"])
        assert np.isin(records["kind"], [PRICE, QUOTE, SYMBOL]).all()
        assert (records["sequence"] == np.arange(reader.next_sequence - len(records), reader.next_sequence)).all()
        read += len(records)
    return read, reader


@pytest.fixture
def written(engine):
    """An engine in which there is a trade and a quote to be read."""
    engine.register("A")
    engine.update("A", 1.0, 2.0, 0, 3.0)
    engine.update_quote("A", 1.0, 2.0, 3.0, 4.0)
    return engine


@pytest.mark.parametrize(
    "writers",
    [
        [write_trades, write_trades],
        [write_quotes, write_quotes],
        [write_trades, write_quotes],
        [write_trades, write_singles],
    ],
    ids=["trades", "quotes", "both", "batches and singles"],
)
@pytest.mark.parametrize("read", [read_trades, read_quotes, read_snapshots, read_ring])
def test_nothing_that_is_read_beside_writers_is_torn(written, read, writers):
    until = time.monotonic() + RUN_S
    jobs = [read, *writers]
    run_threads(len(jobs), lambda i: jobs[i](written, until))
    m = written.metrics()
    assert m.messages_received == m.messages_processed >= 2


def test_follower_of_the_ring_reads_or_counts_every_record(written):
    until = time.monotonic() + RUN_S
    jobs = [read_ring, write_trades, write_quotes]
    (read, reader), *_ = run_threads(3, lambda i: jobs[i](written, until))
    written.update_many(IDS, COLUMNS[0])  # many laps: some are lost whoever got a turn before
    while len(records := reader.read()):
        read += len(records)
    assert read + reader.lost == written.metrics().ring.sequence
    assert reader.lost > 0

"""The ring: a reader against a list, exact loss, the bytes of every kind of record, writers and readers at once."""

import math
import struct
import time

import numpy as np
import pytest
from helpers.rooms import native_module
from helpers.threads import at_once, run_threads, tries
from hypothesis import given, settings
from hypothesis import strategies as st
from models.ring_model import ReaderModel, RingModel

import pricecore
from pricecore import PriceEngine
from pricecore.delivery.ring import RingReader
from pricecore.primitives.segment import Segment

CAPACITY = 1024
PRICE, QUOTE, SYMBOL, VOID = 0, 1, 2, 255
CROSSED, NO_SOURCE_TIME, ONE_SIDED = 1, 2, 4
T0 = 1_700_000_000 * 10**9
RECORD = struct.Struct("<QIHHqqdddd")
SYMBOL_RECORD = struct.Struct("<QIHH48s")


@pytest.fixture(scope="module")
def native():
    return native_module("stream")


@pytest.fixture
def engine():
    with PriceEngine(max_symbols=1024, ring_capacity=CAPACITY, latency_window=8, pool_buffers=1) as made:
        yield made


def raw_records(engine, first, count):
    """The 64 bytes of `count` cells from the cell of sequence `first` on."""
    offset = engine.segment.describe()["ring"]
    cells = np.frombuffer(engine.segment.view(), "V64", CAPACITY, offset)
    return [bytes(cells[(sequence - 1) % CAPACITY]) for sequence in range(first, first + count)]


# One thread: the reader is a list


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.sampled_from([1, 2, 63, 64, 65, 500, 1023, 1024, 1025, 3000])),
            st.tuples(st.just("read"), st.sampled_from([1, 7, 1000, 1024, 5000])),
        ),
        max_size=25,
    ),
    st.integers(1, 3000),
)
def test_a_reader_finds_what_a_list_would_give_it(steps, start):
    ring = RingModel(CAPACITY)
    with PriceEngine(max_symbols=1024, ring_capacity=CAPACITY, latency_window=8, pool_buffers=1) as engine:
        readers = [(RingReader(engine.segment, first), ReaderModel(ring, first)) for first in (1, start)]
        ring.publish(math.nan)  # the SYMBOL record
        ids = np.full(3000, engine.register("A"), np.int32)
        for verb, count in steps:
            if verb == "publish":
                prices = np.arange(count) + len(ring.records) + 1.0
                assert engine.update_many(ids[:count], prices) == count
                for price in prices:
                    ring.publish(price)
                continue
            for reader, model in readers:
                if model.position > len(ring.records):
                    continue  # waits for its first sequence
                expected = model.read(count)
                got = reader.read(count)
                assert got["price"][got["kind"] == PRICE].tolist() == [p for p in expected if not math.isnan(p)]
                assert got["sequence"].tolist() == list(range(model.position - len(expected) + 1, model.position + 1))
                assert (reader.lost, reader.next_sequence) == (model.lost, model.position + 1)


def test_a_reader_that_starts_ahead_waits_for_its_sequence(engine):
    reader = RingReader(engine.segment, 5)
    engine.update_many(["A", "B"], [1.0, 2.0])  # sequences 1 to 4
    assert len(reader.read()) == 0
    engine.update("A", 3.0)
    assert reader.read()["sequence"].tolist() == [5]
    assert reader.lost == 0


def test_what_a_reader_got_is_its_own(engine):
    engine.update("A", 1.0)
    got = RingReader(engine.segment).read()
    before = got.tobytes()
    for _ in range(2 * CAPACITY):
        engine.update("A", 2.0)
    assert got.tobytes() == before


def test_a_reader_outlives_the_engine():
    engine = PriceEngine(max_symbols=1024, ring_capacity=CAPACITY)
    engine.update("A", 1.0)
    reader = RingReader(engine.segment)
    engine.close()
    del engine
    assert reader.read()["kind"].tolist() == [SYMBOL, PRICE]


@pytest.mark.parametrize("start", [0, -1, 2**61, 2**64])
def test_a_start_that_no_sequence_has_is_refused(engine, start):
    with pytest.raises(ValueError, match=f"start is {start};"):
        RingReader(engine.segment, start)


@pytest.mark.parametrize("max_items", [0, -1])
def test_nothing_to_read_is_refused(engine, max_items):
    with pytest.raises(ValueError, match="at least 1"):
        RingReader(engine.segment).read(max_items)


def test_a_reader_needs_a_segment():
    with pytest.raises(TypeError):
        RingReader(None)


# The bytes


def test_a_symbol_is_published_before_its_first_update(engine):
    engine.update("FIRST", 1.5)
    engine.update_quote("SECOND", 1.0, 2.0)
    engine.update_many(["FIRST", "THIRD", "THIRD", "FOURTH"], [1.0, 2.0, 3.0, math.nan])
    engine.register(["FIFTH", "FIRST"])
    got = RingReader(engine.segment).read()
    kinds = [(int(row["kind"]), int(row["symbol_id"])) for row in got]
    assert kinds == [
        (SYMBOL, 0), (PRICE, 0), (SYMBOL, 1), (QUOTE, 1), (SYMBOL, 2), (PRICE, 0), (PRICE, 2), (PRICE, 2), (SYMBOL, 3),
    ]  # fmt: skip
    assert got["sequence"].tolist() == list(range(1, 10))
    assert engine.symbols() == ["FIRST", "SECOND", "THIRD", "FIFTH"]


@pytest.mark.parametrize("name", ["A", "VENUE:ÄÖ\0€", "x" * 48, "\U0001f600" * 12, "\0"])
def test_the_bytes_of_a_symbol_record(engine, name):
    engine.register("other")
    engine.update(name, 1.0)
    raw = name.encode()
    assert raw_records(engine, 2, 1) == [SYMBOL_RECORD.pack(2, 1, SYMBOL, len(raw), raw.ljust(48, b"\0"))]


def test_the_bytes_of_a_price_and_a_quote(engine):
    engine.update("A", 61737.63, volume=0.5, timestamp_ns=T0, change_24h=-1.25)
    engine.update_quote("A", 1.25, 1.5, 10.0, 20.0, T0 + 1)
    trade, quote = engine.get("A"), engine.quote("A")
    assert raw_records(engine, 2, 2) == [
        RECORD.pack(2, 0, PRICE, 0, T0, trade.received_ns, 61737.63, 0.5, -1.25, 0.0),
        RECORD.pack(3, 0, QUOTE, 0, T0 + 1, quote.received_ns, 1.25, 1.5, 10.0, 20.0),
    ]


FLAGS = {
    "a price with a time": (lambda e: e.update("A", 1.0, timestamp_ns=T0), 0),
    "a price without": (lambda e: e.update("A", 1.0), NO_SOURCE_TIME),
    "a quote with a time": (lambda e: e.update_quote("A", 1.0, 2.0, timestamp_ns=T0), 0),
    "a quote without": (lambda e: e.update_quote("A", 1.0, 2.0), NO_SOURCE_TIME),
    "a locked quote": (lambda e: e.update_quote("A", 2.0, 2.0, timestamp_ns=T0), 0),
    "a crossed quote": (lambda e: e.update_quote("A", 3.0, 2.0, timestamp_ns=T0), CROSSED),
    "crossed, no time": (lambda e: e.update_quote("A", 3.0, 2.0), CROSSED | NO_SOURCE_TIME),
    "no bid": (lambda e: e.update_quote("A", math.nan, 2.0, timestamp_ns=T0), ONE_SIDED),
    "no ask, no time": (lambda e: e.update_quote("A", 2.0, math.nan), ONE_SIDED | NO_SOURCE_TIME),
    "a batch's price": (lambda e: e.update_many(["A"], [1.0], timestamps_ns=[T0]), 0),
    "a batch's price without": (lambda e: e.update_many(["A"], [1.0]), NO_SOURCE_TIME),
    "a batch's crossed quote": (lambda e: e.update_quotes(["A"], [3.0], [2.0]), CROSSED | NO_SOURCE_TIME),
    "a batch's one side": (lambda e: e.update_quotes(["A"], [3.0], [math.nan], timestamps_ns=[T0]), ONE_SIDED),
}


@pytest.mark.parametrize(("publish", "flags"), FLAGS.values(), ids=FLAGS.keys())
def test_flags(engine, publish, flags):
    publish(engine)
    row = RingReader(engine.segment).read()[-1]
    assert row["flags"] == flags
    assert (row["timestamp_ns"] == 0) == bool(flags & NO_SOURCE_TIME)


def test_a_side_that_partial_fills_in_counts_for_the_flags(engine):
    engine.update_quote("A", 1.0, 2.0, 5.0, 6.0, T0)
    engine.update_quote("A", 3.0, math.nan, 7.0, timestamp_ns=T0 + 1, partial=True)
    row = RingReader(engine.segment).read().view(pricecore.QUOTE_DTYPE)[-1]
    assert row["flags"] == CROSSED
    assert [row[name] for name in ("bid", "ask", "bid_size", "ask_size")] == [3.0, 2.0, 7.0, 6.0]


def test_a_row_out_of_order_is_void_and_keeps_its_sequence(engine):
    ids = engine.register(["A", "B"])[[0, 1, 0, 0]]
    assert engine.update_many(ids, [1.0, 2.0, 3.0, 4.0], timestamps_ns=[T0 + 5, T0, T0 + 4, T0 + 5]) == 3
    got = RingReader(engine.segment, 3).read()
    assert got["kind"].tolist() == [PRICE, PRICE, VOID, PRICE]
    assert got["sequence"].tolist() == [3, 4, 5, 6]
    assert raw_records(engine, 5, 1) == [RECORD.pack(5, 0, VOID, 0, 0, 0, 0.0, 0.0, 0.0, 0.0)]
    assert engine.price("A") == 4.0


def test_a_single_update_out_of_order_or_refused_takes_no_sequence(engine):
    engine.update("A", 1.0, timestamp_ns=T0)
    assert not engine.update("A", 2.0, timestamp_ns=T0 - 1)
    with pytest.raises(ValueError, match="price"):
        engine.update("A", math.nan)
    engine.update("A", 3.0, timestamp_ns=T0)
    assert RingReader(engine.segment).read()["sequence"].tolist() == [1, 2, 3]


# The cells by hand


def test_every_sequence_has_its_cell(native):
    box = native.RingBox(8)
    for sequence in range(1, 30):
        assert box.claim(1, ready=True) == sequence
        box.publish(sequence)
        assert box.stamps()[(sequence - 1) % 8] == sequence
    assert sorted(box.stamps()) == list(range(22, 30))


def test_a_claim_beyond_the_limit_takes_nothing(native):
    box = native.RingBox(8)
    box.limit(10)
    assert box.claim(8) == 1
    for sequence in range(1, 9):
        box.publish(sequence)
    assert [box.claim(3), box.claim(3, ready=True), box.sequence] == ["no room", "no room", 8]
    assert [box.claim(2, ready=True), box.sequence] == [9, 10]
    assert [box.claim(1), box.claim(1, ready=True), box.sequence] == ["no room", "no room", 10]
    box.limit(11)
    assert box.claim(1) == 11


def test_a_claim_waits_for_the_lap_before_it_has_a_sequence(native):
    box = native.RingBox(4)
    assert box.claim(1) == 1  # and nothing published
    for sequence in (2, 3, 4):
        assert box.claim(1, ready=True) == sequence
        box.publish(sequence)
    assert [box.claim(1, ready=True), box.sequence] == ["not yet", 4]
    box.publish(1)
    assert box.claim(2, ready=True) == 5
    assert box.claim(2, ready=True) == 7  # its cells are those of 3 and 4
    assert box.claim(2, ready=True) == "not yet"
    box.publish(5)
    assert box.claim(2, ready=True) == "not yet"  # the second cell, that of 6, is open
    assert box.claim(1, ready=True) == 9


def test_a_batch_waits_for_each_cell_until_its_lap_is_over(native):
    box = native.RingBox(4)
    assert (box.wait_lap(3), box.claim(12)) == (0, 1)  # an empty cell is free
    waiting = [5, 9, 7]  # of three batches, each a lap or two ahead

    def body(index):
        if index == len(waiting):
            time.sleep(0.01)
            box.publish(3)
            box.publish(1)
            return None
        stamp = box.wait_lap(waiting[index])
        box.publish(waiting[index])
        return stamp

    assert run_threads(4, body)[:3] == [1, 5, 3]


def test_reading_stops_at_a_ticket_that_is_not_published(native):
    box = native.RingBox(8)
    assert box.claim(3) == 1
    box.publish(1)
    box.publish(3, void=True)
    position, rows, lost = box.copy(0, 8)
    assert (position, [row[0] for row in rows], lost) == (1, [1], 0)
    box.publish(2)
    position, rows, lost = box.copy(1, 8)
    assert (position, [row[0] for row in rows], lost) == (3, [2, 3], 0)
    assert rows[1] == [3, 255 << 32, 0, 0, 0, 0, 0, 0]


def test_what_a_taken_ticket_may_overwrite_is_lost_already(native):
    box = native.RingBox(4)
    for sequence in range(1, 5):
        box.claim(1)
        box.publish(sequence)
    assert box.claim(2) == 5  # their writers may be in the cells of 1 and 2
    position, rows, lost = box.copy(0, 8)
    assert (position, [row[0] for row in rows], lost) == (4, [3, 4], 2)
    assert box.claim(8) == 7  # more than a lap ahead of what is published
    position, rows, lost = box.copy(4, 8)
    assert (position, rows, lost) == (10, [], 6)


# Threads


STREAMS = {
    "one writer": [{"count": 300_000}],
    "two writers": [{"count": 150_000}] * 2,
    "two batches": [{"count": 19_200, "chunk": 64}] * 2,
    "batches that take their time": [{"count": 6_400, "chunk": 64, "pauses": 10}] * 2,
    "singles and batches": [{"count": 50_000}, {"count": 19_200, "chunk": 64}],
}


def stream(native, capacity, writers, batches, **reader):
    """Publish in threads while others follow; return what each follower counted."""
    box = native.RingBox(capacity, len(writers), len(batches))
    total = sum(kind["count"] for kind in writers)

    def body(index):
        if index < len(writers):
            return native.publish_many(box, **writers[index])
        return native.follow(box, total, batches[index - len(writers)], **reader)

    results = run_threads(len(writers) + len(batches), body)
    assert box.sequence == total
    return total, results[len(writers) :]


@pytest.mark.parametrize("capacity", [2, 64, 1024])
@pytest.mark.parametrize("writers", STREAMS.values(), ids=STREAMS.keys())
def test_readers_beside_writers_lose_exactly_what_they_do_not_get(native, writers, capacity):
    total, followers = stream(native, capacity, writers, [1, 16, 500])
    for read, lost, torn, misplaced, void in followers:
        assert (torn, misplaced) == (0, 0)
        assert read + lost == total
        assert read > 0
        assert void <= read


def test_a_reader_of_a_roomy_ring_loses_nothing(native):
    total, followers = stream(native, 1 << 19, [{"count": 100_000}, {"count": 64_000, "chunk": 64}], [100])
    assert followers == [(total, 0, 0, 0, total // 7)]


TWINS = {
    "a reader that does not look at the counter": ([{"count": 200_000}], {"unchecked": True}, 2),
    "a writer that stamps before it fills": ([{"count": 5_000, "pauses": 10, "broken": 1}], {}, 64),
}


@at_once
@pytest.mark.parametrize(("writers", "reader", "capacity"), TWINS.values(), ids=TWINS.keys())
def test_a_broken_twin_is_caught(native, writers, reader, capacity):
    for _ in tries():
        _, followers = stream(native, capacity, writers, [16, 500], **reader)
        if any(torn or misplaced for _, _, torn, misplaced, _ in followers):
            return
    pytest.fail("nobody noticed")


@pytest.mark.stress
@pytest.mark.slow
@pytest.mark.parametrize("capacity", [1, 2, 8, 1024])
def test_many_writers_and_readers_for_long(native, capacity):
    count = 64_000 if capacity < 64 else 640_000  # a small ring makes everyone wait for everyone
    kinds = [{"count": count, "chunk": (1, 64)[i % 2]} for i in range(6)]
    total, followers = stream(native, capacity, kinds, [1, 3, 64, 2000])
    assert all((read + lost, torn, misplaced) == (total, 0, 0) for read, lost, torn, misplaced, _ in followers)


def test_an_engine_with_writers_in_threads_publishes_every_update_once():
    updates, writers = 40_000, 3
    with PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=8, pool_buffers=1) as engine:
        ids = engine.register([f"S{i}" for i in range(writers)])
        total = writers + writers * updates

        def write(index):
            prices = np.arange(updates) * writers + index + 1.0
            columns = np.full(updates, ids[index], np.int32)
            return sum(
                engine.update_many(columns[at : at + 2000], prices[at : at + 2000]) for at in range(0, updates, 2000)
            )

        def read(index):
            reader = RingReader(engine.segment)
            last = {int(symbol_id): 0.0 for symbol_id in ids}
            count = 0
            while count + reader.lost < total:
                for row in reader.read(100 * index)[["kind", "symbol_id", "price"]].tolist():
                    count += 1
                    kind, symbol_id, price = row
                    if kind == PRICE:
                        assert price > last[symbol_id], "ring order is not the writer's order"
                        assert (price - 1.0) % writers == symbol_id
                        last[symbol_id] = price
            return count, reader.lost, reader.next_sequence

        results = run_threads(writers + 2, lambda i: write(i) if i < writers else read(i - writers + 1))
        assert results[:writers] == [updates] * writers
        for count, lost, next_sequence in results[writers:]:
            assert (count + lost, next_sequence) == (total, total + 1)
        newest = RingReader(engine.segment).read(2000)
        assert newest["sequence"].tolist() == list(range(total - 1023, total + 1))
        last = [(updates - 1) * writers + i + 1.0 for i in range(writers)]
        assert [engine.price(f"S{i}") for i in range(writers)] == last


def test_a_reader_of_a_bare_segment_finds_nothing():
    assert len(RingReader(Segment(1, 1, 1, 1)).read()) == 0

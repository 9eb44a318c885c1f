"""Repair of a segment whose writers stopped anywhere: half-done states made by hand, then the promises of DESIGN.

Afterwards no copy carries a bit, every ticket of the last lap is published, every symbol has its SYMBOL record, what
was complete in a slot is published, what was not is gone, and the engine goes on as if nothing had been.
"""

import struct

import numpy as np
import pytest
from helpers.rooms import native_module
from helpers.subprocesses import run_python
from helpers.threads import run_threads
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore import RECORD_DTYPE, PriceEngine
from pricecore.delivery.ring import RingReader

CAPACITY = 1024
WRITING, HELD, EMPTIED = 1 << 63, 1 << 62, 1 << 61
PRICE, QUOTE, SYMBOL, VOID = 0, 1, 2, 255
RECORD = struct.Struct("<QIHHqqdddd")
STAGES = ["taken", "torn", "ticket", "filled", "storing", "stored", "published"]
COMPLETE = {"stored", "published"}  # the slot holds the record: it counts
NO_TICKET = {"taken", "torn"}


@pytest.fixture(scope="module")
def native():
    return native_module("stream")


def new_engine():
    return PriceEngine(max_symbols=1024, ring_capacity=CAPACITY, latency_window=8, pool_buffers=1)


@pytest.fixture
def engine():
    with new_engine() as made:
        yield made


def record(symbol_id, kind, value):
    return RECORD.pack(0, symbol_id, kind, 0, 10**18, 10**18, value, value, value, 0.0)


def ring_bytes(segment):
    return np.frombuffer(segment.view(), RECORD_DTYPE, CAPACITY, segment.describe()["ring"])


def prices_and_stream(engine):
    """The bytes that repair may touch: names, index, slots and ring. Clock and figures go on by themselves."""
    at, view = engine.segment.describe(), engine.segment.view()
    return bytes(view[at["names"] : at["handles"]]) + bytes(view[at["ring"] :])


def published(engine):
    """All records that are in the ring, by sequence."""
    rows = ring_bytes(engine.segment)
    return {int(row["sequence"]): row for row in rows if row["sequence"]}


def check_invariants(native, engine):
    """What repair promises of any segment, whatever stopped where."""
    last = engine.metrics().ring.sequence
    rows = ring_bytes(engine.segment)
    for sequence in range(max(1, last - CAPACITY + 1), last + 1):
        assert rows[(sequence - 1) % CAPACITY]["sequence"] == sequence
    for symbol_id in range(len(engine)):
        for kind in (PRICE, QUOTE):
            words = native.slot_words(engine.segment, symbol_id, kind)
            assert not any(word & (WRITING | HELD) for word in words)
            assert all((word & ~EMPTIED) <= last for word in words)
            newest = max(word & ~EMPTIED for word in words)
            assert (EMPTIED in words) <= (newest > 0), "EMPTIED says that the other copy has a record"
            if newest > last - CAPACITY and newest:
                row = rows[(newest - 1) % CAPACITY]
                assert (row["symbol_id"], row["kind"]) == (symbol_id, kind)
                stored = engine.get(engine.symbol(symbol_id)) if kind == PRICE else None
                if stored:
                    assert (stored.sequence, stored.price) == (newest, row["price"])


def check_symbols(engine, all_of_them=True):
    names = {int(row["symbol_id"]): row for row in published(engine).values() if row["kind"] == SYMBOL}
    if all_of_them:
        assert sorted(names) == list(range(len(engine)))
    for symbol_id, row in names.items():
        raw = engine.symbol(symbol_id).encode()
        assert row["flags"] == len(raw)
        assert row.tobytes()[16:] == raw.ljust(48, b"\0")


def check_it_goes_on(engine):
    """A lap and more of updates of every kind passes, and a reader sees each."""
    first = engine.metrics().ring.sequence + 1
    reader = RingReader(engine.segment, first)
    got = []
    names = engine.symbols()
    for i in range(3):
        for name in names[:200]:
            engine.update(name, 5.0 + i)
            engine.update_quote(name, 5.0 + i, 6.0 + i)
        ids = np.tile(np.arange(len(names), dtype=np.int32), 3)
        assert engine.update_many(ids, np.full(len(ids), 9.0)) == len(ids)
        engine.update(f"new {first} {i}", 1.0)
        got += reader.read(10_000)["sequence"].tolist()
    assert got == list(range(first, engine.metrics().ring.sequence + 1))
    assert reader.lost == 0
    assert engine.price(names[0]) == 9.0


def test_a_sound_segment_is_left_as_it_is(native, engine):
    for i in range(2000):
        engine.update(f"S{i % 70}", 1.0 + i)
        engine.update_quote(f"S{i % 50}", 1.0, 2.0)
    before = prices_and_stream(engine)
    native.repair(engine.segment)
    assert prices_and_stream(engine) == before


def test_an_empty_segment_is_left_as_it_is(native, engine):
    before = prices_and_stream(engine)
    native.repair(engine.segment)
    assert prices_and_stream(engine) == before


@pytest.mark.parametrize("kind", [PRICE, QUOTE])
@pytest.mark.parametrize("updates", [0, 1, 2, 3])
@pytest.mark.parametrize("stage", STAGES)
def test_an_update_that_stopped_counts_when_the_slot_was_complete(native, engine, stage, updates, kind):
    update = engine.update if kind == PRICE else lambda name, value: engine.update_quote(name, value, value)
    symbol_id = engine.register("A")
    for i in range(updates):
        update("A", 1.0 + i)
    before = engine.get("A") if kind == PRICE else engine.quote("A")
    ticket = native.leave_update(engine.segment, symbol_id, kind, record(symbol_id, kind, 77.0), stage)
    native.repair(engine.segment)

    latest = engine.get("A") if kind == PRICE else engine.quote("A")
    if stage in COMPLETE:
        assert latest.sequence == ticket
        assert (latest.price if kind == PRICE else latest.bid) == 77.0
    else:
        assert str(latest) == str(before)  # a change that was not given is NaN, which equals nothing
    assert ticket == (0 if stage in NO_TICKET else updates + 2)
    if ticket:
        row = published(engine)[ticket]
        assert row["kind"] == (kind if stage in COMPLETE else VOID)
        expected = record(symbol_id, kind, 77.0) if stage in COMPLETE else RECORD.pack(0, 0, VOID, *[0] * 7)
        assert row.tobytes()[8:] == expected[8:]
    check_invariants(native, engine)
    check_symbols(engine)
    check_it_goes_on(engine)


def test_a_torn_first_write_leaves_an_empty_copy_and_a_later_one_a_mark(native, engine):
    symbol_id = engine.register("A")
    native.leave_update(engine.segment, symbol_id, PRICE, record(symbol_id, PRICE, 7.0), "torn")
    native.repair(engine.segment)
    assert native.slot_words(engine.segment, symbol_id, PRICE) == (0, 0)
    assert engine.get("A") is None
    engine.update("A", 1.0)  # sequence 2
    native.leave_update(engine.segment, symbol_id, PRICE, record(symbol_id, PRICE, 7.0), "torn")
    native.repair(engine.segment)
    assert native.slot_words(engine.segment, symbol_id, PRICE) == (2, EMPTIED)
    native.leave_update(engine.segment, symbol_id, PRICE, record(symbol_id, PRICE, 7.0), "taken")
    assert native.slot_words(engine.segment, symbol_id, PRICE) == (2, EMPTIED | WRITING)
    assert engine.price("A") == 1.0
    native.repair(engine.segment)
    assert native.slot_words(engine.segment, symbol_id, PRICE) == (2, EMPTIED)
    engine.update("A", 3.0)
    assert native.slot_words(engine.segment, symbol_id, PRICE) == (2, 3)


def test_nothing_of_a_torn_record_is_left_in_its_copy(native, engine):
    symbol_id = engine.register("A")
    native.leave_update(engine.segment, symbol_id, PRICE, record(symbol_id, PRICE, 7.0), "storing")
    native.repair(engine.segment)
    slots = engine.segment.describe()["slots"]
    assert not any(engine.segment.view()[slots : slots + 256])
    assert engine.update("A", 1.0, timestamp_ns=10**18 - 1), "the order check saw the time of a record that never was"


@pytest.mark.parametrize("tickets", [1, 63, 64, 1023, 1024, 1025, 2500])
@pytest.mark.parametrize("before", [0, 10, 3000])
def test_tickets_that_nobody_used_become_void(native, engine, tickets, before):
    for i in range(before):
        engine.update("A", 1.0 + i)
    engine.register("A")
    last = engine.metrics().ring.sequence
    assert native.claim_tickets(engine.segment, tickets) == last + 1
    native.fill_cell(engine.segment, struct.pack("<8Q", last + 1, *[2**64 - 1] * 7))
    native.repair(engine.segment)
    rows = published(engine)
    lap = range(max(last + 1, last + tickets - CAPACITY + 1), last + tickets + 1)
    assert [rows[sequence].tobytes() for sequence in lap] == [RECORD.pack(s, 0, VOID, *[0] * 7) for s in lap]
    check_invariants(native, engine)
    check_symbols(engine, all_of_them=not before and tickets < CAPACITY)
    check_it_goes_on(engine)


def test_a_symbol_that_counts_gets_its_record(native, engine):
    engine.update("A", 1.0)
    sequence = native.leave_symbol(engine, "HALF-DONE €".encode(), True)
    assert engine.symbols() == ["A", "HALF-DONE €"]
    native.repair(engine.segment)
    assert published(engine)[sequence]["kind"] == SYMBOL
    check_symbols(engine)
    engine.update("HALF-DONE €", 4.0)
    assert engine.price("HALF-DONE €") == 4.0
    check_invariants(native, engine)


def test_a_symbol_that_did_not_count_yet_is_gone_and_can_come_back(native, engine):
    engine.update("A", 1.0)
    sequence = native.leave_symbol(engine, b"GONE", False)  # with the table's lock held
    native.repair(engine.segment)
    engine._mark_forked()  # a call mends the engine, lock and all
    assert engine.symbols() == ["A"]
    assert published(engine)[sequence]["kind"] == VOID
    assert "GONE" not in engine
    engine.update("OTHER", 2.0)  # takes the id that GONE had
    assert (engine.symbol_id("OTHER"), "GONE" in engine) == (1, False)
    engine.update("GONE", 3.0)
    assert [engine.symbol_id(name) for name in ("A", "OTHER", "GONE")] == [0, 1, 2]
    assert [engine.price(name) for name in ("A", "OTHER", "GONE")] == [1.0, 2.0, 3.0]
    check_invariants(native, engine)
    check_symbols(engine)


def test_the_same_symbol_left_and_added_again_is_found_by_its_new_id(native, engine):
    native.leave_symbol(engine, b"TWICE", False)
    engine._mark_forked()
    assert engine.register("TWICE") == 0
    assert engine.register("AFTER") == 1
    with new_engine() as other:
        assert len(other) == 0
    assert engine.symbols() == ["TWICE", "AFTER"]
    check_symbols(engine)


def test_a_held_record_whose_lap_is_over_is_kept_in_its_slot_only(native, engine):
    """A batch may hold tickets a lap ahead of a record that is stored and not stamped."""
    symbol_id = engine.register("A")
    ticket = native.leave_update(engine.segment, symbol_id, PRICE, record(symbol_id, PRICE, 7.0), "stored")
    native.claim_tickets(engine.segment, CAPACITY)
    native.repair(engine.segment)
    assert engine.get("A").sequence == ticket
    assert ticket not in published(engine)
    check_invariants(native, engine)
    check_it_goes_on(engine)


leftovers = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([PRICE, QUOTE]), st.sampled_from(STAGES)), max_size=8)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), leftovers, st.integers(0, 130), st.booleans(), st.integers(1, 3))
def test_any_mixture_is_mended_once_and_for_all(updates, left, tickets, symbol, times):
    native = native_module("stream")
    with new_engine() as engine:
        ids = engine.register([f"S{i}" for i in range(6)])
        for i in range(updates):
            engine.update(f"S{i % 6}", 1.0 + i)
            engine.update_quote(f"S{i % 4}", 1.0 + i, 2.0 + i)
        pairs, expected = set(), {}
        for symbol_id, kind, stage in left:
            if (symbol_id, kind) in pairs:
                continue  # a pair has one writer at a time
            pairs.add((symbol_id, kind))
            raw = record(int(ids[symbol_id]), kind, 500.0 + symbol_id)
            ticket = native.leave_update(engine.segment, symbol_id, kind, raw, stage)
            if ticket:
                expected[ticket] = kind if stage in COMPLETE else VOID
        if tickets:
            first = native.claim_tickets(engine.segment, tickets)
            expected |= dict.fromkeys(range(first, first + tickets), VOID)
        if symbol:
            expected[native.leave_symbol(engine, b"LATE", True)] = SYMBOL
        native.repair(engine.segment)
        mended = prices_and_stream(engine)
        for _ in range(times):
            native.repair(engine.segment)
        assert prices_and_stream(engine) == mended
        rows = published(engine)
        assert {sequence: rows[sequence]["kind"] for sequence in expected} == expected
        check_invariants(native, engine)
        check_symbols(engine)
        check_it_goes_on(engine)


def test_a_reader_that_lives_through_crashes_and_repairs_sees_whole_records_in_order(native):
    rounds = 20_000
    with new_engine() as engine:
        symbol_id = engine.register("A")

        def body(index):
            if index == 0:
                return native.crash_and_repair_many(engine.segment, symbol_id, rounds)
            return native.read_through_repairs(engine.segment, symbol_id, rounds + 1)

        results = run_threads(3, body)
        assert [result[1:] for result in results[1:]] == [(0, 0, 0)] * 2
        assert all(result[0] > 0 for result in results[1:])
        assert not any(word & (WRITING | HELD) for word in native.slot_words(engine.segment, symbol_id, PRICE))


FORK = """
import json, os, sys, threading, time, warnings
import numpy as np
import pricecore
from pricecore.delivery.ring import RingReader
warnings.simplefilter("ignore")
engine = pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024)
ids = engine.register([f"S{i}" for i in range(8)])
columns, prices = np.tile(ids, 5_000), np.arange(40_000) + 1.0
stop = False
def batches():
    while not stop:
        engine.update_many(columns, prices)
threads = [threading.Thread(target=batches) for _ in range(3)]
for thread in threads: thread.start()
codes = []
for i in range(25):
    time.sleep(0.002)
    pid = os.fork()
    if pid == 0:
        for k in range(3_000):
            engine.update(f"S{k % 8}", 7.0)
            engine.update(f"NEW{k % 100}", 8.0)
        sequence = engine.metrics().ring.sequence
        got = RingReader(engine.segment).read(2_000)["sequence"].tolist()
        good = got == list(range(sequence - 1023, sequence + 1)) and engine.price("S3") == 7.0 and len(engine) == 108
        os._exit(0 if good else 1)
    codes.append(os.waitpid(pid, 0)[1])
stop = True
for thread in threads: thread.join()
print(codes)
"""


@pytest.mark.filterwarnings("ignore")
def test_a_child_forked_amid_batches_goes_on_alone():
    done = run_python(FORK, timeout_s=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{[0] * 25}\n"

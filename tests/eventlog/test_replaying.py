"""Records of a log into an open engine: an empty one becomes the engine they came from, any other learns the news."""

import threading

import numpy as np
import pytest
from helpers.crashes import held_slot
from helpers.fork import run_in_child
from helpers.recorded import (
    QUOTE,
    SYMBOL,
    VOID,
    day,
    in_pieces,
    name_record,
    quoted,
    ring_of,
    stream,
    taken,
    trade,
    void,
)
from helpers.threads import at_once, run_threads
from helpers.waiting import until

from pricecore import PriceEngine
from pricecore.errors import EngineClosedError, LogCorruptError, RingFullError, SymbolTableFullError
from pricecore.eventlog.snapshots import in_order
from pricecore.eventlog.state import State

NAMES = [f"VENUE:{i}" for i in range(40)]


@pytest.fixture(scope="module")
def recorded():
    """A day's records, and the snapshot of the engine that wrote them."""
    with PriceEngine() as engine:
        records = day(engine, NAMES, 3_000)
        return records, engine.snapshot(), engine.symbols()


@pytest.fixture
def engine():
    with PriceEngine(ring_capacity=1024) as engine:
        yield engine


def replay(engine, records, size=300, **options):
    """Replay the records in pieces; return what took them."""
    into = engine._begin_replay()
    for piece in in_pieces(records, size):
        into.apply(piece, **options)
    return into


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1_000, 10_000])
def test_empty_engine_becomes_the_one_that_was_recorded(engine, recorded, size):
    records, snapshot, symbols = recorded
    into = replay(engine, records[: 700 if size == 1 else None], size)
    assert into.keeps_sequence
    if size > 1:
        assert (engine.snapshot().tobytes(), engine.symbols()) == (snapshot.tobytes(), symbols)
        assert (
            ring_of(engine) == sorted(zip(records["sequence"].tolist(), records["kind"].tolist(), strict=True))[-1024:]
        )


def test_two_replays_are_the_same_bit_for_bit(recorded):
    with PriceEngine() as one, PriceEngine(ring_capacity=1024) as other:
        replay(one, recorded[0], 100)
        replay(other, recorded[0], 4_000)
        assert one.snapshot().tobytes() == other.snapshot().tobytes()


def test_replayed_engine_goes_on_at_the_next_sequence(engine, recorded):
    replay(engine, recorded[0])
    engine.update(NAMES[0], 5.0)
    assert engine.get(NAMES[0]).sequence == len(recorded[0]) + 1


def test_replay_is_counted_as_updates(engine, recorded):
    replay(engine, recorded[0])
    metrics = engine.metrics()
    updates = int((recorded[0]["kind"] <= QUOTE).sum())
    assert (metrics.messages_processed, metrics.errors, metrics.out_of_order) == (updates, 0, 0)
    assert metrics.latency.sample_count == updates


def test_holes_become_void_and_a_follower_counts_what_the_ring_has_lost(engine):
    follower = engine.subscribe(mode="all", start=1)
    replay(engine, stream(name_record(1, 0, b"A"), trade(3, 0, 1.0), trade(5_000, 0, 2.0)))
    assert [s for s, _ in ring_of(engine)] == list(range(3_977, 5_001))
    assert follower.poll()[["sequence", "price"]].tolist() == [(5_000, 2.0)]
    assert follower.stats().lost == 3_976


def test_state_goes_in_at_once_and_the_tail_behind_it(engine, recorded):
    records, snapshot, symbols = recorded
    state = State()
    state.apply(records[:4_000])
    into = engine._begin_replay()
    into.apply(in_order(state.records()), at_once=True)
    for piece in in_pieces(records[4_000:], 500):
        into.apply(piece)
    assert (engine.snapshot().tobytes(), engine.symbols()) == (snapshot.tobytes(), symbols)
    assert into.keeps_sequence


def same_but_for_sequences(engine, snapshot, symbols):
    """Whether the engine holds the same prices, whatever ids its symbols have."""
    found = engine.snapshot()
    order = [engine.symbol_id(name) for name in symbols]
    fields = [
        "price",
        "volume",
        "change_24h",
        "timestamp_ns",
        "bid",
        "ask",
        "bid_size",
        "ask_size",
        "quote_timestamp_ns",
    ]
    for field in fields:
        np.testing.assert_array_equal(found[field][order], snapshot[field])


def test_other_engine_gets_new_sequences_and_its_own_ids(engine, recorded):
    records, snapshot, symbols = recorded
    engine.register(["OTHER", NAMES[7], NAMES[3]])
    before = engine.metrics().ring.sequence
    into = replay(engine, records)
    assert not into.keeps_sequence
    same_but_for_sequences(engine, snapshot, symbols)
    assert engine.symbol_id(NAMES[7]) == 1
    assert len(engine) == len(symbols) + 1
    updates, new = int((records["kind"] <= QUOTE).sum()), len(symbols) - 2
    assert engine.metrics().ring.sequence == before + updates + new


def test_new_receive_time_is_now_and_no_order_is_checked(engine):
    engine.update("A", 1.0, timestamp_ns=10**18 + 5)
    late = trade(2, 0, 2.0)
    late["timestamp_ns"] = 10**18
    before = engine.get("A").received_ns
    replay(engine, stream(name_record(1, 0, b"A"), late))
    assert engine.price("A") == 2.0
    assert engine.get("A").received_ns >= before > 3_000


def test_void_records_take_no_new_sequence(engine):
    engine.register("X")
    replay(engine, stream(name_record(1, 0, b"A"), void(2), trade(3, 0, 1.0), void(4), quoted(5, 0, 2.0)))
    assert [kind for _, kind in ring_of(engine)][-4:] == [SYMBOL, SYMBOL, 0, QUOTE]


def test_prices_that_break_the_engines_rules_are_replayed(engine):
    replay(engine, stream(name_record(1, 0, b"OIL"), trade(2, 0, -37.63)))
    assert engine.price("OIL") == -37.63


def test_update_of_another_thread_makes_the_rest_get_new_sequences(engine, recorded):
    records, snapshot, symbols = recorded
    into = engine._begin_replay()
    into.apply(records[:1_000])
    assert into.keeps_sequence
    engine.update("OTHER", 1.0)
    into.apply(records[1_000:])
    assert not into.keeps_sequence
    same_but_for_sequences(engine, snapshot, symbols)
    assert engine.price("OTHER") == 1.0


def test_symbol_that_another_thread_registers_in_between_takes_no_id_of_the_log(engine):
    into = engine._begin_replay()
    into.apply(stream(name_record(1, 0, b"A"), trade(2, 0, 1.0)))
    engine.register("C")
    into.apply(stream(name_record(3, 1, b"B"), trade(4, 1, 2.0), trade(5, 0, 3.0)))
    assert (engine.symbols(), engine.price("A"), engine.price("B")) == (["A", "C", "B"], 3.0, 2.0)


HOSTILE = {
    "unknown symbol": (trade(3, 1, 1.0), "never introduced"),
    "unknown kind": (void(3), "no such kind"),
    "not ascending": (trade(2, 0, 1.0), "not above"),
    "id not next": (name_record(3, 2, b"B"), "not the next one"),
    "name too long": (name_record(3, 1, b"B", 49), "1 to 48"),
    "name not UTF-8": (name_record(3, 1, b"\xff"), "UTF-8"),
}
HOSTILE["unknown kind"][0]["kind"] = 7


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_record_is_refused_and_the_engine_goes_on(engine, case, kept):
    record, reason = HOSTILE[case]
    if not kept:
        engine.register("X")
    good = stream(name_record(1, 0, b"A"), trade(2, 0, 1.0))
    into = engine._begin_replay()
    with pytest.raises(LogCorruptError, match=f"sequence {record['sequence'][0]}: .*{reason}"):
        into.apply(stream(good, record, trade(4, 0, 9.0)))
    assert engine.price("A") == 1.0
    with engine.consumer("log") as consumer:
        for _ in range(2_000):
            engine.update("A", 5.0)
            assert len(consumer.read()) == 1


@pytest.mark.parametrize("kept", [True, False])
def test_holding_consumer_gets_every_record(engine, recorded, kept):
    records = recorded[0]
    if not kept:
        engine.register("X")
    got, done = [], threading.Event()
    with engine.consumer("log", full_timeout_s=20.0) as consumer:

        def read():
            while not done.is_set():
                got.append(taken(consumer))
            got.append(taken(consumer))

        reader = threading.Thread(target=read)
        reader.start()
        replay(engine, records, 10_000)
        done.set()
        reader.join()
    if kept:
        assert stream(*got).tobytes() == records.tobytes()
    else:
        wanted, found = records[records["kind"] != VOID], stream(*got)
        assert found["kind"].tolist() == wanted["kind"].tolist()
        assert found["price"].tobytes() == wanted["price"].tobytes()


def test_full_ring_refuses_as_the_consumer_says_and_the_replay_can_go_on(engine, recorded):
    records = recorded[0]
    into = engine._begin_replay()
    with engine.consumer("log", full="raise") as consumer:
        with pytest.raises(RingFullError, match="'log' is 1,024 records behind"):
            into.apply(records)
        got = taken(consumer)
        assert got.tobytes() == records[:1024].tobytes()
        into.apply(records[1024:1500])
        assert taken(consumer).tobytes() == records[1024:1500].tobytes()


def test_hole_longer_than_a_held_ring_is_refused_with_what_to_do(engine):
    into = engine._begin_replay()
    with engine.consumer("log"), pytest.raises(RingFullError, match="let it come afterwards"):
        into.apply(stream(name_record(1, 0, b"A"), trade(3_000, 0, 1.0)))
    into.apply(stream(name_record(1, 0, b"A"), trade(3_000, 0, 1.0)))
    assert engine.get("A").sequence == 3_000


def test_closed_engine_takes_no_replay(recorded):
    engine = PriceEngine()
    into = engine._begin_replay()
    engine.close()
    with pytest.raises(EngineClosedError, match="0 of the 5,"):
        into.apply(recorded[0][:5_000])
    with pytest.raises(EngineClosedError):
        engine._begin_replay()


@pytest.mark.parametrize("kept", [True, False])
def test_forked_child_goes_on_with_the_replay_in_its_own_copy(engine, recorded, kept):
    records, snapshot, symbols = recorded
    if not kept:
        engine.register("X")
    into = engine._begin_replay()
    into.apply(records[:2_000])

    def finish():
        into.apply(records[2_000:])
        same_but_for_sequences(engine, snapshot, symbols)
        return into.keeps_sequence

    assert run_in_child(finish) is kept
    finish()


@pytest.mark.parametrize("kept", [True, False])
def test_table_too_small_is_said(kept):
    records = stream(*(name_record(i + 1, i, b"S%d" % i) for i in range(1_030)))
    with PriceEngine(max_symbols=1_024) as engine:
        if not kept:
            engine.register("X")
        with pytest.raises(SymbolTableFullError, match="max_symbols"):
            engine._begin_replay().apply(records)


@at_once
@pytest.mark.parametrize("kept", [True, False])
def test_other_threads_read_update_register_and_subscribe_meanwhile(recorded, kept):
    """What the replay's symbols hold in the end is the replay's; nothing of the others is lost."""
    records, snapshot, symbols = recorded
    with PriceEngine(ring_capacity=1 << 18) as engine, engine.consumer("audit") as audit:
        if not kept:
            engine.register("X")

        def work(index):
            if index == 0:
                return replay(engine, records, 700)
            for i in range(1, 400):
                engine.update(f"MINE:{index}:{i % 20}", float(i))
                engine.update_many([f"MANY:{index}:{k}" for k in range(100)], np.full(100, float(i)))
                engine.price(f"MINE:{index}:{i % 20}")
                engine.snapshot()
            return None

        run_threads(3, work)
        same_but_for_sequences(engine, snapshot, symbols)
        assert engine.price("MINE:1:19") == 399.0
        assert engine.price("MANY:2:99") == 399.0
        everything = taken(audit)
        first = int(everything["sequence"][0])
        assert everything["sequence"].tolist() == list(range(first, first + len(everything)))
        state = State()
        state.apply(everything)
        assert state.prices().tobytes() == engine.snapshot().tobytes()
        assert state.symbols() == engine.symbols()


@at_once
def test_replay_waits_for_a_batch_that_stands_still_a_lap_behind(tmp_path, monkeypatch):
    """It stands with its tickets in hand: what the replay wrote to their cells would be lost, or overwritten."""
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    records = stream(name_record(1, 0, b"A"), *(trade(i, 0, float(i)) for i in range(2, 3_000)))
    with PriceEngine("md", ring_capacity=1024, max_symbols=1024) as engine:
        names = ["STUCK", *(f"S{i}" for i in range(63))]
        engine.update_many(names, [1.0] * 64)
        first = engine.metrics().ring.sequence + 1
        threads = [
            threading.Thread(target=engine.update_many, args=(names, [2.0] * 64)),
            threading.Thread(target=replay, args=(engine, records, 3_000)),
        ]
        with held_slot(engine.segment.file.path, engine.segment, engine.symbol_id("STUCK")):
            threads[0].start()
            until(lambda: engine.metrics().ring.sequence == first + 63)
            threads[1].start()
            until(lambda: engine.metrics().ring.sequence >= first + 1024)
            threads[1].join(0.05)
            assert max(sequence for sequence, _ in ring_of(engine)) < first + 1024
        for thread in threads:
            thread.join()
        last = engine.metrics().ring.sequence
        assert [sequence for sequence, _ in ring_of(engine)] == list(range(last - 1023, last + 1))
        assert (engine.price("A"), engine.price("STUCK")) == (2_999.0, 2.0)


@at_once
def test_two_logs_at_once_into_one_engine(recorded):
    records, snapshot, symbols = recorded
    with PriceEngine(ring_capacity=1024) as engine, PriceEngine() as source:
        others = day(source, [f"OTHER:{i}" for i in range(40)], 3_000, seed=5)
        run_threads(2, lambda i: replay(engine, (records, others)[i], 500))
        same_but_for_sequences(engine, snapshot, symbols)
        same_but_for_sequences(engine, source.snapshot(), source.symbols())


@at_once
def test_consumer_that_comes_beside_a_hole_longer_than_the_ring_loses_nothing():
    records = stream(name_record(1, 0, b"A"), *(trade(3_000 + i, 0, float(i)) for i in range(300)))
    for _ in range(150):
        with PriceEngine(ring_capacity=1024) as engine:
            into = engine._begin_replay()

            def work(index):
                if index == 1:
                    return engine.consumer("log")
                try:
                    return into.apply(records)  # noqa: B023
                except RingFullError:
                    return None

            applied, consumer = run_threads(2, work)
            sequences = taken(consumer)["sequence"].tolist()
            last = engine.metrics().ring.sequence
            assert sequences == list(range(last - len(sequences) + 1, last + 1))
            assert applied is not None or last == 0

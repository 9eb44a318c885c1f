"""Many writers and readers: no update is lost, the highest sequence wins, and nothing that is read is torn."""

import threading

import numpy as np
import pytest
from helpers.stream import PRICE, SYMBOL, VOID, names_in, of_kind, records_of
from helpers.threads import run_threads

THREADS = 4


def write_singles(writer, index, count):
    for i in range(count):
        assert writer.update(f"S{index}", 1.0 + i)


def write_batches(writer, index, count):
    for begin in range(0, count, 100):
        rows = min(100, count - begin)
        assert writer.update_many([f"S{index}"] * rows, np.arange(begin + 1.0, begin + rows + 1)) == rows


def write_quotes(writer, index, count):
    for i in range(count):
        assert writer.update_quote(f"S{index}", 1.0 + i, 2.0 + i)


def write_with_a_handle(engine, index, count):
    with engine.writer() as writer:
        write_singles(writer, index, count // 2)
        write_batches(writer, index, count - count // 2)


WAYS = [write_singles, write_batches, write_quotes, write_with_a_handle]


@pytest.mark.parametrize("count", [250, pytest.param(20_000, marks=pytest.mark.stress)])
@pytest.mark.parametrize("ways", [[way] * THREADS for way in WAYS] + [WAYS], ids=lambda ways: ways[0].__name__)
def test_four_threads_lose_no_update(make_engine, ways, count):
    engine = make_engine(ring_capacity=1 << 17, latency_window=1 << 17)
    run_threads(THREADS, lambda i: ways[i](engine, i, count))
    m = engine.metrics()
    assert m.messages_received == m.messages_processed == THREADS * count
    assert m.latency.sample_count == m.histogram.count == THREADS * count
    assert (m.out_of_order, m.errors, m.symbols) == (0, 0, THREADS)
    records = records_of(engine)
    assert records["sequence"].tolist() == list(range(1, THREADS * count + THREADS + 1))
    assert sorted(np.unique(records["kind"], return_counts=True)[1].tolist())[0] == THREADS
    for symbol_id in range(THREADS):
        own = records[(records["symbol_id"] == symbol_id) & (records["kind"] != SYMBOL)]
        assert len(own) == count
        assert own["price"][0] == 1.0


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_four_threads_with_an_engine_each_lose_no_update(make_engine, way):
    engines = [make_engine() for _ in range(THREADS)]
    run_threads(THREADS, lambda i: way(engines[i], i, 250))
    for engine in engines:
        m = engine.metrics()
        assert m.messages_received == m.messages_processed == m.latency.sample_count == 250
        assert records_of(engine)["sequence"].tolist() == list(range(1, 252))


def test_records_of_one_thread_stand_in_its_order(make_engine):
    engine = make_engine(ring_capacity=1 << 17)
    run_threads(THREADS, lambda i: WAYS[i % 2](engine, i, 5_000))
    trades = of_kind(records_of(engine), PRICE)
    for symbol_id in range(THREADS):
        own = trades[trades["symbol_id"] == symbol_id]["price"]
        assert own.tolist() == np.arange(1.0, 5_001.0).tolist()


def test_many_handles_add_up_also_when_more_are_asked_for_than_there_are(engine):
    def body(index):
        writers = [engine.writer() for _ in range(30)]
        for writer in writers:
            writer.update(f"S{index}", 1.0)
        return writers

    kept = run_threads(THREADS, body)
    m = engine.metrics()
    assert m.messages_processed == m.latency.sample_count == 30 * THREADS
    assert len({id(writer) for writers in kept for writer in writers}) == 30 * THREADS


def test_handle_that_is_used_again_keeps_what_it_counted(engine):
    for i in range(200):
        with engine.writer() as writer:
            writer.update("A", 1.0 + i)
    assert engine.metrics().messages_processed == 200


def test_threads_that_register_the_same_symbols_agree_on_their_ids(make_engine):
    names = [f"S{i}" for i in range(500)]
    for _ in range(5):
        engine = make_engine(ring_capacity=4_096)

        def body(index, engine=engine):
            order = names if index % 2 else names[::-1]
            if index < 2:
                return [engine.register(name) for name in order] and engine.register(names).tolist()
            for name in order:
                engine.update(name, 1.0 + index)
            return engine.register(names).tolist()

        ids = run_threads(THREADS, body)
        assert all(found == ids[0] for found in ids)
        assert sorted(ids[0]) == list(range(500))
        records = records_of(engine)
        assert names_in(records) == dict(enumerate(engine.symbols()))
        assert (records["kind"] == SYMBOL).sum() == 500
        assert engine.metrics().messages_processed == 1_000


def test_symbol_record_comes_before_every_other_record_of_its_symbol(make_engine):
    engine = make_engine(ring_capacity=8_192)
    run_threads(THREADS, lambda i: [engine.update(f"S{k}", 1.0) for k in range(1_000)])
    records = records_of(engine)
    assert len(records) == 5_000
    for symbol_id in range(1_000):
        assert records[records["symbol_id"] == symbol_id]["kind"][0] == SYMBOL


@pytest.mark.stress
@pytest.mark.parametrize("out_of_order", ["drop", "apply"])
def test_for_one_symbol_the_highest_sequence_wins_and_reads_never_go_back(make_engine, out_of_order):
    engine = make_engine(ring_capacity=1 << 18, out_of_order=out_of_order)
    ids = np.full(2_000, engine.register("A"), np.int32)
    base = 1_723_075_200_000_000_000
    stop = threading.Event()

    def body(index):
        if index == 2:
            seen = []
            while not stop.is_set():
                seen.append(engine.get("A"))
            return [(trade.sequence, trade.price) for trade in seen if trade]
        stored = 0
        for k in range(20):
            prices = np.arange(k * 2_000 + 1.0, (k + 1) * 2_000 + 1.0)
            stored += engine.update_many(ids, prices, None, base + prices.astype(np.int64))
            stored += sum(engine.update("A", p, timestamp_ns=base + int(p)) for p in prices[-200:])
        if index == 0:
            stop.set()
        return stored

    *stored, seen = run_threads(3, body)
    records = records_of(engine)
    trades = of_kind(records, PRICE)
    m = engine.metrics()
    assert len(trades) == sum(stored) == m.messages_processed
    assert m.messages_received == 2 * 20 * 2_200
    assert (records["kind"] == VOID).sum() <= m.out_of_order
    assert (m.out_of_order == 0) == (out_of_order == "apply")
    assert engine.get("A").sequence == trades["sequence"][-1]
    assert engine.price("A") == trades["price"][-1]
    by_sequence = dict(zip(trades["sequence"].tolist(), trades["price"].tolist(), strict=True))
    assert [sequence for sequence, _ in seen] == sorted(sequence for sequence, _ in seen)
    assert all(by_sequence[sequence] == price for sequence, price in seen)


def test_readers_see_each_update_as_soon_as_it_returns(engine):
    def body(index):
        for i in range(2_000):
            engine.update(f"S{index}", 1.0 + i)
            assert engine.price(f"S{index}") == 1.0 + i

    run_threads(THREADS, body)


def test_reset_of_the_counters_beside_writers_breaks_nothing(engine):
    def body(index):
        for i in range(3_000):
            if index == 0:
                engine.reset_stats()
                assert engine.metrics().messages_received >= 0
            else:
                engine.update(f"S{index}", 1.0 + i)

    run_threads(THREADS, body)
    assert [engine.price(f"S{i}") for i in (1, 2, 3)] == [3_000.0] * 3
    assert engine.metrics().ring.sequence == 9_003

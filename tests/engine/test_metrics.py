"""The engine's figures: accounts that add up, latency that leaves no work out, resets, handles, rates."""

import math
import time

import numpy as np
import pytest

from pricecore import InvalidUpdateError

TIME = 1_723_075_200_000_000_000


def assert_accounts_add_up(m):
    assert m.messages_received == m.messages_processed + m.out_of_order + m.errors
    assert m.errors == sum(m.errors_by_reason.values())
    assert m.error_rate == (m.errors / m.messages_received if m.messages_received else 0.0)


def test_new_engine_has_nothing_to_report(engine):
    m = engine.metrics()
    assert_accounts_add_up(m)
    assert (m.messages_received, m.symbols, m.batch_us, m.throughput_per_s, m.errors_by_reason) == (0, 0, 0.0, 0.0, {})
    assert m.latency == (0.0,) * 7 + (0,)
    assert (m.ring.capacity, m.ring.sequence, m.ring.lost) == (1_024, 0, 0)
    assert (m.pool.capacity, m.pool.available, m.pool.outstanding) == (4, 4, 0)
    assert m.uptime_s > 0


def test_accounts_add_up_over_every_kind_of_outcome(make_engine):
    engine = make_engine(on_bad="count")
    engine.update("A", 1.0, timestamp_ns=TIME)
    engine.update("A", 1.0, timestamp_ns=TIME - 1)
    engine.update("A", math.nan)
    engine.update_quote("A", math.nan, math.nan)
    engine.update_quote("A", 1.0, 2.0)
    engine.update_many(["A", "A", "A"], [1.0, -1.0, 2.0], None, [TIME, TIME, TIME - 5])
    engine.update_quotes(["A", "A"], [1.0, 1.0], [2.0, 2.0], [0.0, -1.0])
    m = engine.metrics()
    assert_accounts_add_up(m)
    assert (m.messages_received, m.messages_processed, m.out_of_order, m.errors) == (10, 4, 2, 4)
    assert m.errors_by_reason == {"price_not_finite": 1, "price_not_positive": 1, "no_side": 1, "size": 1}
    assert m.latency.sample_count == 4


def test_handles_are_added_up(engine):
    writers = [engine.writer() for _ in range(5)]
    for k, writer in enumerate([engine, *writers], 1):
        for i in range(k):
            writer.update("A", 1.0 + i)
        with pytest.raises(InvalidUpdateError):
            writer.update("A", math.nan)
        writer.update("B", 1.0, timestamp_ns=TIME + 100 - k)
    m = engine.metrics()
    assert_accounts_add_up(m)
    assert (m.messages_processed, m.errors, m.out_of_order) == (21 + 1, 6, 5)
    assert m.latency.sample_count == m.histogram.count == 22


def test_each_handle_has_a_window_of_its_own(make_engine):
    engine = make_engine(latency_window=10)
    for writer in (engine, engine.writer(), engine.writer()):
        for _ in range(100):
            writer.update("A", 1.0)
    assert engine.metrics().latency.sample_count == 30


@pytest.mark.parametrize("window", [1, 2, 7, 1_000])
def test_window_keeps_exactly_its_latest_samples(make_engine, window):
    engine = make_engine(latency_window=window)
    for latency_ns in range(1, 2_001):
        engine._record_latency(latency_ns)
    m = engine.metrics()
    assert m.latency.sample_count == window
    assert (m.latency.min_us, m.latency.max_us) == ((2_001 - window) / 1e3, 2.0)
    assert m.histogram.count == 2_000


def test_window_of_one_holds_the_latest_update(make_engine):
    engine = make_engine(latency_window=1)
    for _ in range(3):
        engine.update_many(["A"] * 100, [1.0] * 100)
        engine.update("A", 1.0)
    m = engine.metrics()
    assert m.latency.sample_count == 1
    assert m.latency.min_us == m.latency.max_us == m.latency.p50_us


def test_percentiles_follow_their_definition(make_engine):
    engine = make_engine(latency_window=1_000)
    samples = np.random.default_rng(3).integers(1, 10**6, 1_000)
    for latency_ns in samples.tolist():
        engine._record_latency(latency_ns)
    ordered = np.sort(samples)
    latency = engine.metrics().latency
    for name, q in (("p50_us", 500), ("p95_us", 950), ("p99_us", 990), ("p999_us", 999)):
        rank = (999 * q * 2 + 1_000) // 2_000  # round half away, in integers
        assert getattr(latency, name) == ordered[rank] / 1e3


def recorded_share(engine, updates=100_000):
    """Return the sum of the recorded latencies as a share of the wall time that the caller sees."""
    update = engine.update
    engine.reset_stats()
    begin_ns = time.perf_counter_ns()
    for _ in range(updates):
        update("BINANCE:BTCUSDT", 61737.63)
    wall_ns = time.perf_counter_ns() - begin_ns
    return engine.metrics().histogram.sum_ns / wall_ns


def test_recorded_latencies_are_a_quarter_of_the_callers_wall_time_or_more(engine):
    shares = [recorded_share(engine) for _ in range(7)]
    assert max(shares) >= 0.25, shares
    assert max(shares) <= 1.0, shares


@pytest.mark.parametrize("rows", [100, 10_000])
def test_recorded_latencies_of_a_batch_are_nearly_all_of_its_wall_time(engine, rows):
    ids, prices = np.zeros(rows, np.int32), np.ones(rows)
    engine.register("A")
    shares = []
    for _ in range(20):
        engine.reset_stats()
        begin_ns = time.perf_counter_ns()
        engine.update_many(ids, prices)
        wall_ns = time.perf_counter_ns() - begin_ns
        shares.append(engine.metrics().histogram.sum_ns / wall_ns)
    assert max(shares) >= 0.5, shares
    assert max(shares) <= 1.0, shares


def test_reset_zeroes_what_is_counted_and_keeps_what_is_stored(make_engine):
    engine = make_engine(on_bad="count")
    engine.update("A", 1.0, timestamp_ns=TIME)
    engine.update("A", 1.0, timestamp_ns=TIME - 1)
    engine.update("A", math.nan)
    engine.update_many(["A", "B"], [2.0, 3.0])
    engine.writer().update("A", 4.0)
    engine.pool.acquire().release()
    before = engine.metrics()
    stored = engine.snapshot().tobytes()
    engine.reset_stats()
    m = engine.metrics()
    assert_accounts_add_up(m)
    assert (m.messages_received, m.batch_us, m.latency.sample_count, m.histogram.count) == (0, 0.0, 0, 0)
    assert (m.histogram.sum_ns, m.errors_by_reason, m.mean_throughput_per_s) == (0, {}, 0.0)
    assert (m.pool.hits, m.pool.misses, m.pool.dropped) == (0, 0, 0)
    assert m.ring == before.ring
    assert m.symbols == before.symbols == 2
    assert m.uptime_s >= before.uptime_s
    assert engine.snapshot().tobytes() == stored
    engine.update("A", 5.0)
    m = engine.metrics()
    assert (m.messages_received, m.latency.sample_count, m.ring.sequence) == (1, 1, before.ring.sequence + 1)


def test_order_check_survives_a_reset(engine):
    engine.update("A", 1.0, timestamp_ns=TIME)
    engine.reset_stats()
    assert not engine.update("A", 2.0, timestamp_ns=TIME - 1)


def test_mean_throughput_counts_from_the_last_reset(engine):
    time.sleep(0.2)
    begin = time.monotonic()
    engine.reset_stats()
    for _ in range(1_000):
        engine.update("A", 1.0)
    m = engine.metrics()
    assert m.mean_throughput_per_s >= 1_000 / (1.01 * (time.monotonic() - begin) + 0.001)


def test_throughput_and_cpu_are_those_of_the_last_second(engine):
    begin = time.monotonic()
    updates = 0
    while time.monotonic() < begin + 2.2:
        for _ in range(1_000):
            engine.update("A", 1.0)
        updates += 1_000
    wall_s = time.monotonic() - begin
    m = engine.metrics()
    assert 0.05 * updates / wall_s < m.throughput_per_s < 20 * updates / wall_s
    assert 1 < m.cpu_percent < 1_000
    figures = engine.segment.figures()
    assert figures["throughput_per_s"] > 0
    assert figures["cpu_percent"] > 1


def test_first_second_reports_what_there_is(engine):
    for _ in range(10_000):
        engine.update("A", 1.0)
    m = engine.metrics()
    assert m.throughput_per_s > 0
    assert m.cpu_percent > 0


def test_uptime_grows(engine):
    first = engine.metrics().uptime_s
    time.sleep(0.02)
    assert engine.metrics().uptime_s >= first + 0.015


def test_pool_of_the_engine_is_in_its_figures(engine):
    held = [engine.pool.acquire() for _ in range(5)]
    pool = engine.metrics().pool
    assert (pool.available, pool.outstanding, pool.hits, pool.misses) == (0, 5, 4, 1)
    assert pool.utilization == 1.0
    for buffer in held:
        buffer.release()
    assert engine.metrics().pool.outstanding == 0


def test_metrics_are_frozen(engine):
    with pytest.raises(AttributeError):
        engine.metrics().errors = 5


def test_full_window_of_every_handle_is_read_at_once(make_engine):
    engine = make_engine(latency_window=100)
    writers = [engine.writer() for _ in range(63)]
    for writer in [engine, *writers]:
        writer.update_many(["A"] * 150, [1.0] * 150)
    assert engine.metrics().latency.sample_count == 64 * 100

"""The performance test, on real engines; where it has to fail, on engines that were given the fault it must find."""

import dataclasses
import json
import mmap
import sys
import threading
import time

import pytest

from pricecore import PriceEngine
from pricecore.perftest import run_performance_test
from pricecore.perftest.load import Schedule
from pricecore.perftest.measure import stats_of

PERCENTILES = ("p50_us", "p95_us", "p99_us", "p999_us")


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


def test_a_sound_engine_passes(engine):
    report = run_performance_test(engine)
    assert report.passed, str(report)
    assert (report.updates, report.applied, report.errors, report.failures) == (10_000, 10_000, 0, ())
    assert report.schedule_delay is None


def test_the_method_of_the_engine_is_the_same_test(engine):
    report = engine.run_performance_test(updates=500)
    assert report.passed, str(report)
    assert engine.metrics().messages_processed == 500


def test_on_a_fresh_engine_latency_is_exact(engine):
    report = run_performance_test(engine, updates=2_000)
    assert report.latency_is_exact
    assert report.latency == engine.metrics().latency
    assert report.latency.sample_count == 2_000


def test_on_a_used_engine_only_the_updates_of_the_run_are_in_its_latency(engine):
    for latency_ns in [50_000_000] * 3_000:
        engine._record_latency(latency_ns)
    report = run_performance_test(engine, updates=1_000)
    assert not report.latency_is_exact
    assert report.latency.sample_count == 1_000
    assert report.latency.p50_us < 40_000


def test_a_run_longer_than_the_window_counts_every_update():
    with PriceEngine(latency_window=100) as engine:
        report = run_performance_test(engine, updates=1_000)
    assert not report.latency_is_exact
    assert report.latency.sample_count == 1_000


def test_the_figures_of_the_histogram_are_within_a_bucket_of_the_exact_ones(engine):
    run_performance_test(engine, updates=5_000)
    metrics = engine.metrics()
    estimated = stats_of(metrics.histogram)
    for name in PERCENTILES:
        assert getattr(estimated, name) == pytest.approx(getattr(metrics.latency, name), rel=0.1), name
    assert estimated.mean_us == pytest.approx(metrics.latency.mean_us, rel=1e-6)


def test_prices_of_the_owner_are_not_touched(engine):
    engine.update("BINANCE:BTCUSDT", 61737.63)
    run_performance_test(engine, updates=100, symbols=3)
    assert engine.symbols() == ["BINANCE:BTCUSDT", "PERFTEST:000", "PERFTEST:001", "PERFTEST:002"]
    assert engine.price("BINANCE:BTCUSDT") == 61737.63


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("rate", [None, 20_000])
def test_threads_share_the_updates_and_lose_none(engine, threads, rate):
    report = run_performance_test(engine, updates=1_001, threads=threads, rate=rate)
    assert (report.applied, report.threads, len(report.cpu_s)) == (1_001, threads, threads)
    assert engine.metrics().messages_processed == 1_001


def test_more_threads_than_symbols_share_a_symbol(engine):
    assert run_performance_test(engine, updates=400, threads=4, symbols=1).applied == 400
    assert engine.symbols() == ["PERFTEST:000"]


def test_a_schedule_is_kept_to(engine):
    report = run_performance_test(engine, updates=100, rate=1_000)
    assert report.wall_s >= 0.099
    assert report.schedule_delay.sample_count == 100


def test_a_schedule_does_not_drift():
    starts = Schedule(first_ns=7, period_ns=1e9 / 3).starts()
    for _ in range(3_000):
        next(starts)
    assert next(starts) == 7 + 1_000_000_000_000


def test_a_stall_is_charged_to_every_update_that_it_holds_up():
    """The first of 500 updates stalls 100 ms, twice the whole schedule. Service latency knows nothing of it."""

    class Stalling(PriceEngine):
        def update(self, symbol, price):
            if price == 100.0:
                time.sleep(0.1)
            return super().update(symbol, price)

    with Stalling() as engine:
        report = run_performance_test(engine, updates=500, rate=10_000)
    assert report.schedule_delay.p50_us > 50_000
    assert report.schedule_delay.max_us > 100_000
    assert report.latency.p50_us < report.schedule_delay.p50_us / 10


def test_a_missed_target_fails_and_says_what_to_do(engine):
    report = run_performance_test(engine, updates=100, target_p95_us=0.0)
    assert not report.passed
    assert len(report.failures) == 1
    assert "the target is below 0 us" in report.failures[0]
    assert "pricecore info" in str(report)


@pytest.mark.parametrize("on_bad", ["raise", "count"])
def test_refused_updates_fail_by_reason(on_bad):
    class Refusing(PriceEngine):
        def update(self, symbol, price):
            return super().update(symbol, -price if price < 100.05 else price)

    with Refusing(on_bad=on_bad) as engine:
        engine.update_many(["OTHER"], [float("nan")])  # an error of before is not one of the run
        report = run_performance_test(engine, updates=100)
    assert report.errors_by_reason == {"price_not_positive": 5}
    assert (report.applied, report.errors) == (95, 5)
    assert [failure.split()[0] for failure in report.failures] == ["5", "95"]


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_an_engine_that_leaks_fails():
    leaked = []

    class Leaking(PriceEngine):
        def update(self, symbol, price):
            leaked.append(mmap.mmap(-1, 65_536))  # fresh pages, whatever the allocator has in store
            leaked[-1][:] = b"\1" * 65_536
            return super().update(symbol, price)

    with Leaking() as engine:
        report = run_performance_test(engine, updates=1_000)
    assert report.rss_growth_bytes > 50_000_000
    assert "memory grew by" in report.failures[0]


def test_pool_buffers_that_do_not_come_back_fail():
    kept = []

    class Keeping(PriceEngine):
        def update(self, symbol, price):
            if price < 100.03:
                kept.append(self.pool.acquire())
            return super().update(symbol, price)

    with Keeping() as engine:
        report = run_performance_test(engine, updates=100)
        assert (report.pool_outstanding_before, report.pool_outstanding_after) == (0, 3)
        assert "3 more pool buffers" in report.failures[0]
        for buffer in kept:
            engine.pool.release(buffer)


def test_an_error_in_one_thread_ends_the_run_and_is_raised():
    class Closing(PriceEngine):
        def writer(self):
            if threading.current_thread().name.endswith("1"):
                raise ZeroDivisionError("no handle")
            return super().writer()

    with Closing() as engine, pytest.raises(ZeroDivisionError, match="no handle"):
        run_performance_test(engine, updates=1_000, threads=3)


def test_the_report_cannot_be_changed_and_fits_into_json(engine):
    report = run_performance_test(engine, updates=50, rate=5_000)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.updates = 1
    figures = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert figures["passed"] is report.passed
    assert figures["failures"] == list(report.failures)
    assert figures["latency"]["p95_us"] == report.latency.p95_us
    assert figures["schedule_delay"]["sample_count"] == 50


def test_the_text_shows_verdict_latency_and_delay(engine):
    text = str(run_performance_test(engine, updates=50, rate=5_000))
    assert text.startswith("performance test: PASS\n")
    assert all(word in text for word in ("service latency", "delay from schedule", "p99.9", "1 thread,"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"updates": 0}, "updates is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": 3, "updates": 2}, "not be more than updates, which is 2"),
        ({"symbols": 0}, "symbols is 0"),
        ({"symbols": 1_001}, "symbols is 1001"),
        ({"rate": 0}, "rate is 0"),
        ({"rate": -1.0}, "rate is -1.0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"rate": float("inf")}, "rate is inf"),
    ],
)
def test_an_argument_out_of_range_is_named_and_nothing_is_sent(engine, arguments, message):
    with pytest.raises(ValueError, match=message):
        run_performance_test(engine, **arguments)
    assert len(engine) == 0


@pytest.mark.parametrize("arguments", [{"updates": 1.5}, {"updates": True}, {"threads": "2"}, {"rate": "fast"}])
def test_an_argument_of_a_wrong_type_is_a_type_error(engine, arguments):
    with pytest.raises(TypeError):
        run_performance_test(engine, **arguments)


def test_a_histogram_without_a_sample_has_no_figures(engine):
    stats = stats_of(engine.metrics().histogram)
    assert stats.sample_count == 0
    assert all(getattr(stats, name) == 0.0 for name in PERCENTILES)


def test_where_memory_cannot_be_read_the_report_says_so_and_judges_the_rest(engine):
    report = dataclasses.replace(run_performance_test(engine, updates=500), rss_before_bytes=None)
    assert report.rss_growth_bytes is None
    assert "not measured on this system" in str(report)
    assert report.failures == ()

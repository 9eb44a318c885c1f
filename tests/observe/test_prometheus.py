"""The collector for Prometheus: engines, views, names and patterns, whatever became of them."""

import os
import shutil
import subprocess
import threading
import time

import pytest

pytest.importorskip("prometheus_client", reason="needs the extra prometheus")

from helpers.scraped import named, samples, value
from helpers.subprocesses import run_python
from helpers.writers import SMALL, UNTIL_TOLD, writer
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pricecore import LogOptions, PriceCache, PriceEngine, attach
from pricecore.errors import REASONS
from pricecore.observe import Watched, dashboard_state
from pricecore.observe.prometheus import PriceCollector, metrics_app, metrics_registry
from pricecore.primitives.segment_list import remove_orphaned

UP = "pricecore_up"
UPDATES = "pricecore_updates_total"
LATENCY = "pricecore_update_latency_seconds"


@pytest.fixture
def full(tmp_path):
    """An engine that has everything: a log, a cache, a consumer, a subscription, errors, quotes."""
    cache = PriceCache(10, loader=lambda key: 1 // key)
    options = {"on_bad": "count", "log": LogOptions(tmp_path / "log"), **SMALL}
    with PriceEngine("full", **options) as engine, engine.consumer("audit"):
        engine.add_cache("last", cache)
        for key in (0, 1, 1):
            try:
                cache.get_or_load(key)
            except ZeroDivisionError:
                continue
        engine.update("A", 1.0, timestamp_ns=10**18)
        engine.update("A", 2.0, timestamp_ns=10**18 - 1)
        engine.update("A", -1.0)
        engine.update_quote("B", 1.0, 2.0)
        engine.update_many(["A", "B"], [3.0, 4.0])
        engine.log.wait_durable()
        with engine.pool.acquire(), engine.subscribe(name="reader", mode="all", start=1) as reader:
            reader.poll(1)
            yield engine


def test_figures_are_those_of_the_state(full):
    found = samples(PriceCollector(full))
    state = dashboard_state(full)
    assert value(found, UP, worker="full") == 1.0
    for result, name in (("processed", "messages_processed"), ("out_of_order", "out_of_order"), ("refused", "errors")):
        assert value(found, UPDATES, worker="full", result=result) == state[name] > 0
    assert value(found, "pricecore_errors_total", worker="full", reason="price_not_positive") == 1
    assert value(found, "pricecore_ring_records_total", worker="full") == state["ring"]["sequence"] == 6
    assert value(found, "pricecore_ring_capacity_records", worker="full") == 1_024
    assert value(found, "pricecore_consumer_backlog_records", worker="full", consumer="audit") == 6
    reader = {"worker": "full", "subscription": "reader"}
    assert value(found, "pricecore_subscriptions", **reader) == 1
    assert value(found, "pricecore_subscription_lag_records", **reader) == 6 - 2
    assert 0 < value(found, "pricecore_subscription_lag_seconds", **reader) < state["subscriptions"]["lag_s"] + 60
    assert value(found, "pricecore_subscription_delivered_records_total", **reader) == 1
    assert value(found, "pricecore_subscription_conflated_records_total", **reader) == 0
    assert value(found, "pricecore_subscription_lost_records_total", **reader) == 0
    assert value(found, "pricecore_symbols", worker="full") == 2
    assert value(found, "pricecore_log_durable_sequence", worker="full") == 6
    assert value(found, "pricecore_log_backlog_records", worker="full") == 0
    assert value(found, "pricecore_log_failed", worker="full") == 0
    assert value(found, "pricecore_log_written_bytes_total", worker="full") == state["log"]["bytes_written"] > 0
    assert value(found, "pricecore_pool_buffers", worker="full", state="outstanding") == 1
    assert value(found, "pricecore_pool_buffers", worker="full", state="available") == 3
    assert value(found, "pricecore_pool_acquires_total", worker="full", result="hit") == 1
    assert value(found, "pricecore_cache_loads_total", worker="full", cache="last", result="failed") == 1
    assert value(found, "pricecore_cache_loads_total", worker="full", cache="last", result="loaded") == 1
    assert value(found, "pricecore_cache_requests_total", worker="full", cache="last", result="hit") == 1
    assert value(found, "pricecore_cache_entries", worker="full", cache="last") == 1
    assert value(found, "pricecore_update_latency_target_seconds", worker="full") == 0.001
    assert value(found, "pricecore_batch_latency_mean_seconds", worker="full") == state["batch_us"] / 1e6 > 0


def test_units_are_base_units(full):
    for _ in range(1_000):
        full._record_latency(3_000_000)
    found, state = samples(PriceCollector(full)), dashboard_state(full)
    assert value(found, "pricecore_update_latency_window_seconds", worker="full", percentile="95") == 0.003
    assert value(found, f"{LATENCY}_sum", worker="full") == state["histogram"]["sum_ns"] / 1e9
    assert value(found, "pricecore_uptime_seconds", worker="full") == pytest.approx(state["uptime_s"], abs=1)
    ratio = samples(PriceCollector(full))["pricecore_cpu_ratio", (("worker", "full"),)]
    assert 0 <= ratio <= (os.cpu_count() or 1) + 1


def test_histogram_is_cumulative_and_ends_with_its_count(full):
    found = samples(PriceCollector(full))
    buckets = named(found, f"{LATENCY}_bucket")
    counts = [buckets[labels] for labels in sorted(buckets, key=lambda labels: float(dict(labels)["le"]))]
    assert counts == sorted(counts)
    count = value(found, f"{LATENCY}_count", worker="full")
    assert counts[-1] == count == dashboard_state(full)["histogram"]["count"] > 0
    assert value(found, f"{LATENCY}_bucket", worker="full", le="+Inf") == count


def test_every_reason_is_there_from_the_start_for_increase_to_see_its_first(engine):
    found = named(samples(PriceCollector(engine)), "pricecore_errors_total")
    assert {dict(labels)["reason"] for labels in found} == set(REASONS) - {""}
    assert set(found.values()) == {0.0}


def test_text_is_what_prometheus_reads(full):
    registry = metrics_registry(full, "none", symbols="*")
    families = {family.name: family for family in text_string_to_metric_families(open_metrics(registry).decode())}
    assert families["pricecore_updates"].type == "counter"
    assert families[LATENCY].type == "histogram"
    assert (families[LATENCY].unit, families["pricecore_log_written_bytes"].unit) == ("seconds", "bytes")
    assert all(family.documentation for family in families.values())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_promtool_finds_nothing_to_complain_of(full):
    full.update('<b>"quoted"\\</b>', 1.0)
    text = generate_latest(metrics_registry(full, "none", symbols="*"))
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_engine_view_and_name_say_the_same(engine):
    engine.update("A", 1.0)
    for source in (engine, attach("md"), "md", Watched("md"), "m*"):
        found = samples(PriceCollector(source))
        assert value(found, UPDATES, worker="md", result="processed") == 1.0
        assert value(found, UP, worker="md") == 1.0


def test_several_workers_are_told_apart_and_each_is_exact():
    for_worker = "for i in range({n}):\n    engine.update('A', 1.0 + i)\n" + UNTIL_TOLD
    with writer("md-1", for_worker.format(n=100)), writer("md-2", for_worker.format(n=250)):
        found = samples(PriceCollector("md-1", "md-2"))
        assert set(found) == set(samples(PriceCollector("md-*")))
    assert value(found, UPDATES, worker="md-1", result="processed") == 100
    assert value(found, UPDATES, worker="md-2", result="processed") == 250
    assert value(found, f"{LATENCY}_bucket", worker="md-2", le="+Inf") == 250


def test_engine_that_is_not_there_is_down_and_the_rest_is_exported(engine):
    found = samples(PriceCollector("none", "md"))
    assert named(found, UP) == {(("worker", "none"),): 0.0, (("worker", "md"),): 1.0}
    assert {dict(labels).get("worker") for _, labels in found} == {"none", "md", None}
    assert [name for name, labels in found if ("worker", "none") in labels] == [UP]


def test_engine_that_comes_later_is_told_of():
    collector = PriceCollector("md-*", "fixed")
    assert named(samples(collector), UP) == {(("worker", "fixed"),): 0.0}
    with PriceEngine("md-7", **SMALL):
        assert named(samples(collector), UP) == {(("worker", "fixed"),): 0.0, (("worker", "md-7"),): 1.0}
    assert named(samples(collector), UP)[(("worker", "md-7"),)] == 0.0
    remove_orphaned()
    assert named(samples(collector), UP) == {(("worker", "fixed"),): 0.0}


def test_last_counts_of_a_writer_that_is_gone_are_not_missed_and_its_levels_are(engine):
    engine.update("A", 1.0)
    collector = PriceCollector("md")
    engine.close()
    found = samples(collector)
    assert value(found, UP, worker="md") == 0.0
    assert value(found, UPDATES, worker="md", result="processed") == 1
    assert value(found, f"{LATENCY}_count", worker="md") == 1
    assert not named(found, "pricecore_uptime_seconds")
    assert not named(found, "pricecore_update_latency_window_seconds")


def test_closed_engine_is_down(engine):
    collector = PriceCollector(engine)
    engine.close()
    assert named(samples(collector), UP) == {(("worker", "md"),): 0.0}


def test_counters_never_go_back_while_the_engine_writes():
    body = "print('ready', flush=True)\nwhile True:\n    engine.update('A', 1.0)\n"
    counters = {}
    with writer("md", body):
        collector = PriceCollector("md")
        for _ in range(50):
            for key, number in samples(collector).items():
                if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
                    assert number >= counters.get(key, 0.0), key
                    counters[key] = number
    assert counters[UPDATES, (("result", "processed"), ("worker", "md"))] > 0


def test_symbols_are_exported_only_when_asked_for(engine):
    engine.update("BINANCE:BTC", 5.0)
    engine.update_quote("BINANCE:ETH", 1.0, 2.0)
    engine.update("KRAKEN:BTC", 6.0)
    engine.register("BINANCE:NEW")
    assert not [name for name, labels in samples(PriceCollector("md")) if "symbol" in dict(labels)]
    found = samples(PriceCollector("md", symbols="BINANCE:*"))
    assert named(found, "pricecore_price") == {(("symbol", "BINANCE:BTC"), ("worker", "md")): 5.0}
    assert value(found, "pricecore_ask", worker="md", symbol="BINANCE:ETH") == 2.0
    assert 0 <= value(found, "pricecore_price_age_seconds", worker="md", symbol="BINANCE:ETH") < 60
    assert len(named(found, "pricecore_price_age_seconds")) == 2


@pytest.mark.parametrize("symbol", ['<script>"&\\', "new\nline", "ünïcode:€", 'a"}'])
def test_odd_symbols_come_through(engine, symbol):
    engine.update(symbol, 1.0)
    text = open_metrics(metrics_registry(engine, symbols="*")).decode()
    (price,) = [one for one in text_string_to_metric_families(text) if one.name == "pricecore_price"]
    assert price.samples[0].labels["symbol"] == symbol


def test_engines_without_a_name_are_numbered():
    with PriceEngine(**SMALL) as one, PriceEngine(**SMALL) as two:
        two.update("A", 1.0)
        found = samples(PriceCollector(one, two))
    assert value(found, UPDATES, worker="engine", result="processed") == 0
    assert value(found, UPDATES, worker="engine-2", result="processed") == 1


@pytest.mark.parametrize(
    ("sources", "error"),
    [((), ValueError), (("a", "a"), ValueError), ((None,), TypeError), (("a/b",), ValueError), ((7,), TypeError)],
)
def test_bad_sources_are_refused_at_once(sources, error):
    with pytest.raises(error):
        PriceCollector(*sources)


def test_two_collectors_do_not_fit_into_one_registry():
    registry = CollectorRegistry()
    registry.register(PriceCollector("a"))
    with pytest.raises(ValueError, match="pricecore_up"):
        registry.register(PriceCollector("b"))


def test_part_of_the_metrics_can_be_asked_for(engine):
    text = generate_latest(metrics_registry(engine).restricted_registry(["pricecore_up"])).decode()
    assert [line for line in text.splitlines() if not line.startswith("#")] == ['pricecore_up{worker="md"} 1.0']


def test_collector_may_be_asked_by_many_threads_at_once(engine):
    engine.update("A", 1.0)
    collector, failures = PriceCollector("md", "m*", "none"), []

    def ask():
        try:
            for _ in range(20):
                assert value(samples(collector), UPDATES, worker="md", result="processed") == 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_engines_are_read_by_one_thread_at_a_time(engine):
    collector, inside, most = PriceCollector("md"), [], []
    read = collector._sources.read

    def slowly():
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)
        yield from read()
        inside.pop()

    collector._sources.read = slowly
    threads = [threading.Thread(target=lambda: list(collector.collect())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


@pytest.fixture
def client(engine):
    fastapi = pytest.importorskip("fastapi")
    testclient = pytest.importorskip("fastapi.testclient")
    engine.update("A", 1.0)
    app = fastapi.FastAPI()
    app.mount("/metrics", metrics_app("md"))
    with testclient.TestClient(app) as client:
        yield client


def test_app_answers_where_it_is_mounted_in_the_format_that_is_accepted(client):
    plain = client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert 'pricecore_updates_total{result="processed",worker="md"} 1.0' in plain.text
    modern = client.get("/metrics/", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")


def test_without_the_extra_the_message_says_what_to_install():
    code = "import sys; sys.modules['prometheus_client'] = None\nimport pricecore.observe.prometheus"
    done = run_python(code)
    assert done.returncode == 1
    message = 'metrics for Prometheus need prometheus-client: pip install "pricecore[prometheus]"'
    assert done.stderr.splitlines()[-1] == f"pricecore.errors.MissingExtraError: {message}"

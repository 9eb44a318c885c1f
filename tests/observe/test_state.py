"""`dashboard_state`: one dict for page, terminal view and exporters, whatever became of the engine."""

import json
import multiprocessing
import os
import threading
import time

import pytest
from helpers.fork import run_in_child
from helpers.subprocesses import run_python
from helpers.waiting import PATIENCE_S, until
from helpers.writers import SMALL, UNTIL_TOLD, writer

from pricecore import Metrics, PriceCache, PriceEngine, attach
from pricecore.observe import dashboard_state
from pricecore.perftest.report import TARGET_P95_US
from pricecore.primitives.segment_list import remove_orphaned

HEAD = {
    "name",
    "status",
    "message",
    "alive",
    "generation",
    "owned",
    "time_ns",
    "counted_since_ns",
    "target_p95_us",
    "target_met",
}
COUNTERS = ("messages_received", "messages_processed", "out_of_order", "errors", "uptime_s", "symbols")


def feed(engine):
    engine.update("A", 1.0, timestamp_ns=2 * 10**18 // 2)
    engine.update("A", 2.0, timestamp_ns=10**18 - 1)  # out of order
    engine.update("B", -1.0)  # price_not_positive
    engine.update_quote("C", 1.0, 2.0)


def test_state_has_the_figures_of_metrics_under_their_names(source, engine):
    feed(engine)
    state, metrics = dashboard_state(source), source.metrics().as_dict()
    assert set(state) == HEAD | set(Metrics._fields)
    for name in ("latency", "messages_received", "out_of_order", "errors_by_reason", "error_rate", "symbols", "ring"):
        assert state[name] == metrics[name], name
    assert state["histogram"] == metrics["histogram"]
    assert (state["messages_processed"], state["out_of_order"], state["errors"]) == (2, 1, 1)
    assert state["errors_by_reason"] == {"price_not_positive": 1}


def test_engine_and_view_say_the_same(engine):
    feed(engine)
    with attach("md") as view:
        inside, outside = dashboard_state(engine), dashboard_state(view)
    differing = {name for name in inside if inside[name] != outside[name]}
    assert differing <= {"owned", "time_ns", "uptime_s", "mean_throughput_per_s", "cpu_percent", "throughput_per_s"}
    assert (inside["owned"], outside["owned"]) == (True, False)
    assert inside["generation"] == outside["generation"] == 1


def test_state_is_json_and_comes_back_as_it_was(source, engine):
    feed(engine)
    state = dashboard_state(source)
    assert json.loads(json.dumps(state, allow_nan=False)) == state


def test_state_of_an_engine_with_log_and_cache_is_json(tmp_path):
    from pricecore import LogOptions

    pytest.importorskip("compression.zstd" if os.sys.version_info >= (3, 14) else "backports.zstd")
    cache = PriceCache(10)
    with PriceEngine("logged", log=LogOptions(tmp_path / "log", compress=True), **SMALL) as engine:
        engine.add_cache("last", cache)
        engine.update("A", 1.0)
        state = dashboard_state(engine)
    assert state["log"]["compression"]["ratio"] is None  # not a number before the first file
    assert state["log"]["path"] == str(tmp_path / "log")
    assert state["caches"]["last"]["capacity"] == 10
    assert json.loads(json.dumps(state, allow_nan=False)) == state


def test_target_is_judged_only_with_samples(source, engine):
    assert dashboard_state(source)["target_met"] is None
    engine._record_latency(1_000_000 - 1)
    assert dashboard_state(source)["target_met"] is True
    for _ in range(100):
        engine._record_latency(1_000_000)
    state = dashboard_state(source)
    assert (state["target_met"], state["target_p95_us"]) == (False, TARGET_P95_US)


def test_live_engine_has_no_message_and_a_time_of_now(source):
    before_ns = time.time_ns()
    state = dashboard_state(source)
    assert (state["status"], state["message"], state["alive"]) == ("live", "", True)
    assert before_ns <= state["time_ns"] <= time.time_ns()
    assert state["name"] == "md"


def test_private_engine_has_no_name_and_is_owned():
    with PriceEngine(**SMALL) as engine:
        state = dashboard_state(engine)
    assert (state["name"], state["owned"], state["status"]) == (None, True, "live")


def all_zero(state):
    assert all(state[name] == 0 for name in COUNTERS)
    assert (state["latency"]["sample_count"], state["histogram"]["count"], state["target_met"]) == (0, 0, None)
    assert (state["errors_by_reason"], state["caches"], state["log"], state["alive"]) == ({}, {}, None, False)
    assert (state["subscriptions"]["open"], state["subscriptions"]["by_name"]) == (0, {})
    assert state["generation"] == 0
    return state


def test_closed_engine_and_closed_view_are_said_to_be_closed(engine):
    engine.update("A", 1.0)
    view = attach("md")
    view.close()
    state = all_zero(dashboard_state(view))
    assert (state["status"], state["message"]) == ("closed", "this view was closed in this process")
    engine.close()
    state = all_zero(dashboard_state(engine))
    assert (state["status"], state["message"]) == ("closed", "this engine was closed in this process")
    assert set(state) == HEAD | set(Metrics._fields)


def test_figures_of_a_writer_that_is_gone_stay(engine):
    feed(engine)
    pid = engine.segment.writer_pid
    with attach("md") as view:
        engine.close()
        state = dashboard_state(view)
    assert (state["status"], state["alive"], state["messages_processed"]) == ("writer gone", False, 2)
    assert state["message"] == f"its writer, process {pid}, is gone; these are its last figures"
    assert state["throughput_per_s"] == 0.0


def test_segment_that_was_removed_is_not_found_and_found_again(engine):
    feed(engine)
    with attach("md") as view:
        engine.close()
        assert remove_orphaned() == ["md"]
        state = all_zero(dashboard_state(view))
        assert (state["status"], state["name"]) == ("not found", "md")
        with PriceEngine("md", **SMALL | {"ring_capacity": 2_048}) as again:
            again.update("A", 1.0)
            state = dashboard_state(view)
            assert (state["status"], state["messages_processed"], state["ring"]["capacity"]) == ("live", 1, 2_048)


def test_segment_of_another_version_is_unreadable(engine, folder):
    with attach("md") as view:
        engine.close()
        remove_orphaned()
        (folder / "pricecore-md").write_bytes(b"not a segment" * 1_000)
        (folder / "pricecore-md").chmod(0o600)
        state = all_zero(dashboard_state(view))
    assert state["status"] == "unreadable"
    assert state["message"]


@pytest.mark.parametrize("source", [None, "md", 1, object], ids=repr)
def test_anything_else_is_no_source(source):
    with pytest.raises(TypeError, match="source must be a PriceEngine or an EngineView"):
        dashboard_state(source)


def test_forked_child_does_not_own_its_parents_engine(engine):
    def child(pipe):
        pipe.send(dashboard_state(engine)["owned"])

    ours, theirs = multiprocessing.get_context("fork").Pipe()
    if (pid := os.fork()) == 0:
        child(theirs)
        os._exit(0)
    os.waitpid(pid, 0)
    assert ours.poll(10)
    assert ours.recv() is False
    assert dashboard_state(engine)["owned"] is True


STATUS = ("status", "message", "alive", "owned")


def in_child(engine, before=lambda: None):
    """Fork; return what the child says of the engine it inherited, once `before` has run there."""

    def child():
        before()
        state = dashboard_state(engine)
        return tuple(state[name] for name in STATUS), state["subscriptions"]["open"]

    return run_in_child(child)


def test_forked_child_says_whether_the_parent_still_writes(engine):
    ours, theirs = multiprocessing.get_context("fork").Pipe()

    def parent_closes():
        theirs.send("forked")
        assert theirs.poll(PATIENCE_S)

    def close_when_forked():
        if ours.poll(PATIENCE_S):
            engine.close()
            ours.send("closed")

    with engine.subscribe(mode="all"):
        engine.update("A", 1.0)
        until(lambda: engine.segment.figures()["sub//open"] == 1)
        assert in_child(engine) == (("live", "", True, False), 1)
        thread = threading.Thread(target=close_when_forked)
        thread.start()
        told, subscriptions = in_child(engine, parent_closes)
        thread.join()
    gone = f"its writer, process {os.getpid()}, is gone; these are its last figures"
    assert (told, subscriptions) == (("writer gone", gone, False, False), 0)


def test_forked_child_says_that_an_engine_with_only_a_log_stands_still(tmp_path):
    with PriceEngine(log=tmp_path / "log", **SMALL) as engine, engine.subscribe(mode="all"):
        engine.update("A", 1.0)
        until(lambda: engine.segment.figures().get("sub//open") == 1)
        told, subscriptions = in_child(engine)
        assert dashboard_state(engine)["status"] == "live"
    copy = f"process {os.getpid()} writes this engine; these are its figures when this process, its child, was forked"
    assert (told, subscriptions) == (("writer gone", copy, False, False), 0)


def test_forked_child_of_a_private_engine_has_one_that_lives():
    with PriceEngine(**SMALL) as engine:
        engine.update("A", 1.0)
        assert in_child(engine) == (("live", "", True, True), 0)


def test_engine_of_another_process_is_read_while_it_writes():
    body = "for i in range(1, 501):\n    engine.update('A', float(i))\n" + UNTIL_TOLD
    with writer("md", body), attach("md") as view:
        state = dashboard_state(view)
    assert (state["status"], state["messages_processed"], state["owned"]) == ("live", 500, False)


def test_observe_needs_no_extra():
    code = "import sys, pricecore.observe; print(*sys.modules)"
    loaded = set(run_python(code).stdout.split())
    assert "pricecore.observe.state" in loaded
    assert not {"prometheus_client", "nicegui", "textual", "asyncio", "msgspec"} & loaded

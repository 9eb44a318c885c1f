"""A ring that consumers hold is full: updates wait, raise or go on, and nobody hangs."""

import _thread
import gc
import math
import os
import signal
import threading

import numpy as np
import pytest
from helpers.fork import run_in_child
from helpers.stream import PRICE, SYMBOL, names_in
from helpers.threads import run_threads
from helpers.waiting import PATIENCE_S, until
from helpers.writers import SMALL, UNTIL_TOLD, writer

import pricecore
from pricecore import EngineClosedError, RingFullError, WrongProcessError

RING = 1_024  # records, of the engines here
LONG_S = 50.0
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

ONE_UPDATE = {
    "update": lambda e: e.update("A", 7.0),
    "update_quote": lambda e: e.update_quote("A", 7.0, 8.0),
    "update of a new symbol": lambda e: e.update("NEW", 7.0),
    "quote of a new symbol": lambda e: e.update_quote("NEW", 7.0, 8.0),
    "register": lambda e: e.register("NEW"),
    "writer": lambda e: e.writer().update("A", 7.0),
}
each_update = pytest.mark.parametrize("call", ONE_UPDATE.values(), ids=ONE_UPDATE)


def waits(engine):
    return engine.segment.figures()["ring_waits"]


def fill(engine, records=RING):
    """Publish so many records, the SYMBOL record of A among them."""
    if "A" not in engine:
        engine.register("A")
        records -= 1
    assert engine.update_many(["A"] * records, np.ones(records)) == records


def read_all(consumer):
    parts = [consumer.read(7)]
    while len(part := consumer.read(1_000)):
        parts.append(part)
    return np.concatenate(parts)


@pytest.fixture
def full(engine):
    """Return an engine and a consumer that holds a full ring, with more patience than any test needs."""
    consumer = engine.consumer("log", full_timeout_s=LONG_S)
    fill(engine)
    return engine, consumer


class Waiting:
    """A call in a thread of its own, which has begun to wait for room."""

    def __init__(self, call):
        self.result = self.error = None
        self.thread = threading.Thread(target=self.run, args=(call,), daemon=True)
        self.thread.start()

    def run(self, call):
        try:
            self.result = call()
        except Exception as error:
            self.error = error

    def outcome(self):
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error
        return self.result


def test_consumer_gets_every_record_from_its_registration_on(engine):
    fill(engine, 10)
    with engine.consumer("log") as consumer:
        assert (consumer.next_sequence, consumer.behind, len(consumer.read())) == (11, 0, 0)
        engine.update("B", 2.0, 3.0)
        assert consumer.behind == 2
        records = consumer.read()
        assert (records["sequence"].tolist(), records["kind"].tolist()) == ([11, 12], [SYMBOL, PRICE])
        assert (names_in(records), records["price"][1], records["volume"][1]) == ({1: "B"}, 2.0, 3.0)
        assert (consumer.gap, consumer.lost, consumer.closed) == (None, 0, False)


def test_read_returns_at_most_what_is_asked_for_in_an_array_of_its_own(engine):
    consumer = engine.consumer("log")
    fill(engine, 10)
    first = consumer.read(4)
    kept = first.tobytes()
    assert consumer.read(100)["sequence"].tolist() == [5, 6, 7, 8, 9, 10]
    for _ in range(3):
        fill(engine)
        read_all(consumer)
    assert first.tobytes() == kept


def test_ring_takes_exactly_its_capacity_of_unread_records(engine):
    consumer = engine.consumer("log", "raise")
    fill(engine)
    with pytest.raises(RingFullError):
        engine.update("A", 2.0)
    consumer.read(1)
    assert engine.update("A", 3.0)
    with pytest.raises(RingFullError):
        engine.update("A", 4.0)
    assert read_all(consumer)["sequence"].tolist() == list(range(2, RING + 2))


@each_update
def test_full_ring_raises_at_once_and_nothing_of_the_update_is_visible(engine, call):
    consumer = engine.consumer("audit", "raise")
    fill(engine)
    before = str(engine.get("A")), engine.symbols(), engine.metrics().ring
    with pytest.raises(RingFullError, match=r"'audit' is 1,024 records behind"):
        call(engine)
    assert (str(engine.get("A")), engine.symbols(), engine.metrics().ring) == before
    assert (waits(engine), consumer.lost, len(read_all(consumer))) == (0, 0, RING)


@each_update
@pytest.mark.parametrize("timeout_s", [0, 1e-9, 0.02])
def test_wait_ends_after_the_timeout_and_the_error_names_the_consumer(engine, call, timeout_s):
    consumer = engine.consumer("log", "wait", timeout_s)
    fill(engine)
    with pytest.raises(RingFullError, match=r"^refused .*: 'log' is 1,024 records behind$"):
        call(engine)
    assert len(engine) == 1
    assert (waits(engine) == 0) == (timeout_s == 0)
    assert engine.segment.figures()["ring_wait_s"] >= timeout_s * (timeout_s > 1e-6)
    assert len(read_all(consumer)) == RING


def test_error_names_the_slowest_of_those_that_hold(engine):
    view = engine.consumer("view", "skip")
    slow = engine.consumer("slow", "raise")
    fill(engine, 24)
    fast = engine.consumer("fast", "wait")
    fill(engine, 1_000)
    fast.read(500)
    with pytest.raises(RingFullError, match="'slow' is 1,024 records behind"):
        engine.update("A", 1.0)
    assert engine.metrics().ring.consumers == (("view", 1_024), ("slow", 1_024), ("fast", 500))
    assert engine.metrics().ring.as_dict()["consumers"] == {"view": 1_024, "slow": 1_024, "fast": 500}
    slow.close()
    view.close()
    assert engine.metrics().ring.consumers == (("fast", 500),)


def test_refused_update_is_counted_by_its_reason(engine):
    consumer = engine.consumer("log", "raise")
    fill(engine)
    for call in (lambda: engine.update("A", 2.0), lambda: engine.update("NEW", 2.0)):
        with pytest.raises(RingFullError):
            call()
    assert engine.metrics().errors_by_reason == {"ring_full": 2}
    assert consumer.behind == RING


@pytest.mark.parametrize("full", ["raise", "wait"])
def test_full_ring_is_counted_when_bad_updates_are(make_engine, full):
    engine = make_engine(on_bad="count")
    consumer = engine.consumer("log", full, 0.01)
    fill(engine)
    assert (engine.update("A", 2.0), engine.update("NEW", 2.0), engine.update_quote("A", 1.0, 2.0)) == (False,) * 3
    assert engine.metrics().errors_by_reason == {"ring_full": 3}
    assert (engine.price("A"), consumer.behind) == (1.0, RING)


@each_update
def test_update_that_waits_goes_on_when_room_is_made(full, call):
    engine, consumer = full
    waiting = Waiting(lambda: call(engine))
    until(lambda: consumer.read(200).size == 0)
    waiting.outcome()
    assert consumer.next_sequence + consumer.behind == engine.metrics().ring.sequence + 1
    assert engine.metrics().errors == 0


@each_update
def test_update_that_waits_goes_on_when_the_consumer_leaves(full, call):
    engine, consumer = full
    waiting = Waiting(lambda: call(engine))
    assert waiting.thread.is_alive()
    consumer.close()
    waiting.outcome()
    assert (engine.metrics().errors, engine.metrics().ring.consumers) == (0, ())


@each_update
def test_update_that_waits_learns_that_the_engine_was_closed(full, call):
    engine, consumer = full
    waiting = Waiting(lambda: call(engine))
    engine.close()
    with pytest.raises(EngineClosedError):
        waiting.outcome()
    assert len(read_all(consumer)) == RING


@pytest.mark.parametrize("rows", [10, 500])
def test_batch_that_waits_learns_that_the_engine_was_closed(full, rows):
    engine, consumer = full
    waiting = Waiting(lambda: engine.update_many(["A"] * rows, np.ones(rows)))
    engine.close()
    with pytest.raises(EngineClosedError):
        waiting.outcome()
    assert consumer.behind == RING


def test_wait_is_counted_and_is_part_of_the_latency(full):
    engine, consumer = full
    engine.reset_stats()
    waiting = Waiting(lambda: engine.update("A", 2.0))
    consumer.read(1)
    assert waiting.outcome() is True
    metrics = engine.metrics()
    assert (metrics.messages_processed, metrics.errors) == (1, 0)
    assert metrics.latency.max_us / 1e6 >= engine.segment.figures()["ring_wait_s"] * 0.9


def interrupt(call):
    """Make the call, and press Ctrl-C meanwhile."""
    threading.Timer(0.1, _thread.interrupt_main).start()
    call()


@pytest.fixture
def control_c():
    """A process that was started in the background may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_control_c_ends_a_wait(full, control_c):
    engine, consumer = full
    for call in (lambda: engine.update("A", 2.0), lambda: engine.update_many(["A"] * 100, np.ones(100))):
        with pytest.raises(KeyboardInterrupt):
            interrupt(call)
    assert (consumer.behind, engine.metrics().errors) == (RING, 0)


@pytest.mark.parametrize("full", ["raise", "wait"])
@pytest.mark.parametrize("names", [False, True])
def test_rows_of_a_batch_that_find_no_room_are_counted_and_skipped(engine, full, names):
    consumer = engine.consumer("log", full, 0.01)
    fill(engine, 1_000)
    symbols = ["A"] * 500 if names else np.zeros(500, np.int32)
    assert engine.update_many(symbols, np.arange(1.0, 501.0)) == 0  # 24 are free, 64 are wanted
    assert engine.update_many(symbols[:24], np.arange(1.0, 25.0)) == 24
    assert engine.update_many(symbols[:30], np.arange(1.0, 31.0)) == 0
    metrics = engine.metrics()
    assert metrics.errors_by_reason == {"ring_full": 530}
    assert metrics.messages_received == 999 + 24 + 530
    assert read_all(consumer)["price"][-24:].tolist() == list(range(1, 25))
    assert waits(engine) == (2 if full == "wait" else 0)  # once in vain, a batch waits no more


def test_batch_of_new_symbols_waits_in_vain_only_once(engine):
    consumer = engine.consumer("log", "wait", 0.01)
    fill(engine)
    assert engine.update_many([f"N{i}" for i in range(200)], np.ones(200)) == 0
    assert (waits(engine), len(engine), engine.metrics().errors) == (1, 1, 200)
    assert consumer.behind == RING


@pytest.mark.parametrize("rows", [40, 5_000])
def test_batch_waits_for_a_consumer_that_reads_on(engine, rows):
    consumer = engine.consumer("log", full_timeout_s=LONG_S)
    fill(engine)
    waiting = Waiting(lambda: engine.update_many(["A"] * rows, np.arange(1.0, rows + 1)))
    got = []
    until(lambda: got.extend(consumer.read(100)["price"]) or len(got) == RING + rows)
    assert waiting.outcome() == rows
    assert got[RING:] == list(range(1, rows + 1))


def test_one_that_skips_holds_nobody_up_and_learns_its_gap(engine):
    consumer = engine.consumer("view", "skip")
    fill(engine, 10)
    assert len(consumer.read(4)) == 4
    fill(engine, 2_000)
    assert consumer.behind == 2_006
    records = read_all(consumer)
    assert (records["sequence"][0], records["sequence"][-1], len(records)) == (987, 2_010, RING)
    assert consumer.lost == 982
    fill(engine, 2_000)
    consumer.read(1)
    assert (consumer.gap, consumer.lost) == ((2_011, 2_986), 982 + 976)
    consumer.read(1)
    assert consumer.gap is None


@pytest.mark.parametrize("name", ["", "x" * 33, "é" * 17, "a\0b", "\ud800"])
def test_name_that_does_not_fit_is_refused(engine, name):
    with pytest.raises(ValueError, match=r"name is|surrogates"):
        engine.consumer(name)
    assert engine.metrics().ring.consumers == ()


def test_names_of_up_to_32_bytes_are_kept(engine):
    names = ("x", "y" * 32, "é" * 16)
    consumers = [engine.consumer(name) for name in names]
    assert tuple(name for name, _ in engine.metrics().ring.consumers) == names == tuple(c.name for c in consumers)


@pytest.mark.parametrize("timeout_s", [math.nan, -1e-9, math.inf, -math.inf, 1.1e9, 10**400])
def test_timeout_out_of_its_range_is_refused(engine, timeout_s):
    with pytest.raises(ValueError, match="full_timeout_s"):
        engine.consumer("log", full_timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"full": "drop"}, ValueError),
        ({"full": None}, ValueError),
        ({"full_timeout_s": "1"}, TypeError),
        ({"full_timeout_s": None}, TypeError),
        ({"full_timeout_s": True}, TypeError),
        ({"name": b"log"}, TypeError),
        ({"name": None}, TypeError),
    ],
)
def test_option_of_a_wrong_kind_is_refused(engine, options, error):
    with pytest.raises(error):
        engine.consumer(**({"name": "log"} | options))
    assert engine.metrics().ring.consumers == ()


def test_second_consumer_of_a_name_is_refused(engine):
    first = engine.consumer("log")
    with pytest.raises(ValueError, match="'log'; a consumer of this name is registered"):
        engine.consumer("log")
    first.close()
    assert engine.consumer("log").name == "log"


def test_seventeenth_consumer_is_refused(engine):
    consumers = [engine.consumer(f"c{i}") for i in range(16)]
    with pytest.raises(ValueError, match="all 16 are taken"):
        engine.consumer("one more")
    consumers.pop()
    gc.collect()
    assert engine.consumer("one more").behind == 0


def test_dropped_consumer_has_left(engine):
    engine.consumer("gone", "raise")
    gc.collect()
    fill(engine, 3 * RING)
    assert engine.metrics().ring.consumers == ()


def test_consumer_of_a_thread_that_has_ended_holds_on(engine):
    kept = []
    run_threads(1, lambda _: kept.append(engine.consumer("orphan", "raise")))
    fill(engine)
    with pytest.raises(RingFullError, match="'orphan' is 1,024"):
        engine.update("A", 1.0)


def test_closed_consumer_reads_no_more(engine):
    with engine.consumer("log") as consumer:
        fill(engine, 5)
    assert consumer.closed
    with pytest.raises(ValueError, match="'log' is closed"):
        consumer.read()
    consumer.close()


@pytest.mark.parametrize("max_items", [0, -1])
def test_reading_nothing_is_refused(engine, max_items):
    with pytest.raises(ValueError, match=f"max_items is {max_items}"):
        engine.consumer("log").read(max_items)


def test_what_is_left_is_read_after_the_engines_close(engine):
    consumer = engine.consumer("log")
    fill(engine, 100)
    engine.close()
    assert len(read_all(consumer)) == 100
    consumer.close()


@needs_fork
def test_forked_child_has_no_consumers_and_the_parents_stay(full):
    engine, consumer = full

    def child():
        with pytest.raises(WrongProcessError, match="'log' belongs to process"):
            consumer.read()
        fill(engine, 2 * RING)
        own = engine.consumer("log", "raise")
        consumer.close()
        assert engine.metrics().ring.consumers == (("log", 0),)
        fill(engine)
        with pytest.raises(RingFullError):
            engine.update("A", 1.0)
        return len(read_all(own))

    assert run_in_child(child) == RING
    assert engine.metrics().ring.consumers == (("log", RING),)
    assert len(read_all(consumer)) == RING


@needs_fork
def test_forked_child_of_a_named_engine_leaves_the_parents_consumer_alone(tmp_path, monkeypatch, make_engine):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    engine = make_engine(name="held")
    consumer = engine.consumer("log", "raise")
    fill(engine)

    def child():
        with pytest.raises(WrongProcessError):
            engine.consumer("other")
        consumer.close()
        return engine.metrics().ring.consumers

    assert run_in_child(child) == (("log", RING),)
    with pytest.raises(RingFullError):
        engine.update("A", 1.0)


def test_view_of_another_process_sees_who_is_behind_and_the_next_writer_waits_for_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    body = "log = engine.consumer('log', 'raise')\nengine.update('A', 1.0)\nlog.read(1)\n" + UNTIL_TOLD
    with writer("held", body), pricecore.attach("held") as view:
        assert view.metrics().ring.consumers == (("log", 1),)
    with pricecore.PriceEngine("held", **SMALL) as engine:
        assert engine.metrics().ring.consumers == ()
        fill(engine, 3 * RING)


def test_consumer_of_a_closed_named_engine_does_not_hold_the_next_one_up(tmp_path, monkeypatch):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    with pricecore.PriceEngine("held", **SMALL) as engine:
        consumer = engine.consumer("log", "raise")
        fill(engine, 10)
    with pricecore.PriceEngine("held", **SMALL) as engine:
        fill(engine, 2 * RING)
        own = engine.consumer("log", "raise")
        assert (len(read_all(consumer)), consumer.lost) == (0, 10)  # lapped, as any reader
        consumer.close()
        fill(engine)
        with pytest.raises(RingFullError):
            engine.update("A", 1.0)
        assert len(read_all(own)) == RING


@pytest.mark.stress
def test_nothing_is_lost_between_many_writers_and_two_consumers(make_engine):
    engine = make_engine(max_symbols=2_048)
    updates, writers = 4_000, 4
    consumers = [engine.consumer("one", full_timeout_s=LONG_S), engine.consumer("two", full_timeout_s=LONG_S)]
    total = writers * updates * 3 + writers * 300  # and what came to be VOID is among them
    done = threading.Event()

    def write(index):
        handle = engine.writer()
        for i in range(updates):
            assert handle.update(f"S{index}", i + 1.0, i + 0.25, change_24h=index)
            if i < 299:
                handle.update_quote(f"S{index}-{i}", i + 1.0, i + 2.0)
        batch = np.arange(1.0, 2 * updates + 1)
        return handle.update_many([f"B{index}"] * len(batch), batch, batch / 2)

    def read(consumer):
        parts = []
        while True:
            over = done.is_set()  # before the read: what it then does not find never comes
            parts.append(consumer.read(500))
            if over and not len(parts[-1]):
                return np.concatenate(parts)

    def close_when_written():
        for waiting in written:
            waiting.outcome()
        done.set()

    written = [Waiting(lambda i=i: write(i)) for i in range(writers)]
    closer = Waiting(close_when_written)
    one, two = run_threads(2, lambda i: read(consumers[i]))
    closer.outcome()
    assert engine.metrics().errors == 0
    assert engine.metrics().ring.sequence == len(one) >= total
    assert one["sequence"].tolist() == list(range(1, len(one) + 1))
    assert one.tobytes() == two.tobytes()
    trades = one[one["kind"] == PRICE]
    assert len(trades) == writers * updates * 3


def test_a_consumer_says_in_words_how_far_it_is_behind(engine):
    with engine.consumer("log", full="skip") as consumer:
        fill(engine, 3)
        assert repr(consumer) == f"<HoldingConsumer 'log': full='skip', {consumer.behind} records behind>"
    assert repr(consumer) == "<HoldingConsumer 'log': closed>"

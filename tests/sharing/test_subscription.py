"""`subscribe`: what is delivered, in which order, and what is said when something is not."""

import gc
import pickle
import signal
import threading
import time
import weakref

import numpy as np
import pytest
from helpers.fork import run_in_child
from helpers.rooms import native_module
from helpers.waiting import until
from helpers.writers import SMALL, UNTIL_TOLD, writer

from pricecore import QUOTE_DTYPE, EngineClosedError, LaggedError, PriceEngine, WriterDiedError, attach

PATIENCE_S = 60.0


@pytest.fixture
def engine():
    with PriceEngine("md", **SMALL) as engine:
        yield engine


@pytest.fixture(params=["engine", "view"])
def source(request, engine):
    """What is subscribed to: the engine itself, or a view of it."""
    if request.param == "engine":
        yield engine
    else:
        with attach("md") as view:
            yield view


def test_all_delivers_every_record_in_its_order(engine, source):
    with source.subscribe(mode="all") as subscription:
        engine.update("A", 1.0)
        engine.update_quote("A", 1.0, 2.0)
        engine.update_many(["B", "A"], [3.0, 4.0])
        got = subscription.poll()
    assert got["sequence"].tolist() == [2, 3, 5, 6]  # 1 and 4 brought the symbols
    assert got["kind"].tolist() == [0, 1, 0, 0]
    assert got.view(QUOTE_DTYPE)["ask"][1] == 2.0


def test_conflate_delivers_the_latest_of_each_symbol_and_kind(engine, source):
    with source.subscribe() as subscription:
        engine.update("A", 1.0)
        engine.update_quote("A", 5.0, 6.0)
        engine.update("B", 2.0)
        engine.update("A", 3.0)
        got = subscription.poll()
        assert got["price"].tolist() == [3.0, 5.0, 2.0]
        assert len(subscription.poll()) == 0
        engine.update("B", 4.0)
        assert subscription.poll()["price"].tolist() == [4.0]
        stats = subscription.stats()
    assert (stats.delivered, stats.conflated, stats.pending) == (4, 1, 0)


def test_now_begins_behind_what_was_there(engine, source):
    engine.update("A", 1.0)
    for mode in ("all", "conflate"):
        with source.subscribe(mode=mode) as subscription:
            assert len(subscription.poll()) == 0
            engine.update("A", 2.0)
            assert subscription.poll()["price"].tolist() == [2.0]


def test_a_sequence_begins_there(engine, source):
    engine.update_many(["A"] * 10, range(1, 11))
    with source.subscribe(mode="all", start=5) as subscription:
        assert subscription.next_sequence == 5
        assert subscription.poll()["price"].tolist() == [4, 5, 6, 7, 8, 9, 10]


def test_conflate_from_the_first_record_brings_the_latest_of_all(engine, source):
    engine.update_many(["A", "B"] * 2_000, range(1, 4_001))  # laps the ring
    engine.update_many(["C"] * 2_000, range(1, 2_001))
    with source.subscribe(start=1) as subscription:
        got = subscription.poll()
    assert {source.symbol(i): price for i, price in got[["symbol_id", "price"]].tolist()} == {
        "A": 3_999.0, "B": 4_000.0, "C": 2_000.0}  # fmt: skip


@pytest.mark.parametrize(("start", "error"), [(0, ValueError), (4, ValueError), (-1, ValueError), ("then", TypeError),
                                              (1.0, TypeError), (None, TypeError), (True, TypeError)])  # fmt: skip
def test_start_that_is_no_sequence_of_the_stream_is_refused(engine, start, error):
    engine.update("A", 1.0)
    assert engine.subscribe(start=3).next_sequence == 3
    with pytest.raises(error, match="start"):
        engine.subscribe(start=start)


@pytest.mark.parametrize(("wanted", "expected"), [
    ("A:1", ["A:1"]),
    (["A:1", "B:2"], ["A:1", "B:2"]),
    ("A:*", ["A:1", "A:22"]),
    ("?:1", ["A:1", "B:1"]),
    (["*:22", "B:[1-2]"], ["A:22", "B:1", "B:2"]),
    ("a:*", []),
    ("[x]", ["[x]"]),
    (None, ["A:1", "A:22", "B:1", "B:2", "[x]"]),
])  # fmt: skip
@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_names_and_patterns_choose_symbols_also_those_that_come_later(engine, source, mode, wanted, expected):
    names = ["A:1", "A:22", "B:1", "B:2", "[x]"]
    engine.register(names[:2])
    with source.subscribe(wanted, mode) as subscription:
        for price, name in enumerate(names, 1):
            engine.update(name, price)
        got = [source.symbol(int(i)) for i in subscription.poll()["symbol_id"]]
    assert got == expected


@pytest.mark.parametrize(("symbols", "error"), [([], ValueError), (5, TypeError), (["A", 5], TypeError),
                                                (b"A", TypeError)])  # fmt: skip
def test_symbols_that_are_none_are_refused(engine, symbols, error):
    with pytest.raises(error):
        engine.subscribe(symbols)


@pytest.mark.parametrize("options", [{"mode": "some"}, {"mode": None}, {"on_lag": "ignore"}])
def test_option_that_is_no_choice_is_refused(engine, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} is .*; it must be"):
        engine.subscribe(**options)


@pytest.mark.parametrize(("arguments", "error"), [
    ({"max_items": 0}, ValueError), ({"max_items": (1 << 20) + 1}, ValueError), ({"max_items": 1.0}, TypeError),
    ({"max_items": True}, TypeError), ({"timeout_s": -1}, ValueError), ({"timeout_s": float("nan")}, ValueError),
    ({"timeout_s": "1"}, TypeError),
])  # fmt: skip
def test_poll_refuses_what_is_out_of_range(engine, arguments, error):
    with engine.subscribe() as subscription, pytest.raises(error, match=next(iter(arguments))):
        subscription.poll(**arguments)


def test_max_items_are_taken_at_once_and_the_rest_later(engine, source):
    with source.subscribe(mode="all") as every, source.subscribe() as latest:
        engine.update_many([f"S{i}" for i in range(10)], range(1, 11))
        parts = [every.poll(4)["price"].tolist() for _ in range(20)]
        assert [price for part in parts for price in part] == list(range(1, 11))
        assert max(map(len, parts)) == 4
        assert [latest.poll(4)["price"].tolist() for _ in range(3)] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_all_that_was_lapped_learns_how_many_it_lost_and_goes_on(engine, source):
    with source.subscribe(mode="all") as subscription:
        engine.update_many(["A"] * 3_000, range(1, 3_001))
        got = subscription.poll(1 << 20)
        assert got["sequence"].tolist() == list(range(3_001 - 1_024 + 1, 3_002))
        assert subscription.stats().lost == 3_001 - 1_024
        assert subscription.stats().delivered == 1_024


def test_lag_can_be_an_error_that_says_it(engine, source):
    with source.subscribe(mode="all", on_lag="raise") as subscription:
        engine.update_many(["A"] * 3_000, range(1, 3_001))
        with pytest.raises(LaggedError, match=r"1,977 records .* sequence 1,978") as caught:
            subscription.poll()
        assert (caught.value.lost, caught.value.next_sequence) == (1_977, 1_978)
        assert pickle.loads(pickle.dumps(caught.value)).next_sequence == 1_978
        assert subscription.poll(1)["sequence"][0] == 1_978


def test_stats_tell_the_lag_in_records_and_seconds(engine, source):
    with source.subscribe(mode="all") as subscription:
        assert subscription.stats()[:1] + subscription.stats()[2:] == (0, 0, 0, 0, 0.0)
        engine.update("A", 1.0)
        engine.update("A", 2.0)
        stats = subscription.stats()
        assert stats.lag_records == 3  # the symbol's own record is one
        assert 0 <= stats.lag_s <= PATIENCE_S
        subscription.poll()
        assert subscription.stats().lag_records == 0


def test_poll_waits_until_something_comes(engine, source):
    with source.subscribe("A", "all") as subscription:
        started = threading.Event()

        def later():
            started.wait(PATIENCE_S)
            engine.update("B", 1.0)  # not wanted
            engine.update("A", 2.0)

        thread = threading.Thread(target=later)
        thread.start()
        started.set()
        assert subscription.poll(10, PATIENCE_S)["price"].tolist() == [2.0]
        thread.join()


def test_poll_returns_nothing_when_the_time_is_over(engine, source):
    with source.subscribe() as subscription:
        assert len(subscription.poll(10, 0.01)) == 0
        assert subscription.poll().dtype == subscription.poll(1).dtype


def test_closing_ends_a_poll_that_waits(engine, source):
    subscription = source.subscribe()
    threading.Timer(0.05, subscription.close).start()
    with pytest.raises(EngineClosedError, match="subscription is closed"):
        subscription.poll(1, PATIENCE_S)
    assert subscription.closed


@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_closing_ends_a_subscription_at_once_whatever_is_there(engine, source, mode):
    subscription = source.subscribe(mode=mode)
    engine.update("A", 1.0)
    subscription.close()
    with pytest.raises(EngineClosedError, match="subscription is closed"):
        subscription.poll()
    assert list(subscription) == []


@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_subscription_that_looks_late_gets_nothing_of_the_next_engine(engine, mode):
    subscription = engine.subscribe(mode=mode)
    engine.update("A", 1.0)
    engine.close()
    with PriceEngine("md", **SMALL) as other:
        other.update("B", 2.0)
        assert subscription.poll()["price"].tolist() == [1.0]
        with pytest.raises(EngineClosedError):
            subscription.poll(1, PATIENCE_S)


@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_closed_engine_gives_what_had_come_and_nothing_of_the_next_one(engine, mode):
    subscription = engine.subscribe(mode=mode)
    engine.update("A", 1.0)
    engine.close()
    assert subscription.poll()["price"].tolist() == [1.0]
    with PriceEngine("md", **SMALL) as other:
        other.update("A", 2.0)
        with pytest.raises(EngineClosedError):
            subscription.poll(1, PATIENCE_S)


def test_closing_a_view_ends_a_busy_subscription(engine):
    view = attach("md")
    subscription = view.subscribe(mode="all")
    engine.update("A", 1.0)
    view.close()
    assert subscription.poll()["price"].tolist() == [1.0]
    engine.update("A", 2.0)
    with pytest.raises(EngineClosedError, match="view of this subscription is closed"):
        subscription.poll(1, PATIENCE_S)


@pytest.mark.parametrize("wanted", [None, "[A-C]"])
def test_conflate_brings_nothing_that_is_older_than_its_start_also_after_a_lost_lap(engine, source, wanted):
    engine.update_many(["A", "B"], [1.0, 2.0])
    with source.subscribe(wanted) as subscription:
        engine.update_many(["C"] * 3_000, range(1, 3_001))
        assert subscription.poll()["price"].tolist() == [3_000.0]


def test_whole_numbers_of_numpy_are_taken(engine):
    engine.update_many(["A"] * 10, range(1, 11))
    with engine.subscribe(mode="all", start=1) as subscription:
        last = subscription.poll(np.int64(4))["sequence"][-1]
        assert engine.subscribe(mode="all", start=last + 1).poll()["sequence"][0] == last + 1


def test_subscription_names_the_symbols_of_its_own_segment(engine):
    with attach("md") as view:
        subscription = view.subscribe(mode="all")
        engine.update("A", 1.0)
        engine.close()
        with PriceEngine("md", **SMALL, resume=False) as other:
            other.update("B", 2.0)
            assert view.symbol(0) == "B"
            assert subscription.symbol(int(subscription.poll()["symbol_id"][0])) == "A"
    with pytest.raises(KeyError):
        subscription.symbol(5)


def test_closing_the_engine_ends_its_subscriptions(engine):
    with engine.subscribe(mode="all") as subscription:
        engine.update("A", 1.0)
        threading.Timer(0.05, engine.close).start()
        assert [batch["price"].tolist() for batch in subscription] == [[1.0]]


def test_subscribing_to_a_closed_engine_or_view_raises(engine):
    view = attach("md")
    view.close()
    engine.close()
    for source in (engine, view):
        with pytest.raises(EngineClosedError):
            source.subscribe()


def test_closing_a_view_ends_its_subscriptions(engine):
    view = attach("md")
    subscription = view.subscribe()
    view.close()
    with pytest.raises(EngineClosedError, match="view of this subscription is closed"):
        subscription.poll(1, PATIENCE_S)


def test_iteration_gives_batches_until_it_is_closed(engine, source):
    subscription = source.subscribe(mode="all")
    prices = []
    engine.update("A", 1.0)
    for batch in subscription:
        prices += batch["price"].tolist()
        if len(prices) == 3:
            subscription.close()
        else:
            engine.update("A", prices[-1] + 1)
    assert prices == [1.0, 2.0, 3.0]


def test_two_threads_cannot_poll_one_subscription(engine):
    subscription = engine.subscribe()

    def wait():
        with pytest.raises(EngineClosedError):
            subscription.poll(1, None)

    waiting = threading.Thread(target=wait)
    waiting.start()

    def is_refused():
        try:
            subscription.poll()
        except RuntimeError:
            return True
        return False

    until(is_refused)
    with pytest.raises(RuntimeError, match="another thread polls"):
        subscription.poll()
    subscription.close()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()


def test_arrays_belong_to_the_caller(engine):
    with engine.subscribe(mode="all") as subscription:
        engine.update("A", 1.0)
        first = subscription.poll()
        engine.update_many(["A"] * 3_000, [2.0] * 3_000)
        subscription.poll()
        assert first["price"].tolist() == [1.0]
        first["price"] = 5.0
        assert engine.price("A") == 2.0


def test_deliver_calls_a_function_with_every_batch(engine, source):
    subscription = source.subscribe(mode="all")
    prices, ended = [], []
    thread = subscription.deliver(lambda batch: prices.extend(batch["price"].tolist()), on_end=ended.append)
    for price in (1.0, 2.0, 3.0):
        engine.update("A", price)
    until(lambda: len(prices) == 3)
    subscription.close()
    thread.join(PATIENCE_S)
    assert (prices, ended) == ([1.0, 2.0, 3.0], [None])


def test_callback_that_raises_is_logged_and_called_again(engine, caplog):
    subscription = engine.subscribe(mode="all")
    called = []

    def callback(batch):
        called.append(len(batch))
        raise ValueError("no good")

    thread = subscription.deliver(callback)
    engine.update("A", 1.0)
    until(lambda: len(called) == 1)
    engine.update("A", 2.0)
    until(lambda: len(called) == 2)
    subscription.close()
    thread.join(PATIENCE_S)
    assert "ValueError('no good')" in caplog.text


def test_end_of_a_delivery_by_a_dead_writer_is_told(folder):
    ended = []
    with writer("md", UNTIL_TOLD) as process, attach("md") as view:
        thread = view.subscribe().deliver(lambda batch: None, on_end=ended.append)
        process.kill()
        thread.join(PATIENCE_S)
    assert [type(error) for error in ended] == [WriterDiedError]


@pytest.mark.parametrize("arguments", [{"max_items": 0}, {"max_delay_s": -1.0}])
def test_deliver_and_batches_refuse_what_is_out_of_range_at_once(engine, arguments):
    with engine.subscribe() as subscription:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            subscription.deliver(print, **arguments)
        with pytest.raises(ValueError, match=next(iter(arguments))):
            subscription.batches(**arguments)


def test_who_waits_for_a_writer_that_dies_is_told(folder):
    with writer("md", "engine.update('A', 1.5)\n" + UNTIL_TOLD) as process, attach("md") as view:
        subscription = view.subscribe(start=1, mode="all")
        process.kill()
        assert subscription.poll()["price"].tolist() == [1.5]
        with pytest.raises(WriterDiedError, match=f"process {process.pid}, which wrote 'md'"):
            subscription.poll(1, PATIENCE_S)


def test_subscription_goes_on_with_the_next_writer(folder):
    with writer("md", "engine.update('A', 1.5)\n" + UNTIL_TOLD) as process, attach("md") as view:
        subscription = view.subscribe(start=1, mode="all")
        subscription.poll()
        process.kill()
        with pytest.raises(WriterDiedError):
            subscription.poll(1, PATIENCE_S)
        with PriceEngine("md", **SMALL) as engine:
            engine.update("A", 2.5)
            got = subscription.poll(1, PATIENCE_S)
            assert (got["sequence"].tolist(), got["price"].tolist()) == ([3], [2.5])


def test_subscription_to_a_segment_that_was_replaced_says_so(engine):
    with attach("md") as view:
        subscription = view.subscribe()
        engine.close()
        with PriceEngine("md", **(SMALL | {"ring_capacity": 4_096})) as other:
            with pytest.raises(WriterDiedError, match="subscribe again"):
                subscription.poll(1, PATIENCE_S)
            again = view.subscribe()
            other.update("A", 1.0)
            assert again.poll()["price"].tolist() == [1.0]


def test_engine_without_a_name_is_subscribed_to_alike():
    with PriceEngine(**SMALL) as engine, engine.subscribe(mode="all") as subscription:
        engine.update("A", 1.0)
        assert subscription.poll(1, PATIENCE_S)["price"].tolist() == [1.0]


def test_poll_of_a_forked_child_is_not_kept_out_by_a_thread_of_its_parent(engine):
    with attach("md") as view:
        subscription = view.subscribe(mode="all")
        waiting = subscription.deliver(lambda batch: None)
        until(lambda: subscription.waits.announced)

        def child():
            assert len(subscription.poll(1, 0.01)) == 0

        run_in_child(child)
        subscription.close()
        waiting.join(PATIENCE_S)
        assert not waiting.is_alive()


def test_waiting_for_a_writer_that_stands_still_in_mid_update_costs_no_core():
    with PriceEngine(**SMALL) as engine, engine.subscribe(mode="all") as subscription:
        native_module("stream").claim_tickets(engine.segment, 1)
        before_s = time.process_time()
        assert len(subscription.poll(1, 1.0)) == 0
        assert time.process_time() - before_s < 0.7


def test_delivery_that_collects_for_long_ends_soon_after_a_close(engine):
    subscription = engine.subscribe()
    called = threading.Event()
    thread = subscription.deliver(lambda batch: called.set(), max_delay_s=PATIENCE_S * 10)
    engine.update("A", 1.0)
    assert called.wait(PATIENCE_S)
    subscription.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_a_signal_reaches_a_poll_that_waits(engine):
    def ring(*_):
        raise InterruptedError("here")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with engine.subscribe() as subscription:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(InterruptedError, match="here"):
                subscription.poll(1, PATIENCE_S)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_subscription_that_is_dropped_is_gone(engine):
    subscription = engine.subscribe("A*")
    alive = weakref.ref(subscription)
    del subscription
    gc.collect()
    assert alive() is None


def test_iterating_over_a_filter_asks_it_once_a_symbol(engine):
    with engine.subscribe("S1*", "all") as subscription:
        engine.update_many([f"S{i}" for i in range(200)], np.arange(1.0, 201.0))
        assert len(subscription.poll(1 << 20)) == 111


def test_waiting_reader_without_the_right_to_write_the_page_polls(engine, folder):
    (folder / "pricecore-md.wait").chmod(0o666)  # not to be trusted: who writes a file may cut it
    with attach("md") as view, view.subscribe(mode="all") as subscription:
        assert not subscription.waits.wakes
        threading.Timer(0.02, engine.update, ("A", 1.0)).start()
        assert subscription.poll(1, PATIENCE_S)["price"].tolist() == [1.0]

"""How a subscription ends: closed, its engine or view closed, its writer gone; and how it goes on behind that."""

import gc
import threading
import weakref

import pytest
from helpers.rooms import native_module
from helpers.waiting import until
from helpers.writers import SMALL, UNTIL_TOLD, writer

from pricecore import EngineClosedError, PriceEngine, WriterDiedError, attach

PATIENCE_S = 60.0


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


def test_subscription_that_is_dropped_is_gone(engine):
    subscription = engine.subscribe("A*")
    alive = weakref.ref(subscription)
    del subscription
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("mode", ["all", "conflate"])
def test_subscription_of_a_closed_engine_gets_nothing_of_the_next_one_also_after_its_lap(engine, mode):
    subscription = engine.subscribe(mode=mode)
    engine.update("A", 1.0)
    last = engine.metrics().ring.sequence
    engine.close()
    with PriceEngine("md", **SMALL) as other:
        other.update_many(["A"] * 3_000, [2.0] * 3_000)
        with pytest.raises(EngineClosedError):
            subscription.poll(1_024, PATIENCE_S)
        assert subscription.stats().lost == (last if mode == "all" else 0)


@pytest.mark.parametrize("polled", [False, True])
def test_conflating_subscription_of_a_closed_engine_gets_what_the_next_one_left_in_the_slots(engine, polled):
    with engine.subscribe() as subscription:
        engine.update_many(["FIRST", "OVERWRITTEN", "LEFT"], [1.0, 2.0, 3.0])
        if polled:  # the others wait to be taken, and are in the ring no more when they are
            assert subscription.poll(1)["price"].tolist() == [1.0]
        engine.close()
        with PriceEngine("md", **SMALL) as other:
            other.update_many(["FIRST", "OVERWRITTEN"] * 1_500, [9.0] * 3_000)
            assert subscription.poll()["price"].tolist() == [3.0]
            with pytest.raises(EngineClosedError):
                subscription.poll(1_024, PATIENCE_S)
        stats = subscription.stats()
        assert (stats.delivered, stats.pending) == (1 + polled, 0)


def test_conflating_subscription_takes_nothing_of_an_engine_that_comes_while_it_takes(engine):
    def take_over():
        subscription.between = None
        engine.close()
        others.append(PriceEngine("md", **SMALL))
        others[0].update_many(["OVERWRITTEN"] * 3_000, [9.0] * 3_000)

    others = []
    subscription = native_module("between").hesitant(engine)
    engine.update_many(["OVERWRITTEN", "LEFT"], [1.0, 2.0])
    subscription.between = take_over
    try:
        assert subscription.poll()["price"].tolist() == [2.0]
        assert len(subscription.poll()) == 0
    finally:
        others[0].close()


def test_engine_closed_behind_an_empty_poll_ends_the_next_one_at_once(engine, source, only_woken):
    subscription = source.subscribe()
    assert len(subscription.poll()) == 0
    source.close()
    raised = threading.Event()

    def wait():
        with pytest.raises(EngineClosedError):
            subscription.poll(1, None)
        raised.set()

    threading.Thread(target=wait, daemon=True).start()
    assert raised.wait(PATIENCE_S)


def test_closing_a_view_wakes_who_sleeps_on_it(engine, only_woken):
    view = attach("md")
    subscription = view.subscribe()
    raised = threading.Event()

    def wait():
        with pytest.raises(EngineClosedError):
            subscription.poll(1, None)
        raised.set()

    threading.Thread(target=wait, daemon=True).start()
    until(lambda: subscription.waits.announced)
    view.close()
    assert raised.wait(PATIENCE_S)

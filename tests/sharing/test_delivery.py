"""Iterating over a subscription, and having it call a function."""

import threading

import pytest
from helpers.waiting import until
from helpers.writers import UNTIL_TOLD, writer

from pricecore import WriterDiedError, attach

PATIENCE_S = 60.0


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


def test_delivery_that_collects_for_long_ends_soon_after_a_close(engine):
    subscription = engine.subscribe()
    called = threading.Event()
    thread = subscription.deliver(lambda batch: called.set(), max_delay_s=PATIENCE_S * 10)
    engine.update("A", 1.0)
    assert called.wait(PATIENCE_S)
    subscription.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()

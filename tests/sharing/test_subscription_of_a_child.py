"""A subscription in a forked child: who polled it in the parent is not there, the child's own threads take turns."""

import os
import threading
from contextlib import contextmanager, suppress

import pytest
from helpers.fork import run_in_child
from helpers.threads import run_threads
from helpers.waiting import PATIENCE_S, until
from helpers.writers import SMALL

from pricecore import EngineClosedError, PriceEngine, attach

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
ROWS = 500


def poll_until_closed(subscription):
    """Poll as the only thread, once the other one is out of the way."""
    while True:
        try:
            subscription.poll(1, None)
        except RuntimeError:
            continue
        except EngineClosedError:
            return


@contextmanager
def poll_in_a_thread(subscription):
    """A thread is inside `poll`, and asleep, while the block runs."""
    thread = threading.Thread(target=poll_until_closed, args=[subscription], daemon=True)
    thread.start()
    until(lambda: subscription.waits.announced)
    try:
        yield
    finally:
        subscription.close()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def is_refused(subscription):
    try:
        subscription.poll()
    except RuntimeError:
        return True
    return False


def test_threads_of_the_child_get_every_record_once():
    with PriceEngine(**SMALL) as engine, engine.subscribe(mode="all") as subscription:
        engine.register("A")
        assert len(subscription.poll()) == 0

        def child():
            engine.update_many(["A"] * ROWS, range(1, ROWS + 1))
            taken, got = [[], []], lambda: sum(map(len, taken))

            def take(index):
                def poll():
                    with suppress(RuntimeError):  # the other one polls
                        taken[index] += subscription.poll(3)["price"].tolist()
                    return got() == ROWS

                while not poll():
                    assert not late.is_set()

            late = threading.Event()
            limit = threading.Timer(PATIENCE_S / 2, late.set)
            limit.start()
            run_threads(2, take)
            limit.cancel()
            assert all(prices == sorted(prices) for prices in taken)
            return sorted(taken[0] + taken[1])

        with poll_in_a_thread(subscription):
            assert run_in_child(child) == list(range(1, ROWS + 1))


@pytest.mark.parametrize("kind", ["private engine", "view"])
def test_thread_of_the_child_that_polls_keeps_the_other_one_out(engine, kind):
    with PriceEngine(**SMALL) if kind == "private engine" else attach("md") as source:
        subscription = source.subscribe(mode="all")

        def child():
            thread = threading.Thread(target=poll_until_closed, args=[subscription], daemon=True)
            thread.start()
            until(lambda: is_refused(subscription))
            subscription.close()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

        with poll_in_a_thread(subscription):
            run_in_child(child)

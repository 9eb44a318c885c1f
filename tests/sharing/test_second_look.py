"""A writer's look at who sleeps may overtake its ticket: who slept since then looks once more, and only once."""

import asyncio
import resource
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.rooms import native_module
from helpers.waiting import PATIENCE_S, until

from pricecore.delivery import bell, subscription_core

SLEPT_S = 0.5
SLEEPS = 50  # what a thread may do in SLEPT_S, with what the interpreter does meanwhile; looks every millisecond: 500


@pytest.fixture
def overlook(monkeypatch, only_woken):
    """An update by a writer that sees nobody sleep; readers are so slow to settle that it comes before they have."""
    monkeypatch.setattr(subscription_core, "SETTLE_S", 1.0)
    monkeypatch.setattr(bell, "SETTLE_S", 1.0)
    lose_flag = native_module("waking").lose_flag

    def overlook(engine, subscription):
        until(lambda: subscription.waits.announced)
        lose_flag(subscription.waits)
        engine.update("A", 1.0)

    return overlook


def test_thread_that_was_overlooked_looks_again(engine, source, overlook):
    with ThreadPoolExecutor(1) as pool, source.subscribe(mode="all") as subscription:
        for _ in range(2):  # in a new turn it is not settled any more
            news = pool.submit(subscription.poll, 1, PATIENCE_S)
            overlook(engine, subscription)
            assert news.result()["price"] == [1.0]
            news = pool.submit(subscription.poll, 1, PATIENCE_S)
            until(lambda: subscription.waits.announced)
            engine.update("A", 2.0)
            assert news.result()["price"] == [2.0]


def test_loop_that_was_overlooked_looks_again(engine, source, overlook):
    async def main():
        async with asyncio.timeout(PATIENCE_S):
            with source.subscribe(mode="all") as subscription:
                overlooked = asyncio.create_task(asyncio.to_thread(overlook, engine, subscription))
                batch = await anext(subscription.batches())
                await overlooked
                return batch["price"][0]

    assert asyncio.run(main()) == 1.0


def sleeps():
    """Return how often this thread went to sleep so far."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sleeps of one thread are counted on Linux")
def test_thread_with_nothing_to_see_sleeps_on(source, only_woken):
    with source.subscribe() as subscription:
        before = sleeps()
        assert len(subscription.poll(1, SLEPT_S)) == 0
        assert sleeps() - before < SLEEPS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sleeps of one thread are counted on Linux")
def test_loop_with_nothing_to_see_sleeps_on(source, only_woken):
    async def main():
        with source.subscribe() as subscription:
            task = asyncio.create_task(anext(subscription.batches()))
            before = sleeps()
            await asyncio.sleep(SLEPT_S)
            task.cancel()
            return sleeps() - before

    assert asyncio.run(main()) < SLEEPS

"""`batches`: records in an event loop, which watches one file for each engine while somebody waits."""

import asyncio
import gc
import subprocess
import sys
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path

import pytest
from helpers.waiting import until
from helpers.writers import UNTIL_TOLD, writer

from pricecore import LaggedError, PriceEngine, WriterDiedError, attach

PATIENCE_S = 60.0


def in_loop(main):
    return asyncio.run(asyncio.wait_for(main, PATIENCE_S))


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def watched():
    """Return how many files this process watches."""
    kinds = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the folder itself
            kinds.append(str(descriptor.readlink()))
    return kinds.count("anon_inode:inotify")


async def take(subscription, count, **options):
    """Return the prices of the first `count` records."""
    prices = []
    async for batch in subscription.batches(**options):
        assert len(batch)
        prices += batch["price"].tolist()
        if len(prices) >= count:
            return prices
    return prices


def test_batches_come_as_they_are_published(engine):
    async def main():
        with attach("md") as view, view.subscribe(mode="all") as subscription:
            task = asyncio.create_task(take(subscription, 3))
            for price in (1.0, 2.0, 3.0):
                await asyncio.sleep(0.01)
                engine.update("A", price)
            return await task

    assert in_loop(main()) == [1.0, 2.0, 3.0]


def test_many_subscriptions_of_a_loop_watch_one_file(engine):
    async def main():
        subscriptions = [engine.subscribe(mode="all") for _ in range(20)]
        tasks = [asyncio.create_task(take(subscription, 2)) for subscription in subscriptions]
        await asyncio.sleep(0.01)
        assert watched() == 1
        engine.update("A", 1.0)
        await asyncio.sleep(0.01)
        engine.update("A", 2.0)
        return await asyncio.gather(*tasks)

    assert in_loop(main()) == [[1.0, 2.0]] * 20


def test_nothing_is_left_when_nobody_waits_any_more(engine):
    async def main():
        before = descriptors()
        for _ in range(50):
            with engine.subscribe(mode="all", start=1) as subscription:
                engine.update("A", 1.0)
                batches = subscription.batches()
                await anext(batches)
                await batches.aclose()
        return before

    before = in_loop(main())
    assert watched() == 0
    assert descriptors() <= before


def test_it_ends_when_the_subscription_is_closed(engine):
    async def main():
        subscription = engine.subscribe(mode="all")
        task = asyncio.create_task(take(subscription, 5))
        await asyncio.sleep(0.01)
        engine.update("A", 1.0)
        while subscription.stats().delivered == 0:
            await asyncio.sleep(0.01)
        subscription.close()
        return await task

    assert in_loop(main()) == [1.0]


def test_it_ends_when_the_engine_is_closed(engine):
    async def main():
        task = asyncio.create_task(take(engine.subscribe(mode="all"), 5))
        await asyncio.sleep(0.01)
        engine.close()
        return await task

    assert in_loop(main()) == []


def test_cancelling_ends_it_and_others_go_on(engine):
    async def main():
        cancelled = asyncio.create_task(take(engine.subscribe(mode="all"), 5))
        other = asyncio.create_task(take(engine.subscribe(mode="all"), 1))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        engine.update("A", 1.0)
        return await other

    assert in_loop(main()) == [1.0]
    until(lambda: watched() == 0)


def test_a_dead_writer_is_an_error_of_the_iteration(folder):
    async def main(process):
        with attach("md") as view:
            task = asyncio.create_task(take(view.subscribe(mode="all"), 5))
            await asyncio.sleep(0.01)
            process.kill()
            with pytest.raises(WriterDiedError, match=f"process {process.pid}"):
                await task

    with writer("md", UNTIL_TOLD) as process:
        in_loop(main(process))


def test_lag_is_an_error_of_the_iteration_when_asked_for(engine):
    async def main():
        subscription = engine.subscribe(mode="all", on_lag="raise")
        engine.update_many(["A"] * 3_000, [1.0] * 3_000)
        with pytest.raises(LaggedError):
            await take(subscription, 1)

    in_loop(main())


def test_a_delay_collects(engine):
    async def main():
        subscription = engine.subscribe(mode="all")
        engine.update("A", 0.5)
        batches = subscription.batches(max_delay_s=0.2)
        sizes = [len(await anext(batches))]
        for price in range(1, 11):
            engine.update("A", price)
        sizes.append(len(await anext(batches)))
        return sizes

    assert in_loop(main()) == [1, 10]


def test_a_full_batch_is_followed_at_once(engine):
    async def main():
        subscription = engine.subscribe(mode="all", start=1)
        engine.update_many(["A"] * 100, [1.0] * 100)
        return await take(subscription, 99, max_items=10, max_delay_s=PATIENCE_S)

    assert len(in_loop(main())) >= 99


def test_other_tasks_get_their_turn_beside_a_busy_stream(engine):
    async def main():
        subscription = engine.subscribe()
        turns = 0

        async def other():
            nonlocal turns
            while turns < 100:
                turns += 1
                await asyncio.sleep(0)

        async def consumer():
            async for _ in subscription.batches(max_items=1):
                engine.update("A", 1.0)  # there is always something

        engine.update("A", 1.0)
        task = asyncio.create_task(consumer())
        await other()
        task.cancel()

    in_loop(main())


def test_updates_of_other_threads_are_all_delivered(engine):
    def feed():
        for price in range(1, 501):
            engine.update("A", price)

    async def main():
        subscription = engine.subscribe(mode="all")
        task = asyncio.create_task(take(subscription, 500))
        await asyncio.to_thread(feed)
        return await task

    assert in_loop(main()) == list(range(1, 501))


def test_loop_that_ends_in_the_middle_watches_nothing(engine):
    async def main():
        batches = engine.subscribe(mode="all").batches()
        task = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0.01)
        return batches, task

    loop = asyncio.new_event_loop()
    kept = loop.run_until_complete(main())
    kept[1].cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    del kept, loop
    gc.collect()
    until(lambda: watched() == 0)


def test_loop_closed_with_a_task_waiting_is_let_go_by_the_next_one(engine):
    def wait_in(loop):
        async def main():
            asyncio.ensure_future(take(engine.subscribe(mode="all"), 1))  # noqa: RUF006
            await asyncio.sleep(0.01)

        loop.run_until_complete(main())

    loop = asyncio.new_event_loop()
    wait_in(loop)
    assert watched() == 1
    loop.set_exception_handler(lambda *_: None)  # its task is destroyed while it waits
    loop.close()
    del loop

    async def main():
        subscription = engine.subscribe(mode="all", start=1)
        engine.update("A", 1.0)
        assert await take(subscription, 1) == [1.0]

    in_loop(main())
    gc.collect()
    until(lambda: watched() == 0)


AT_EXIT = """
import asyncio, threading
import pricecore
engine = pricecore.PriceEngine("exit", max_symbols=1024, ring_capacity=1024)
view = pricecore.attach("exit")
engine.subscribe().deliver(print)
threading.Thread(target=lambda: engine.subscribe().poll(1, None), daemon=True).start()
loop = asyncio.new_event_loop()
batches = view.subscribe().batches()
try:
    loop.run_until_complete(asyncio.wait_for(anext(batches), 0.05))
except TimeoutError:
    print("over")
"""


def test_interpreter_ends_while_readers_of_every_kind_wait(folder):
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.stdout, done.returncode) == ("over\n", 0), done.stderr


def test_uvloop_is_woken_too(engine):
    uvloop = pytest.importorskip("uvloop")

    async def main():
        task = asyncio.create_task(take(engine.subscribe(mode="all"), 2))
        for price in (1.0, 2.0):
            await asyncio.sleep(0.01)
            engine.update("A", price)
        return await task

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(asyncio.wait_for(main(), PATIENCE_S)) == [1.0, 2.0]
    until(lambda: watched() == 0)


def test_loop_that_watches_no_files_looks_again_and_again(engine):
    class Blind(asyncio.SelectorEventLoop):
        def add_reader(self, descriptor, callback, *arguments):
            if getattr(callback, "__name__", "") == "answer":
                raise NotImplementedError
            return super().add_reader(descriptor, callback, *arguments)

    async def main():
        task = asyncio.create_task(take(engine.subscribe(mode="all"), 1))
        await asyncio.sleep(0.01)
        engine.update("A", 1.0)
        return await task

    before = descriptors()
    with asyncio.Runner(loop_factory=Blind) as runner:
        assert runner.run(asyncio.wait_for(main(), PATIENCE_S)) == [1.0]
    assert descriptors() == before


def test_engine_without_a_name_wakes_its_loop_too(only_woken):
    async def main(engine):
        task = asyncio.create_task(take(engine.subscribe(mode="all"), 2))
        for price in (1.0, 2.0):
            await asyncio.to_thread(until, lambda: engine.subscribe().waits.watched or task.done())
            engine.update("A", price)
        return await task

    with PriceEngine() as engine:
        assert in_loop(main(engine)) == [1.0, 2.0]
    assert watched() == 0


def test_loop_that_cannot_be_woken_looks_again_and_again(engine, folder):
    async def main(subscription):
        assert not subscription.waits.wakes
        task = asyncio.create_task(take(subscription, 1))
        await asyncio.sleep(0.01)
        assert watched() == 0
        engine.update("A", 1.0)
        return await task

    (folder / "pricecore-md.wait").chmod(0o666)  # not to be believed
    with attach("md") as view, view.subscribe(mode="all") as subscription:
        assert in_loop(main(subscription)) == [1.0]


def test_loop_looks_again_and_again_when_no_more_files_can_be_watched(engine, folder, monkeypatch):
    async def main(engine):
        task = asyncio.create_task(take(engine.subscribe(mode="all"), 1))
        await asyncio.sleep(0.01)
        assert watched() == 0
        engine.update("A", 1.0)
        return await task

    monkeypatch.setenv("PRICECORE_SHM_DIR", str(folder / "none"))  # where its file would lie
    with PriceEngine() as private:
        assert in_loop(main(private)) == [1.0]


def test_task_that_is_cancelled_while_it_waits_is_told_and_can_go_on(engine):
    async def main():
        subscription = engine.subscribe(mode="all")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(subscription.batches())
        task = asyncio.create_task(take(subscription, 1))
        await asyncio.sleep(0.01)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task
        engine.update("A", 1.0)
        return await take(subscription, 1)

    assert in_loop(main()) == [1.0]


def test_task_that_ends_the_loop_in_its_turn_does_not_take_the_others_away(engine, only_woken):
    async def leave():
        await take(engine.subscribe(mode="all"), 1)
        raise SystemExit(7)

    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(leave()), loop.create_task(take(engine.subscribe(mode="all"), 1))]
    loop.call_later(0.02, engine.update, "A", 1.0)
    with pytest.raises(SystemExit):
        loop.run_forever()
    loop.call_later(0.02, engine.update, "A", 2.0)
    assert loop.run_until_complete(asyncio.wait_for(tasks[1], PATIENCE_S))[0] == 1.0
    with pytest.raises(SystemExit):
        tasks[0].result()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    gc.collect()


def test_context_of_a_task_is_its_own_when_it_is_woken(engine):
    async def consume(name):
        who.set(name)
        await take(engine.subscribe(mode="all"), 1)
        return who.get(), asyncio.current_task().get_name()

    async def main():
        tasks = [asyncio.create_task(consume(name), name=name) for name in ("a", "b")]
        await asyncio.sleep(0.01)
        engine.update("A", 1.0)
        return await asyncio.gather(*tasks)

    who = ContextVar("who")
    assert in_loop(main()) == [("a", "a"), ("b", "b")]


def test_look_ups_end_with_the_last_task_also_when_a_look_up_ends_it(folder):
    async def main(process):
        with attach("md") as view:
            task = asyncio.create_task(take(view.subscribe(), 1))
            await asyncio.sleep(0.01)
            process.kill()
            process.wait()
            with pytest.raises(WriterDiedError):
                await task
        scheduled = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]
        return watched(), [timer for timer in scheduled if "_look_up" in repr(timer)]

    with writer("md", UNTIL_TOLD) as process:
        assert in_loop(main(process)) == (0, [])

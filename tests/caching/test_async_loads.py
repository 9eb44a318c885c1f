"""`aget_or_load`: tasks and threads share loads, and a cancelled task takes nothing from the others."""

import asyncio
import concurrent.futures
import gc
import threading
import weakref

import pytest
from helpers.threads import run_threads
from helpers.waiting import PATIENCE_S, until

from pricecore import LoadRecursionError, PriceCache

TASKS = 20


class AsyncSource:
    """Answers once it may; counts its calls."""

    def __init__(self, answer=lambda key: f"value of {key}"):
        self.answer = answer
        self.calls = []
        self.may_answer = asyncio.Event()

    async def __call__(self, key):
        self.calls.append(key)
        await asyncio.wait_for(self.may_answer.wait(), PATIENCE_S)
        return self.answer(key)


def run(main):
    async def limited():
        async with asyncio.timeout(PATIENCE_S):
            return await main()

    return asyncio.run(limited())


async def asked(cache, count=TASKS, key="A"):
    """Return so many tasks that all wait for a key."""
    tasks = [asyncio.create_task(cache.aget_or_load(key)) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


def test_of_many_tasks_one_loads():
    async def main():
        source = AsyncSource()
        cache = PriceCache(4, loader=source)
        tasks = await asked(cache)
        source.may_answer.set()
        assert await asyncio.gather(*tasks) == ["value of A"] * TASKS
        assert await cache.aget_or_load("A") == "value of A"
        assert source.calls == ["A"]
        assert (cache.stats().loads, cache.stats().hits, cache.get("A")) == (1, 1, "value of A")

    run(main)


def test_an_error_reaches_every_task_and_is_not_kept():
    async def main():
        source = AsyncSource(lambda key: 1 / 0)
        cache = PriceCache(4, loader=source)
        tasks = await asked(cache)
        source.may_answer.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {ZeroDivisionError}
        assert (source.calls, len(cache), cache.stats().load_errors) == (["A"], 0, 1)

    run(main)


@pytest.mark.parametrize("cancelled", [[0], [1, 2], list(range(TASKS - 1)), list(range(TASKS))])
def test_a_cancelled_task_does_not_lose_the_load_for_the_others(cancelled):
    """The first is the one that began the load."""

    async def main():
        source = AsyncSource()
        cache = PriceCache(4, loader=source)
        tasks = await asked(cache)
        for index in cancelled:
            tasks[index].cancel()
        await asyncio.sleep(0)
        source.may_answer.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for index, answer in enumerate(answers):
            if index in cancelled:
                assert isinstance(answer, asyncio.CancelledError)
            else:
                assert answer == "value of A"
        while "A" not in cache:
            await asyncio.sleep(0)
        assert source.calls == ["A"]

    run(main)


def test_a_loader_that_is_not_async_does_not_hold_the_loop_up():
    loop_went_on = threading.Event()

    def load(key):
        assert loop_went_on.wait(PATIENCE_S)
        return key * 2

    async def main():
        cache = PriceCache(4, loader=load)
        tasks = await asked(cache)
        loop_went_on.set()
        assert await asyncio.gather(*tasks) == ["AA"] * TASKS
        assert cache.stats().loads == 1

    run(main)


def test_threads_and_tasks_share_a_load():
    may_answer, calls, answers = threading.Event(), [], []

    def load(key):
        calls.append(key)
        assert may_answer.wait(PATIENCE_S)
        return key * 2

    cache = PriceCache(4, loader=load)

    async def main():
        tasks = await asked(cache)
        threads = [threading.Thread(target=lambda: answers.append(cache.get_or_load("A"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        while cache.stats().misses < TASKS + 4:
            await asyncio.sleep(0.001)
        may_answer.set()
        answers.extend(await asyncio.gather(*tasks))
        for thread in threads:
            await asyncio.to_thread(thread.join, PATIENCE_S)

    run(main)
    assert (answers, calls) == (["AA"] * (TASKS + 4), ["A"])


def test_several_loops_share_a_load():
    calls = []

    async def load(key):
        calls.append(key)
        until(lambda: cache.stats().misses == 3)
        await asyncio.sleep(0.01)
        return key * 2

    cache = PriceCache(4, loader=load)
    answers = run_threads(3, lambda index: run(lambda: cache.aget_or_load("A")))
    assert (answers, calls) == (["AA"] * 3, ["A"])


def test_when_the_loop_that_loads_ends_another_loop_loads():
    began, calls = threading.Event(), []

    async def load(key):
        calls.append(key)
        if len(calls) == 1:
            began.set()
            await asyncio.sleep(PATIENCE_S)
        return key * 2

    cache = PriceCache(4, loader=load)

    async def leave():
        task = asyncio.create_task(cache.aget_or_load("A"))
        while cache.stats().misses < 2:
            await asyncio.sleep(0.001)
        task.cancel()  # and the end of this loop cancels the load

    def ask(index):
        if index == 0:
            return run(leave)
        assert began.wait(PATIENCE_S)
        return run(lambda: cache.aget_or_load("A"))

    assert run_threads(2, ask)[1] == "AA"
    assert (calls, cache.get("A")) == (["A", "A"], "AA")


@pytest.mark.parametrize("step", [0, 1])
def test_an_async_loader_that_asks_for_its_own_key_gets_a_clear_error(step):
    async def load(key):
        return await cache.aget_or_load((key + step) % 3)

    cache = PriceCache(4, loader=load)
    with pytest.raises(LoadRecursionError):
        run(lambda: cache.aget_or_load(0))
    assert len(cache) == 0


def test_a_circle_of_two_tasks_gets_a_clear_error_and_no_deadlock():
    async def load(key):
        await asyncio.sleep(0.001)  # the other one is under way
        return await cache.aget_or_load(1 - key)

    async def main():
        return await asyncio.gather(*(cache.aget_or_load(key) for key in (0, 1)), return_exceptions=True)

    cache = PriceCache(4, loader=load)
    assert {type(answer) for answer in run(main)} == {LoadRecursionError}


def test_an_async_loader_may_ask_for_other_keys():
    async def load(n):
        return n if n < 2 else sum(await asyncio.gather(cache.aget_or_load(n - 1), cache.aget_or_load(n - 2)))

    cache = PriceCache(40, loader=load)
    assert run(lambda: cache.aget_or_load(25)) == 75025
    assert cache.stats().loads == 26


def test_a_loader_that_cancels_itself_ends_the_call_and_no_endless_loop():
    async def load(key):
        raise asyncio.CancelledError

    async def main():
        with pytest.raises(asyncio.CancelledError):
            await PriceCache(4, loader=load).aget_or_load("A")

    run(main)


@pytest.mark.parametrize("error", [StopIteration, concurrent.futures.CancelledError, TimeoutError, EOFError])
def test_an_error_that_has_a_meaning_to_event_loops_reaches_tasks_as_it_is(error):
    def load(key):
        raise error("of the loader")

    async def main():
        cache = PriceCache(4, loader=load)
        answers = await asyncio.gather(*(cache.aget_or_load("A") for _ in range(3)), return_exceptions=True)
        expected = RuntimeError if error is StopIteration else error  # a coroutine cannot raise that one
        assert {type(answer) for answer in answers} == {expected}

    run(main)


def test_a_load_that_waits_for_a_thread_of_the_executor_is_done_by_a_thread_that_waits_for_it():
    """Else all threads may wait for what stands in the queue behind them."""
    began, may_ask = threading.Event(), threading.Event()

    def load(key):
        if key == "first":
            began.set()
            assert may_ask.wait(PATIENCE_S)
            return cache.get_or_load("second") + 1
        calls.append(key)
        return 1

    async def main():
        asyncio.get_running_loop().set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
        first = asyncio.create_task(cache.aget_or_load("first"))
        while not began.is_set():
            await asyncio.sleep(0.001)
        second = asyncio.create_task(cache.aget_or_load("second"))
        await asyncio.sleep(0.01)
        may_ask.set()
        assert await asyncio.gather(first, second) == [2, 1]

    calls, cache = [], PriceCache(4, loader=load)
    run(main)
    assert (calls, cache.stats().loads) == (["second"], 2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")
def test_a_load_in_a_loop_that_was_closed_under_it_is_begun_anew(caplog):
    async def load(key):
        calls.append(key)
        if len(calls) == 1:
            await asyncio.sleep(PATIENCE_S)
        return key * 2

    calls, cache = [], PriceCache(4, loader=load)
    loop = asyncio.new_event_loop()
    with pytest.raises(TimeoutError):
        loop.run_until_complete(asyncio.wait_for(cache.aget_or_load("A"), 0.01))
    loop.close()
    assert run(lambda: cache.aget_or_load("A")) == "AA"
    assert (calls, cache.get("A")) == (["A", "A"], "AA")


def test_a_load_that_nobody_else_refers_to_is_not_collected():
    async def load(key):
        answer = asyncio.get_running_loop().create_future()
        waiting.append(weakref.ref(answer))
        return await answer

    async def main():
        cache = PriceCache(4, loader=load)
        task = asyncio.create_task(cache.aget_or_load("A"))
        while not waiting:
            await asyncio.sleep(0)
        gc.collect()
        waiting[0]().set_result(7)
        assert await task == 7

    waiting = []
    run(main)


def test_a_load_that_finds_no_executor_is_an_error_and_the_next_one_loads():
    async def main():
        await asyncio.get_running_loop().shutdown_default_executor()
        with pytest.raises(RuntimeError, match="shutdown"):
            await cache.aget_or_load("A")

    cache = PriceCache(4, loader=str.lower)
    run(main)
    assert run(lambda: cache.aget_or_load("A")) == "a"


def test_a_loader_two_tasks_of_which_wait_for_one_load_still_meets_its_circle():
    """One of the two gives up; the other one goes on to wait."""

    async def load(key):
        if key == "A":
            waiting = [asyncio.ensure_future(cache.aget_or_load("B")) for _ in range(2)]
            await asyncio.sleep(0.01)
            waiting[0].cancel()
            return await waiting[1]
        await asyncio.sleep(0.05)
        return await cache.aget_or_load("A")

    cache = PriceCache(4, loader=load)
    with pytest.raises(LoadRecursionError):
        run(lambda: cache.aget_or_load("A"))


def test_without_a_loader_the_await_says_so():
    cache = PriceCache(4)
    cache.put("A", 1)
    assert run(lambda: cache.aget_or_load("A")) == 1
    with pytest.raises(RuntimeError, match="no loader"):
        run(lambda: cache.aget_or_load("B"))
    with pytest.raises(TypeError, match="unhashable"):
        run(lambda: cache.aget_or_load([]))

"""The key t: the performance test on an engine of its own."""

import threading

import numpy as np
from helpers.writers import SMALL

from pricecore import PriceEngine
from pricecore.observe import PerformanceTest
from pricecore.observe.performance import UPDATES, PerformanceRun


def test_it_passes_and_says_how(engine, run):
    async def steps(top):
        await top.press("t")
        await top.until(lambda: "PASS" in top.text)
        assert "target below 1 ms" in top.text
        assert "10,000 updates of 100 symbols" in top.text
        assert "10,000 of 10,000" in top.text
        await top.press("escape")
        assert "PASS" not in top.text
        assert engine.metrics().messages_received == 0, "the engine that is watched has no part in it"

    assert UPDATES == 10_000
    run(steps, engine)


def test_it_fails_and_says_why(engine, run):
    async def steps(top):
        await top.press("t")
        await top.until(lambda: "FAIL" in top.text)
        assert "PASS" not in top.text
        assert "the target is below 0.001 us: run" in " ".join(top.text.replace("│", " ").split())
        assert "again on an idle machine" in " ".join(top.text.replace("│", " ").split())

    run(steps, engine, test=PerformanceTest(target_p95_us=0.001))


class HeldRun(PerformanceRun):
    """A run that stops half way until it is let go."""

    def __init__(self):
        self.go = threading.Event()
        super().__init__()

    def _run(self):
        with PriceEngine(**SMALL) as self._engine:
            self._engine.update_many(["A"] * 5_000, np.arange(1.0, 5_001.0))
            assert self.go.wait(60.0)
        super()._run()


class HeldTest(PerformanceTest):
    """Begins such runs, and knows them all."""

    def __init__(self):
        super().__init__()
        self.begun = []

    def _begin(self):
        self.begun.append(HeldRun())
        return self.begun[-1]


def test_it_tells_how_far_it_is_and_that_a_second_one_must_wait(engine, run):
    test = HeldTest()

    async def steps(top):
        await top.press("t")
        await top.until(lambda: "5,000 of 10,000 updates" in top.text)
        assert " 50%" in top.text
        assert "still running" not in top.text
        await top.press("t")
        assert "still running" in top.text
        await top.press("escape", "t")
        assert "still running" in top.text
        assert len(test.begun) == 1
        test.begun[0].go.set()
        await top.until(lambda: "PASS" in top.text or "FAIL" in top.text)
        assert "still running" not in top.text
        assert test.begun[0].sent == 10_000

    run(steps, engine, test=test)


def test_it_can_be_run_again(engine, run):
    test = PerformanceTest()

    async def steps(top):
        await top.press("t")
        await top.until(lambda: "PASS" in top.text or "FAIL" in top.text)
        first = test.latest
        await top.press("t")
        assert test.latest is not first
        await top.until(lambda: test.latest.is_over)
        await top.until(lambda: "PASS" in top.text or "FAIL" in top.text)

    run(steps, engine, test=test)


def test_what_goes_wrong_in_it_is_shown(engine, run):
    async def steps(top):
        await top.press("t")
        await top.until(lambda: "no result" in top.text)
        assert "updates is 0; it must be at least 1" in top.text

    run(steps, engine, test=PerformanceTest(updates=0))

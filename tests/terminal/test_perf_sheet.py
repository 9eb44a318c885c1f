"""The key t: the performance test on an engine of its own."""

import threading

import numpy as np
import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine
from pricecore.terminal.performance import UPDATES, PerformanceRun
from pricecore.terminal.watching import OwnEngine


@pytest.fixture
def shown(engine):
    return OwnEngine(engine, "md")


def test_it_passes_and_says_how(engine, shown, run):
    async def steps(top):
        await top.press("t")
        await top.until(lambda: "PASS" in top.text)
        assert "the target is below 1.00 ms" in top.text
        assert "10,000 updates of 100 symbols" in top.text
        assert "10,000, 0" in top.text
        await top.press("escape")
        assert "PASS" not in top.text
        assert engine.metrics().messages_received == 0, "the engine that is watched has no part in it"

    assert UPDATES == 10_000
    run(steps, shown)


def test_it_fails_and_says_why(shown, run):
    async def steps(top):
        await top.press("t")
        await top.until(lambda: "FAIL" in top.text)
        assert "PASS" not in top.text
        assert "the target is below 0.001 us: run" in top.text
        assert "again on an idle machine" in " ".join(top.text.replace("│", " ").split())

    run(steps, shown, begin_test=lambda: PerformanceRun(target_p95_us=0.001))


class Held(PerformanceRun):
    """A run that stops half way until it is let go."""

    def __init__(self):
        self.go = threading.Event()
        super().__init__()

    def _run(self):
        with PriceEngine(**SMALL) as self._engine:
            self._engine.update_many(["A"] * 5_000, np.arange(1.0, 5_001.0))
            assert self.go.wait(60.0)
        super()._run()


def test_it_tells_how_far_it_is_and_that_a_second_one_must_wait(shown, run):
    started = []

    def begin():
        started.append(Held())
        return started[-1]

    async def steps(top):
        await top.press("t")
        await top.until(lambda: "5,000 of 10,000 updates" in top.text)
        assert " 50%" in top.text
        assert "still running" not in top.text
        await top.press("t")
        assert "still running" in top.text
        await top.press("escape", "t")
        assert "still running" in top.text
        assert len(started) == 1
        started[0].go.set()
        await top.until(lambda: "PASS" in top.text or "FAIL" in top.text)
        assert "still running" not in top.text
        assert started[0].done == 10_000

    run(steps, shown, begin_test=begin)


def test_it_can_be_run_again(shown, run):
    started = []

    def begin():
        started.append(PerformanceRun())
        return started[-1]

    async def steps(top):
        await top.press("t")
        await top.until(lambda: "PASS" in top.text or "FAIL" in top.text)
        await top.press("t")
        await top.until(lambda: len(started) == 2 and not started[1].running)
        await top.until(lambda: "PASS" in top.text or "FAIL" in top.text)

    run(steps, shown, begin_test=begin)


def test_what_goes_wrong_in_it_is_shown(shown, run):
    async def steps(top):
        await top.press("t")
        await top.until(lambda: "no result" in top.text)
        assert "updates is 0; it must be at least 1" in top.text

    run(steps, shown, begin_test=lambda: PerformanceRun(updates=0))

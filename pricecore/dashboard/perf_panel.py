"""The panel that runs the performance test."""

import asyncio

from nicegui import ui

from pricecore.dashboard.elements import FigureTable, Text, box, choose
from pricecore.observe.figures import report_figures
from pricecore.observe.performance import PerformanceRun, PerformanceTest
from pricecore.observe.text import micro_sign
from pricecore.perftest import PerformanceReport

_LOOK_EVERY_S = 0.05
_VERDICTS = ("good", "bad", "unknown")


class PerfPanel:
    """Button, progress, verdict and details. Threads: one at a time; the test has a thread of its own."""

    def __init__(self, test: PerformanceTest) -> None:
        self._test = test
        with box("section", "panel perf-panel") as root:
            root.props('aria-label="Performance test"')
            with box("div", "panel-head"):
                Text("Performance test", "h2")
                self._verdict = Text("", classes="badge").mark("verdict")
                with box("div", "controls"):
                    self._button = ui.button("Run performance test", on_click=self._clicked, color=None)
                    self._button.mark("run-test").props("unelevated no-caps dense").classes("primary")
            self._said = Text(self._purpose(), "p", "note").mark("test-said")
            self._said.props('role="status"')
            self._bar = ui.linear_progress(0.0, show_value=False, size="4px").mark("test-progress")
            self._bar.props('aria-label="Progress of the performance test"').set_visibility(False)
            self._details = FigureTable()

    def _purpose(self) -> str:
        return f"{self._test.updates:,} updates through an engine of its own, in this server; no other is touched."

    async def _clicked(self) -> None:
        run = self._test.start()
        if run is None:
            ui.notify("A performance test is running already; its page shows the result. Try again in a moment.")
            return
        self._button.disable()
        self._bar.set_visibility(True)
        self._judge(None, "")
        while not run.is_over:
            self._bar.value = run.progress
            self._said.text = f"Running: {run.progress:.0%} of {run.updates:,} updates"
            await asyncio.sleep(_LOOK_EVERY_S)
        self._bar.set_visibility(False)
        self._button.enable()
        self._show(run)

    def _show(self, run: PerformanceRun) -> None:
        if run.report is None:
            self._judge(False, "FAIL")
            self._said.text = f"The test could not run: {run.error}"
            self._details.show({})
            return
        self._judge(run.report.passed, "PASS" if run.report.passed else "FAIL")
        self._said.text = _sentence(run.report)
        self._details.show({"": report_figures(run.report)})

    def _judge(self, passed: bool | None, word: str) -> None:
        choose(self._verdict, "unknown" if passed is None else "good" if passed else "bad", _VERDICTS)
        self._verdict.text = word


def _sentence(report: PerformanceReport) -> str:
    if report.passed:
        return f"{report.updates:,} updates, all applied, without an error, in flat memory."
    return micro_sign("Missed: " + "; ".join(report.failures) + ".")

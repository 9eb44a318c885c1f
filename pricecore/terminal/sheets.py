"""Sheets that lie over the board: help, details of an engine, the performance test."""

import textwrap
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from pricecore.observe.figures import report_figures
from pricecore.observe.performance import PerformanceRun, PerformanceTest
from pricecore.observe.text import format_count
from pricecore.terminal.palette import style_of

COLUMNS = 76
_BAR = 40
_FRAMES_S = 0.1
_NAMES = 14

Sheet = Callable[[], Text]


class TextSheet(ModalScreen[None]):
    """A text in a frame, closed by esc, q or enter; arrows scroll when it is longer than the window."""

    BINDINGS: ClassVar = [
        Binding("escape,q,enter", "dismiss", "close"),
        Binding("up,k", "scroll(-1)"),
        Binding("down,j", "scroll(1)"),
        Binding("pageup", "scroll(-10)"),
        Binding("pagedown,space", "scroll(10)"),
    ]
    FOOT = "esc closes, arrows scroll"

    def __init__(self, title: str, sheet: Sheet) -> None:
        super().__init__()
        self._heading = title
        self._sheet = sheet

    def compose(self) -> ComposeResult:
        """Lay the sheet out."""
        with VerticalScroll(id="sheet", can_focus=False) as frame:
            frame.border_title = Text(self._heading).markup
            frame.border_subtitle = self.FOOT
            yield Static(self._sheet(), id="text")

    def show(self) -> None:
        """Draw the text anew."""
        self.query_one("#text", Static).update(self._sheet())

    def action_scroll(self, by: int) -> None:
        """Move the text."""
        self.query_one("#sheet").scroll_relative(y=by, animate=False)


class PerformanceSheet(TextSheet):
    """The performance test: progress, then the verdict; `t` runs it again.

    Parameters
    ----------
    test : PerformanceTest
        Begins a run, unless one is on its way.
    """

    BINDINGS: ClassVar = [Binding("t", "again", "run again")]
    FOOT = "t runs it again, esc closes"

    def __init__(self, test: PerformanceTest) -> None:
        super().__init__("performance test", self._text)
        self._test = test
        self._told = test.start() is None
        self._is_over = False

    def on_mount(self) -> None:
        """Look ten times a second."""
        self.set_interval(_FRAMES_S, self._look)

    def action_again(self) -> None:
        """Run it again, if it is not running."""
        self._told = self._test.start() is None
        self.show()

    def _look(self) -> None:
        if not self._is_over:
            self.show()

    def _text(self) -> Text:
        run = self._test.latest
        assert run is not None  # one was started, or is on its way
        self._is_over = run.is_over
        return _verdict(run) if self._is_over else _progress(run, self._told)


def _progress(run: PerformanceRun, told: bool) -> Text:
    share = run.progress
    text = Text(f"{'█' * int(_BAR * share):░<{_BAR}} {share:4.0%}\n\n")
    text.append(f"{format_count(run.sent)} of {format_count(run.updates)} updates, on an engine of its own")
    if told:
        text.append("\n\nThis test is still running; another one can start when it is over.", style_of("warn"))
    return text


def _verdict(run: PerformanceRun) -> Text:
    if run.report is None:
        return Text.assemble(("no result", style_of("bad")), f"\n\n{run.error}")
    report = run.report
    verdict = ("PASS", style_of("good")) if report.passed else ("FAIL", style_of("bad"))
    missed = [_wrapped(f"Missed: {failure}") for failure in report.failures]
    figures = [f"{name:<{_NAMES}}{text}" for name, text in report_figures(report).items()]
    return Text.assemble(verdict, "\n\n", "\n".join([*missed, *[""] * bool(missed), *figures]))


def _wrapped(line: str) -> str:
    return textwrap.fill(line, COLUMNS, break_on_hyphens=False)

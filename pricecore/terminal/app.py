"""`TopApp`: keys, the clock of a second, and what is shown; drawing is `board`, reading is `watching`."""

import asyncio
import signal
from contextlib import suppress
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import MouseScrollDown, MouseScrollUp, Resize
from textual.widgets import Input, Static

from pricecore.observe import PerformanceTest
from pricecore.terminal.board import board
from pricecore.terminal.canvas import Canvas
from pricecore.terminal.lines import Line
from pricecore.terminal.palette import BAR, GROUND, SHEET, style_of
from pricecore.terminal.plain import details, head
from pricecore.terminal.sheets import PerformanceSheet, TextSheet
from pricecore.terminal.watching import Watching

REFRESH_S = 1.0
STOPPED = 130
"""Exit code after Ctrl-C, SIGTERM or a terminal that is gone."""

HELP = (
    ("q", "quit"),
    ("space", "pause, and go on"),
    ("r", "refresh now, also while paused"),
    ("t", "performance test: 10,000 updates through an engine of its own"),
    ("c", "count from now on; again: from the engine's own start"),
    ("tab, n", "next engine; shift+tab, N: the one before"),
    ("/", "filter prices: a part of the symbol, or a pattern as BINANCE:*;"),
    ("", "enter keeps the filter, esc clears it"),
    ("arrows", "move through the prices; page up, page down, home, end"),
    ("d", "details: all figures of this engine as text"),
    ("?", "this help"),
)

_CSS = f"""
Screen {{ background: {GROUND}; overflow: hidden; }}
#board {{ width: 100%; height: 1fr; background: {GROUND}; }}
#keys {{ width: 100%; height: 1; background: {BAR}; }}
#asking {{ display: none; width: 100%; height: 1; background: {BAR}; }}
#asked {{ width: 8; background: #87afff; color: #121212; text-style: bold; }}
Input {{ width: 1fr; height: 1; background: {BAR}; color: #ffffff; border: none; padding: 0 1; }}
TextSheet {{ align: center middle; background: {GROUND} 60%; }}
#sheet {{
    width: 80; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
    background: {SHEET}; color: #d0d0d0; border: round #87afff;
    border-title-color: #ffffff; border-subtitle-color: #afafaf; scrollbar-size-vertical: 1;
    scrollbar-color: #87afff; scrollbar-background: {BAR}; scrollbar-color-hover: #87afff;
    scrollbar-background-hover: {BAR}; scrollbar-color-active: #87afff; scrollbar-background-active: {BAR};
}}
#text {{ width: 100%; height: auto; background: {SHEET}; }}
"""


class TopApp(App[None]):
    """The terminal view.

    Parameters
    ----------
    watching : Watching
        What is shown; the caller closes it.
    test : PerformanceTest, optional
        What the key t starts; tests pass one that fails or takes long.

    Threads: the main thread.
    Cost: a reading of every engine a second, and the lines that changed.
    """

    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None  # keys are the application's until the filter is typed
    BINDINGS: ClassVar = [
        Binding("q", "quit"),
        Binding("ctrl+c", "stop", priority=True),
        Binding("space", "pause"),
        Binding("r", "look"),
        Binding("t", "test"),
        Binding("c", "count"),
        # The screen would take these two for moving the focus.
        Binding("tab", "turn(1)", priority=True),
        Binding("shift+tab", "turn(-1)", priority=True),
        Binding("n", "turn(1)"),
        Binding("N", "turn(-1)"),
        Binding("slash", "filter"),
        Binding("escape", "clear_filter"),
        Binding("question_mark", "help"),
        Binding("d", "details"),
        Binding("up,k", "move(-1)"),
        Binding("down,j", "move(1)"),
        Binding("pageup", "page(-1)"),
        Binding("pagedown", "page(1)"),
        Binding("home", "move(-1000000000)"),
        Binding("end", "move(1000000000)"),
    ]

    def __init__(self, watching: Watching, test: PerformanceTest | None = None) -> None:
        super().__init__()
        self.watching = watching
        self._test = test or PerformanceTest()
        # Kept, and not looked for: the clock may tick while the screen is being taken down.
        self._board, self._keys = Canvas(id="board"), Canvas(id="keys")
        self._asking = Horizontal(id="asking")
        self._line = Input(placeholder="a part of the symbol, or BINANCE:*; enter keeps, esc clears", compact=True)
        self._line.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Lay out the board and the line of keys, in whose place the filter is typed."""
        yield self._board
        yield self._keys
        with self._asking:
            yield Static(" filter ", id="asked")
            yield self._line

    def on_mount(self) -> None:
        """Begin to look."""
        self._take_signals()
        self.set_interval(REFRESH_S, self._tick)

    def on_resize(self, event: Resize) -> None:
        """Draw for the new size, once the parts have theirs."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Draw everything; only what changed is sent."""
        if self._board.size.width and self._board.size.height:
            self._board.show(board(self.watching, *self._board.size))
            self._keys.show([_keys(self.watching, self._keys.size.width)])

    def _tick(self) -> None:
        if self.watching.tick():
            self.draw()

    def _take_signals(self) -> None:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread, or no such signals here
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.action_stop)

    def action_stop(self) -> None:
        """End as Ctrl-C does."""
        self.exit(return_code=STOPPED)

    def action_pause(self) -> None:
        """Stop looking, or go on."""
        self.watching.paused = not self.watching.paused
        self._tick()
        self.draw()

    def action_look(self) -> None:
        """Look now."""
        self.watching.look()
        self.draw()

    def action_count(self) -> None:
        """Count from now, or from the engine's start again."""
        self.watching.shown.count_from_now()
        self.draw()

    def action_turn(self, by: int) -> None:
        """Show another engine."""
        self.watching.turn(by)
        self.draw()

    def action_move(self, by: int) -> None:
        """Move through the prices by rows."""
        self.watching.first = max(0, self.watching.first + by)
        self.draw()

    def action_page(self, by: int) -> None:
        """Move through the prices by a good part of what is visible."""
        self.action_move(by * max(1, self._board.size.height // 4))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move as the arrow does."""
        self.action_move(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move as the arrow does."""
        self.action_move(-3)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(TextSheet("keys", _help))

    def action_details(self) -> None:
        """Show all figures of the engine as they are now."""
        state = self.watching.shown.state
        text = Text("\n".join([head(state), "", *details(state)]))
        self.push_screen(TextSheet("details", lambda: text))

    def action_test(self) -> None:
        """Run the performance test."""
        self.push_screen(PerformanceSheet(self._test))

    def action_filter(self) -> None:
        """Ask for the filter in the place of the keys."""
        self._line.value = self.watching.pattern
        self._ask(True)
        self._line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        if event.input.has_focus:
            self.watching.choose(event.value)
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter."""
        self._end_filter()

    def action_clear_filter(self) -> None:
        """Show all prices."""
        self.watching.choose("")
        self._end_filter()

    def _end_filter(self) -> None:
        self._ask(False)
        self.screen.set_focus(None)
        self.draw()

    def _ask(self, asking: bool) -> None:
        self._asking.display = asking
        self._keys.display = not asking


def _keys(watching: Watching, columns: int) -> Line:
    pause = "go on" if watching.paused else "pause"
    shown = [("q", "quit"), ("space", pause), ("r", "refresh"), ("t", "test"), ("c", "count")]
    shown += [("n", "next")] * (len(watching.engines) > 1) + [("/", "filter"), ("d", "details"), ("?", "help")]
    used = sum(len(key) + len(what) + 2 for key, what in shown)
    gap = " " * (columns - used >= len(shown))
    line = [span for key, what in shown for span in ((f" {key}", "key bar"), (f" {what}{gap}", "bar"))]
    return [*line, (" " * columns, "bar")]


def _help() -> Text:
    return Text("\n").join(Text.assemble((f"{key:<8}", style_of("key")), what) for key, what in HELP)

"""The panel of all other figures, with the button that begins to count anew."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from pricecore.dashboard.elements import FigureTable, Text, box
from pricecore.observe.figures import statistics
from pricecore.observe.state import WITH_FIGURES
from pricecore.observe.text import format_clock


class StatisticsPanel:
    """Figures in groups; "Reset" for an engine of this process, "Count from now" for one that is only watched.

    Threads: one at a time.
    """

    def __init__(self, on_reset: Callable[[], None], on_count: Callable[[], None]) -> None:
        self._on_reset = on_reset
        with box("section", "panel statistics-panel") as root:
            root.props('aria-label="Statistics"')
            with box("div", "panel-head"):
                Text("Statistics", "h2")
                self._note = Text("", classes="note").mark("counting-note")
                with box("div", "controls"):
                    self._reset = ui.button("Reset", on_click=self._ask, color=None).mark("reset")
                    self._count = ui.button("Count from now", on_click=on_count, color=None).mark("count")
                    for button in (self._reset, self._count):
                        button.props("outline dense no-caps")
            self._figures = FigureTable()
        self._dialog = self._confirmation()

    def show(self, state: dict[str, Any], counting: bool) -> None:
        """Show a state; `counting` says that it is counted from a moment that the visitor chose."""
        since_ns = state["counted_since_ns"]
        self._note.text = f"counted since {format_clock(since_ns)}" if since_ns else ""
        self._reset.set_visibility(state["owned"])
        self._count.set_visibility(not state["owned"])
        self._count.set_enabled(state["status"] in WITH_FIGURES)
        self._count.text = "Count from the start" if counting else "Count from now"
        self._figures.show(statistics(state))

    def _ask(self) -> None:
        self._dialog.open()

    def _confirmation(self) -> ui.dialog:
        with ui.dialog() as dialog, ui.card().classes("confirm"):
            dialog.props('aria-label="Reset the statistics?"')
            Text("Reset the statistics?", "h2")
            Text("Counters, latency window and histogram begin at zero for everyone who reads this engine.", "p")
            Text("Prices and symbols stay.", "p")
            with box("div", "controls"):
                cancel = ui.button("Cancel", on_click=dialog.close, color=None).mark("reset-cancel")
                cancel.props("flat dense no-caps")
                confirm = ui.button("Reset", on_click=lambda: self._confirmed(dialog), color=None)
                confirm.props("unelevated dense no-caps").classes("primary").mark("reset-confirm")
        return dialog

    def _confirmed(self, dialog: ui.dialog) -> None:
        dialog.close()
        self._on_reset()

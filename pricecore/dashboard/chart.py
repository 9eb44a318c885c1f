"""The line chart of p50, p95 and p99 over the last readings."""

from typing import Any

from nicegui import ui

from pricecore.dashboard.elements import Text, box
from pricecore.observe import History
from pricecore.observe.text import format_clock

POINTS = 50
LINES = {"p50": ("p50_us", "#159b8a"), "p95": ("p95_us", "#4f7df0"), "p99": ("p99_us", "#d9730d")}
"""Name, field, colour: at least 3 to 1 against white and against the dark page."""

_PLAIN = {"fontSize": 14, "fontWeight": "normal"}


class LatencyChart:
    """Keeps the points of one visitor. Threads: one at a time. Cost: a reading sends the 50 points, about 3 KB."""

    def __init__(self) -> None:
        self.history = History(POINTS)
        with box("section", "panel chart-panel") as root:
            root.props('aria-label="Latency over time"')
            with box("div", "panel-head"):
                Text("Latency", "h2")
                self._span = Text("", classes="note")
            self._chart = ui.echart(_options(), renderer="svg").classes("chart").mark("chart")
            self._chart.props('role="img" aria-label="Line chart of p50, p95 and p99 latency, newest reading right"')

    def add(self, state: dict[str, Any]) -> None:
        """Add a point, or a gap where there is no latency to show."""
        self.history.add(state)
        series = self.history.series()
        options = self._chart.options
        options["xAxis"]["data"] = [
            format_clock(int(time_s * 1e9)) for time_s in series["time_s"] if time_s is not None
        ]
        for line, (field, _) in zip(options["series"], LINES.values(), strict=True):
            line["data"] = [_plotted(value) for value in series[field]]
        options["title"]["show"] = not any(value is not None for value in series["p50_us"])
        self._span.text = f"last {len(self.history)} of {POINTS} readings, µs, logarithmic"
        self._chart.update()

    def clear(self) -> None:
        """Begin anew, with another engine."""
        self.history.clear()


def _plotted(value_us: float | None) -> float | None:
    """Return a value that a logarithmic axis can show: three digits, and a gap for zero."""
    return float(f"{value_us:.3g}") if value_us else None


def _options() -> dict[str, Any]:
    return {
        "animation": False,
        "color": [colour for _, colour in LINES.values()],
        "grid": {"left": 44, "right": 12, "top": 30, "bottom": 22},
        "title": {"text": "No updates to show", "left": "center", "top": "middle", "textStyle": _PLAIN},
        "legend": {"top": 0, "right": 8, "itemWidth": 18, "itemHeight": 2, "itemGap": 16},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {
            "type": "category",
            "boundaryGap": False,
            "data": [],
            "axisTick": {"show": False},
            "axisLabel": {"fontSize": 11, "hideOverlap": True, "alignMinLabel": "left", "alignMaxLabel": "right"},
        },
        "yAxis": {"type": "log", "axisLabel": {"fontSize": 11}, "minorSplitLine": {"show": False}},
        "series": [
            {
                "name": name,
                "type": "line",
                "data": [],
                "symbol": "none",
                "connectNulls": False,
                "lineStyle": {"width": 2, "type": "dashed" if name == "p99" else "solid"},
            }
            for name in LINES
        ],
    }

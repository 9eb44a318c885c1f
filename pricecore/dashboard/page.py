"""One visitor's page: its parts, what is chosen on it, and the one timer that refreshes it."""

from nicegui import ui

from pricecore.dashboard.cards import Cards
from pricecore.dashboard.chart import LatencyChart
from pricecore.dashboard.elements import box
from pricecore.dashboard.header import Header
from pricecore.dashboard.perf_panel import PerfPanel
from pricecore.dashboard.prices import PriceTable
from pricecore.dashboard.statistics_panel import StatisticsPanel
from pricecore.observe import Counted, Labelled, PerformanceTest

REFRESH_S = 1.0


class DashboardPage:
    """Built once for each visit, inside a NiceGUI page.

    Parameters
    ----------
    several : list of Labelled
        What can be chosen.
    test : PerformanceTest
        Shared by all visitors.
    label : str
        Which one is shown first; the first of the list when it is none of them.
    theme : str
        "dark", "light", or "" for the system's.

    Threads: the event loop's. Cost: a refresh reads the engine's figures and prices and sends what changed.
    """

    def __init__(self, several: list[Labelled], test: PerformanceTest, label: str = "", theme: str = "") -> None:
        self._by_label = {one.label: one for one in several}
        self._shown = self._by_label.get(label, several[0])
        self._counted = Counted()
        labels = list(self._by_label)
        self._header = Header(labels, self._shown.label, self._choose, self.refresh_all, self._switch, theme)
        with box("div", "page"):
            self._cards = Cards()
            with box("div", "lanes"):
                with box("div", "lane"):
                    self.chart = LatencyChart()
                    self._prices = PriceTable(self._show_prices)
                with box("div", "lane"):
                    self._statistics = StatisticsPanel(self._reset, self._count)
                    self._perf = PerfPanel(test)
        self.timer = ui.timer(REFRESH_S, self.refresh, immediate=False)
        self.refresh()

    def refresh(self) -> None:
        """Read the engine and show it: a point of the chart more."""
        self._show(with_point=True)
        self._prices.show(self._shown)

    def refresh_all(self) -> None:
        """As `refresh`, and the table of prices also while it rests."""
        self._show(with_point=True)
        self._show_prices()

    def _show(self, with_point: bool) -> None:
        state = self._counted.of(self._shown.state())
        self._header.show(state)
        self._cards.show(state)
        self._statistics.show(state, counting=self._counted.base is not None)
        if with_point:
            self.chart.add(state)

    def _show_prices(self) -> None:
        self._prices.show(self._shown, at_once=True)

    def _choose(self, label: str) -> None:
        self._shown = self._by_label[label]
        self._counted = Counted()
        self.chart.clear()
        ui.navigate.history.replace(f"?engine={label}")  # a reload shows the same
        self.refresh_all()

    def _switch(self, on: bool) -> None:
        self.timer.active = on

    def _reset(self) -> None:
        try:
            self._shown.reset_stats()
        except Exception as error:  # it was closed in this moment
            ui.notify(f"Not reset: {error}", type="negative")
        self._show(with_point=False)

    def _count(self) -> None:
        base = None if self._counted.base is not None else self._shown.state()
        self._counted = Counted(base)
        self._show(with_point=False)

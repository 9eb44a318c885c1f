"""What is watched and what was seen of it: engines, their last readings, what is counted from when, which is shown."""

from collections.abc import Sequence
from typing import Any

from pricecore.observe import Counted, History, Labelled
from pricecore.observe.state import WITH_FIGURES
from pricecore.terminal.chart import POINTS


class Seen:
    """One engine: its latest state, and its last readings for the chart.

    Attributes
    ----------
    state, whole : dict
        The latest state as it is shown, and as the engine counts it.

    Threads: one at a time. Cost: `look` is one `dashboard_state`.
    """

    def __init__(self, one: Labelled) -> None:
        self.one = one
        self.history = History(POINTS)
        self.counted = Counted()
        self.state: dict[str, Any] = {}
        self.whole: dict[str, Any] = {}
        self.look()

    @property
    def live(self) -> bool:
        """Whether the engine was live at the last look."""
        return bool(self.state["alive"])

    @property
    def counted_since_ns(self) -> int | None:
        """When counting began; None: with the engine."""
        return None if self.counted.base is None else self.counted.base["time_ns"]

    def look(self) -> None:
        """Read the engine once."""
        self.whole = self.one.state()
        self.history.add(self.whole)
        self.state = self.counted.of(self.whole)

    def count_from_now(self) -> None:
        """Count from now on; from the engine's own start again if that was asked for before."""
        begin = self.counted.base is None and self.whole["status"] in WITH_FIGURES
        self.counted = Counted(self.whole if begin else None)
        self.state = self.counted.of(self.whole)

    def prices(self, pattern: str, first: int, rows: int) -> dict[str, Any]:
        """Return the visible rows of the table of prices."""
        return self.one.prices(pattern, rows, offset=first)


class Watching:
    """Several engines, of which one is shown.

    Parameters
    ----------
    engines : sequence of Labelled
        At least one; closed with it.

    Attributes
    ----------
    pattern : str
        Which prices are shown, as `price_rows` takes it.
    first : int
        How many matching prices stand above the first visible one.
    paused : bool
        Whether `tick` does nothing.

    Threads: one at a time.
    Cost: `look` reads every engine once.
    """

    def __init__(self, engines: Sequence[Labelled], pattern: str = "") -> None:
        if not engines:
            raise ValueError("there is no engine to watch")
        self.engines = [Seen(one) for one in engines]
        self.pattern = pattern
        self.first = 0
        self.paused = False
        self._index = 0

    @property
    def shown(self) -> Seen:
        """The engine that is shown."""
        return self.engines[self._index]

    @property
    def index(self) -> int:
        """Which one of `engines` is shown."""
        return self._index

    def tick(self) -> bool:
        """Look unless paused; return whether it looked."""
        if not self.paused:
            self.look()
        return not self.paused

    def look(self) -> None:
        """Read every engine once: the chart of one that is not shown goes on."""
        for seen in self.engines:
            seen.look()

    def turn(self, by: int) -> None:
        """Show the next engine, or the one before."""
        self._index = (self._index + by) % len(self.engines)
        self.first = 0

    def choose(self, pattern: str) -> None:
        """Show the prices that match."""
        self.pattern = pattern.strip()
        self.first = 0

    def prices(self, rows: int) -> dict[str, Any]:
        """Return the visible rows; moves up when there are fewer than before."""
        found = self.shown.prices(self.pattern, self.first, rows)
        last_first = max(0, found["matching"] - rows)
        if self.first > last_first:
            self.first = last_first
            found = self.shown.prices(self.pattern, self.first, rows)
        return found

    def close(self) -> None:
        """Let all engines go."""
        for seen in self.engines:
            seen.one.close()

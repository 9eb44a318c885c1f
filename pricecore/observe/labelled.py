"""Level 6: `Labelled`, an engine, a view or a name that is followed, with the label under which people see it."""

from collections.abc import Iterable
from typing import Any

from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.observe.rows import no_rows, price_rows
from pricecore.observe.state import WITH_FIGURES, dashboard_state
from pricecore.observe.watched import Watched

One = PriceEngine | EngineView | Watched | str


class Labelled:
    """One engine of those that page, terminal view or exporter tell of.

    Parameters
    ----------
    source : PriceEngine, EngineView, Watched or str
        A name is followed.
    label : str
        What people read.

    Raises
    ------
    TypeError, ValueError
        The source is none of these, or a name that no engine can have.

    Threads: one at a time. Cost: that of `dashboard_state` and `price_rows`.
    """

    def __init__(self, source: One, label: str) -> None:
        if not isinstance(source, PriceEngine | EngineView | Watched | str):
            raise TypeError(f"a source must be a PriceEngine, an EngineView or a name, not {source!r}")
        self.label = label
        self._own = Watched(source) if isinstance(source, str) else None
        self._source: PriceEngine | EngineView | Watched = self._own or source  # type: ignore[assignment]
        self._has_prices = True

    def state(self) -> dict[str, Any]:
        """Return what `dashboard_state` returns, with the label as `name`; raises nothing.

        Threads: one at a time. Cost: that of `dashboard_state`.
        """
        source = self._source
        state = source.state() if isinstance(source, Watched) else dashboard_state(source)
        self._has_prices = state["status"] in WITH_FIGURES
        return state | {"name": self.label}

    @property
    def readable(self) -> PriceEngine | EngineView | None:
        """The engine or view to read prices from; None while there is none."""
        return self._source.view if isinstance(self._source, Watched) else self._source

    @property
    def identity(self) -> object:
        """What two of one engine have in common: its name, else the engine itself."""
        return self._source if self._source.name is None else self._source.name

    def prices(self, pattern: str = "", limit: int = 200, sort: str = "symbol", offset: int = 0) -> dict[str, Any]:
        """Return what `price_rows` returns; no rows where the last `state` had no figures.

        Threads: one at a time. Cost: that of `price_rows`.
        """
        readable = self.readable if self._has_prices else None
        return no_rows() if readable is None else price_rows(readable, pattern, limit, sort, offset=offset)

    def reset_stats(self) -> None:
        """Zero the figures of an engine of this process.

        Raises
        ------
        TypeError
            It is another's.

        Threads: one at a time. Cost: that of `PriceEngine.reset_stats`.
        """
        if not isinstance(self._source, PriceEngine):
            raise TypeError(f"{self.label} is only watched: its own process may reset it")
        self._source.reset_stats()

    def close(self) -> None:
        """Let go what is followed from here; what was handed in stays as it is.

        Threads: one at a time; a second call does nothing. Cost: that of closing a view.
        """
        if self._own is not None:
            self._own.close()


Source = One | Labelled


def labelled(sources: Iterable[Source]) -> list[Labelled]:
    """Return the sources, each under a label of its own: its name; without one "engine", then "engine-2", ...

    Raises
    ------
    TypeError, ValueError
        Something is no source, or a label is there twice.
    """
    found: dict[str, Labelled] = {}
    for source in sources:
        one = source if isinstance(source, Labelled) else Labelled(source, _name(source) or _free(found))
        if one.label in found:
            raise ValueError(f"{one.label!r} is given twice")
        found[one.label] = one
    return list(found.values())


def _name(source: One) -> str | None:
    return source if isinstance(source, str) else getattr(source, "name", None)


def _free(taken: dict[str, Labelled]) -> str:
    labels = ["engine", *(f"engine-{number}" for number in range(2, len(taken) + 2))]
    return next(label for label in labels if label not in taken)

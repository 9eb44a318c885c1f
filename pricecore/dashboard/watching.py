"""What the page shows: engines of this process, views, and engines that are followed by their names."""

from collections.abc import Iterable
from typing import Any

from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.observe import Watched, dashboard_state

One = PriceEngine | EngineView | str

MAX_SOURCES = 64


class Seen:
    """One engine of those that the page can show.

    Parameters
    ----------
    source : PriceEngine, EngineView or str
        A name is followed.
    label : str
        What visitors read.

    Threads: one at a time. Cost: that of `dashboard_state`.
    """

    def __init__(self, source: One, label: str) -> None:
        self.label = label
        self._watched = Watched(source) if isinstance(source, str) else None
        self._source = None if isinstance(source, str) else source

    def state(self) -> dict[str, Any]:
        """Return what `dashboard_state` returns; raises nothing."""
        return self._watched.state() if self._watched is not None else dashboard_state(self.readable)

    @property
    def readable(self) -> Any:
        """The engine or view to read prices from; None while there is none."""
        return self._watched.view if self._watched is not None else self._source

    def reset_stats(self) -> None:
        """Zero the figures of an engine of this process.

        Raises
        ------
        TypeError
            It is another's.
        """
        if not isinstance(self._source, PriceEngine):
            raise TypeError(f"{self.label} is only watched: its own process may reset it")
        self._source.reset_stats()

    def close(self) -> None:
        """Let go what was attached here; engines and views that were handed in stay as they are."""
        if self._watched is not None:
            self._watched.close()


Source = One | Seen | Iterable[One | Seen]


def seen_of(source: Source) -> list[Seen]:
    """Return what is to be shown, each under a label of its own.

    Raises
    ------
    TypeError, ValueError
        There is none, too many, or something that is no source.
    """
    several = [source] if isinstance(source, PriceEngine | EngineView | str | Seen) else source
    if not isinstance(several, Iterable):
        raise TypeError(f"source must be a PriceEngine, an EngineView, a name, or several, not {source!r}")
    found: dict[str, Seen] = {}
    for one in several:
        if isinstance(one, Seen):
            found[one.label] = one
            continue
        if not isinstance(one, PriceEngine | EngineView | str):
            raise TypeError(f"a source must be a PriceEngine, an EngineView or a name, not {one!r}")
        label = _label(one, found)
        if label not in found:
            found[label] = Seen(one, label)
    if not 1 <= len(found) <= MAX_SOURCES:
        raise ValueError(f"{len(found)} engines to show; there must be 1 to {MAX_SOURCES}")
    return list(found.values())


def _label(one: One, taken: dict[str, Seen]) -> str:
    if isinstance(one, str):
        return one
    if one.name is not None:
        return str(one.name)
    numbers = (f"engine {number}" for number in range(1, MAX_SOURCES + 2))
    return next(label for label in ("engine", *numbers) if label not in taken)

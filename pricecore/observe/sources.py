"""Level 6: the engines that an exporter tells of, each with the name by which it is told apart."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from pricecore.delivery.filters import has_pattern
from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.observe.state import NOT_FOUND, dashboard_state
from pricecore.observe.watched import Watched
from pricecore.primitives.segment_names import check_name, segment_names

Source = PriceEngine | EngineView | Watched | str


class Sources:
    """One or several engines, views or names; names may be patterns, whose engines are looked for at each reading.

    Parameters
    ----------
    *sources : PriceEngine, EngineView, Watched or str
        A str is a name, or a pattern with ``*``, ``?`` or ``[...]`` for all engines of this machine that match. An
        engine without a name is called "engine", the next one "engine-2".

    Raises
    ------
    TypeError, ValueError
        Something else, none at all, a name that no engine can have, or the same one twice.

    Threads: one at a time. Cost: a pattern reads the folder of segments each time.
    """

    def __init__(self, *sources: Source) -> None:
        if not sources:
            raise ValueError("no engine is named: give engines, views, names, or a pattern such as 'md-*'")
        self._patterns: list[str] = []
        self._fixed: dict[str, PriceEngine | EngineView | Watched] = {}
        self._found: dict[str, Watched] = {}
        for source in sources:
            self._add(source)

    def _add(self, source: Source) -> None:
        if isinstance(source, str) and has_pattern(source):
            self._patterns.append(source)
            return
        followed = Watched(check_name(source)) if isinstance(source, str) else source
        if not isinstance(followed, PriceEngine | EngineView | Watched):
            raise TypeError(f"a source must be an engine, a view or a name, not {source!r}")
        worker = followed.name or self._unnamed()
        if worker in self._fixed:
            raise ValueError(f"{worker!r} is given twice")
        self._fixed[worker] = followed

    def _unnamed(self) -> str:
        names = ["engine", *(f"engine-{k}" for k in range(2, len(self._fixed) + 2))]
        return next(name for name in names if name not in self._fixed)

    def read(self) -> Iterator[tuple[str, PriceEngine | EngineView | None, dict[str, Any]]]:
        """Yield the worker's name, what its prices are read from (None: it is not there) and its state."""
        self._look()
        for worker, source in {**self._found, **self._fixed}.items():
            if isinstance(source, Watched):
                yield worker, source.view, source.state()
            else:
                yield worker, source, dashboard_state(source)

    def _look(self) -> None:
        """Find the engines that match a pattern by now; let those go whose segments were removed."""
        names = segment_names() if self._patterns else iter(())
        there = {name for name in names if any(fnmatchcase(name, pattern) for pattern in self._patterns)}
        for name in there - set(self._found) - set(self._fixed):
            self._found[name] = Watched(name)
        for name in set(self._found) - there:
            if self._found[name].state()["status"] == NOT_FOUND:
                self._found.pop(name).close()

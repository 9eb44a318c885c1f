"""Level 6: the engines that an exporter tells of, each with the name by which it is told apart."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from pricecore.delivery.filters import has_pattern
from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.observe.labelled import Labelled, Source, labelled
from pricecore.observe.state import NOT_FOUND
from pricecore.primitives.segment_names import segment_names


class Sources:
    """One or several engines, views or names; names may be patterns, whose engines are looked for at each reading.

    Parameters
    ----------
    *sources : PriceEngine, EngineView, Watched, Labelled or str
        A str is a name, or a pattern with ``*``, ``?`` or ``[...]`` for all engines of this machine that match. The
        others are told apart as `labelled` does it.

    Raises
    ------
    TypeError, ValueError
        Something else, none at all, a name that no engine can have, or the same engine twice, also under two labels:
        whoever sums up would count it twice.

    Threads: one at a time. Cost: a pattern reads the folder of segments each time.
    """

    def __init__(self, *sources: Source) -> None:
        if not sources:
            raise ValueError("no engine is named: give engines, views, names, or a pattern such as 'md-*'")
        self._patterns = [source for source in sources if isinstance(source, str) and has_pattern(source)]
        named = (source for source in sources if not isinstance(source, str) or not has_pattern(source))
        self._fixed = {one.label: one for one in labelled(named)}
        self._given = _identities(self._fixed.values())
        self._found: dict[str, Labelled] = {}

    def read(self) -> Iterator[tuple[str, PriceEngine | EngineView | None, dict[str, Any]]]:
        """Yield the worker's name, what its prices are read from (None: it is not there) and its state."""
        self._look()
        for worker, one in {**self._found, **self._fixed}.items():
            yield worker, one.readable, one.state()

    def _look(self) -> None:
        """Find the engines that match a pattern by now; let those go whose segments were removed."""
        names = segment_names() if self._patterns else iter(())
        there = {name for name in names if any(fnmatchcase(name, pattern) for pattern in self._patterns)}
        for name in there - set(self._found) - set(self._fixed) - self._given:
            self._found[name] = Labelled(name, name)
        for name in set(self._found) - there:
            if self._found[name].state()["status"] == NOT_FOUND:
                self._found.pop(name).close()


def _identities(given: Iterable[Labelled]) -> set[object]:
    """Return what tells these engines apart; ValueError when two are the same one."""
    labels: dict[object, str] = {}
    for one in given:
        other = labels.setdefault(one.identity, one.label)
        if other != one.label:
            raise ValueError(f"{other!r} and {one.label!r} are the same engine: give it once")
    return set(labels)

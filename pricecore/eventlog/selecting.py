"""Level 4: which records of a block are wanted."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.filters import symbol_filter
from pricecore.errors import LogCorruptError
from pricecore.eventlog.bounds import Bound, Moment, parse_bound

_KINDS = {"price": 0, "quote": 1, 0: 0, 1: 1}


class Selection(NamedTuple):
    """What `of` lets through."""

    kinds: tuple[int, ...]
    ids: NDArray[np.bool_] | None
    """Wanted or not, by symbol_id; None: all are."""
    start_ns: int | None
    stop_ns: int | None

    def of(self, records: NDArray[np.void]) -> NDArray[np.void]:
        """Return the records wanted: the same array when all are, else a read-only copy."""
        kind = records["kind"]
        wanted = kind <= 1 if len(self.kinds) > 1 else kind == self.kinds[0]
        if self.ids is not None:
            wanted &= self._of_symbols(records, wanted)
        if self.start_ns is not None:
            wanted &= records["received_ns"] >= self.start_ns
        if self.stop_ns is not None:
            wanted &= records["received_ns"] < self.stop_ns
        if wanted.all():
            return records
        found = records[wanted]
        found.setflags(write=False)
        return found

    def _of_symbols(self, records: NDArray[np.void], of_kind: NDArray[np.bool_]) -> NDArray[np.bool_]:
        assert self.ids is not None
        ids = np.where(of_kind, records["symbol_id"], 0)
        if not len(self.ids) or int(ids.max()) >= len(self.ids):
            if not of_kind.any():
                return of_kind
            first = int(records["sequence"][0])
            raise LogCorruptError("the log", first, f"a symbol_id of {int(ids.max())} behind sequence {first}")
        return self.ids[ids]


def selection(
    names: Sequence[str],
    symbols: str | Iterable[str] | None,
    kinds: str | int | Iterable[str | int] | None,
    start: Bound,
    stop: Bound,
) -> Selection:
    """Return what is wanted, from the parameters of `EventLog.updates`.

    Raises
    ------
    TypeError, ValueError
        One is out of its range.
    """
    wants = symbol_filter(symbols)
    ids = None if wants is None else np.fromiter((wants(name) for name in names), bool, len(names))
    bounds = (parse_bound(name, bound) for name, bound in (("start", start), ("stop", stop)))
    start_ns, stop_ns = (bound.ns if isinstance(bound, Moment) else None for bound in bounds)
    return Selection(_kinds(kinds), ids, start_ns, stop_ns)


def _kinds(kinds: str | int | Iterable[str | int] | None) -> tuple[int, ...]:
    if kinds is None:
        return 0, 1
    wanted = [kinds] if isinstance(kinds, str | int) else list(kinds)
    for kind in wanted:
        if kind not in _KINDS or isinstance(kind, bool):
            raise ValueError(f"kinds is {kinds!r}; each must be 'price' (0) or 'quote' (1)")
    if not wanted:
        raise ValueError("kinds is empty: nothing would ever come; None takes both")
    return tuple(sorted({_KINDS[kind] for kind in wanted}))

"""What a measurement is judged by, and how it is shown."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """One measurement beside its rival."""

    figure: str
    unit: str
    ours: float
    rival: str = ""
    theirs: float | None = None
    limit: float | None = None
    """Of ours over the rival's figure, or of ours where there is no rival; None: shown, not judged."""
    exact: bool = False
    """True: no other program on the machine can change it, so that the short form judges it too."""
    least: bool = False
    """True: the limit is the least that is right, not the most."""


class Skipped(Exception):  # noqa: N818
    """A figure cannot be measured here; the message says what is missing."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below this share of them all, 0 < share <= 1."""
    if not len(values):
        raise ValueError("nothing was measured")
    return float(np.quantile(values, share, method="inverted_cdf"))


def ratio(row: Row) -> float | None:
    """Return ours over the rival's figure; None when there is none to divide by."""
    return row.ours / row.theirs if row.theirs else None


def verdict(row: Row, quick: bool = False) -> str:
    """Return "ok", "over" or "under" the limit, or "" for what is not judged."""
    if row.limit is None or (quick and not row.exact):
        return ""
    judged = row.ours if row.theirs is None else ratio(row)
    if row.least:
        return "ok" if judged is not None and judged >= row.limit else "under"
    return "ok" if judged is not None and judged <= row.limit else "over"


def number(value: float | None) -> str:
    """Return a figure in four digits or so; counts as they are, nothing for none."""
    if value is None:
        return ""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def line(row: Row, quick: bool = False) -> str:
    """Return the row as a line of the table under `HEAD`."""
    ours = f"{number(row.ours)} {row.unit}"
    theirs = f"{number(row.theirs)} {row.unit}" if row.theirs is not None else ""
    cells = f"{row.figure:<46}{ours:>16}{theirs:>14}  {row.rival:<34}"
    limit = f"{'>= ' if row.least else ''}{number(row.limit)}"
    return f"{cells}{number(ratio(row)):>9}{limit:>8}  {verdict(row, quick)}".rstrip()


HEAD = f"{'figure':<46}{'ours':>16}{'rival':>14}  {'':<34}{'ratio':>9}{'limit':>8}"


def as_dicts(rows: Iterable[Row], quick: bool = False) -> list[dict[str, object]]:
    """Return the rows as JSON takes them, each with its ratio and verdict."""
    return [row._asdict() | {"ratio": ratio(row), "verdict": verdict(row, quick)} for row in rows]

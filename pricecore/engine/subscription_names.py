"""Level 5: the names under which the figures of subscriptions stand in the segment, and what a view makes of them."""

from collections.abc import Mapping

from pricecore.engine.figure_names import check_figure_name
from pricecore.metrics.subscriptions import SubscriptionGroup, Subscriptions

FIELDS = SubscriptionGroup._fields
"""In the order in which subscription_figures.pyx writes them."""
LEVELS = ("open", "lag_records", "lag_s")  # the rest are counts
MAX_NAMES = 8
_MAX_FIGURES = 256  # of a segment: FIGURE_COUNT


def check_subscription_name(name: str | None) -> str | None:
    """Return `name`; ValueError, TypeError when no subscription can be called so."""
    return None if name is None else check_figure_name(name, "subscription")


def figure_names(name: str) -> list[bytes]:
    """Return the names of the figures of the subscriptions of one name, "" for those without, in their order."""
    return [f"sub/{name}/{field}".encode() for field in FIELDS]


def has_place(figures: Mapping[str, float], name: str) -> bool:
    """Tell whether subscriptions of this name find, or may take, a place among these figures of a segment.

    Names of writers before keep theirs, so that ten caches always have one.
    """
    names = {figure.split("/")[1] for figure in figures if figure.startswith("sub/")}
    if name in names:
        return True
    room = len(figures) + len(FIELDS) <= _MAX_FIGURES
    return room and (not name or len(names - {""}) < MAX_NAMES)


def subscriptions_in(figures: Mapping[str, float], alive: bool) -> Subscriptions:
    """Return the subscriptions of which these figures of a segment tell; those of a writer that is gone are gone, too.

    Parameters
    ----------
    figures : mapping
        Finite, by name.
    alive : bool
        Whether the writer lives.
    """
    found: dict[str, dict[str, float]] = {}
    for figure, value in figures.items():
        kind, _, rest = figure.partition("/")
        name, _, field = rest.partition("/")
        if kind == "sub" and field in FIELDS:
            found.setdefault(name, dict.fromkeys(FIELDS, 0.0))[field] = 0.0 if field in LEVELS and not alive else value
    return Subscriptions.of({name: _group(values) for name, values in found.items() if any(values.values())})


def _group(values: Mapping[str, float]) -> SubscriptionGroup:
    whole = {field: max(0, int(values[field])) for field in FIELDS if field != "lag_s"}
    return SubscriptionGroup(**whole, lag_s=max(0.0, values["lag_s"]))

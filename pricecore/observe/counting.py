"""Level 6: "count from now" for an engine that is only watched: its counts since a moment, without a reset."""

from typing import Any

from pricecore.observe.state import WITH_FIGURES

_COUNTERS = ("messages_received", "messages_processed", "out_of_order", "errors")
_RESET_SLACK_S = 0.01  # a state's figures are read one after another


def count_from(state: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Return a state whose counts begin at another state of the same engine.

    Parameters
    ----------
    state, base : dict
        As `dashboard_state` returns them; `base` is the earlier one.

    Returns
    -------
    dict
        With counters, `errors_by_reason`, `error_rate`, `histogram`, `uptime_s` and `mean_throughput_per_s` since
        `base`, whose time is `counted_since_ns`. `latency` stays that of the engine's window, and all that is a level
        and not a count stays as it is. `state` itself, with `counted_since_ns` None, when it has no figures or does
        not continue `base`: another writer, or the counts went back (`reset_stats`).

    Threads: any. Cost: microseconds.
    """
    if state["status"] not in WITH_FIGURES or not continues(state, base):
        return state
    counts: dict[str, Any] = {name: state[name] - base[name] for name in _COUNTERS}
    uptime_s = max(0.0, state["uptime_s"] - base["uptime_s"])
    counts |= {
        "errors_by_reason": _difference(state["errors_by_reason"], base["errors_by_reason"]),
        "error_rate": counts["errors"] / counts["messages_received"] if counts["messages_received"] else 0.0,
        "histogram": _histogram(state["histogram"], base["histogram"]),
        "uptime_s": uptime_s,
        "mean_throughput_per_s": counts["messages_processed"] / uptime_s if uptime_s else 0.0,
        "counted_since_ns": base["time_ns"],
    }
    return state | counts


def continues(state: dict[str, Any], base: dict[str, Any]) -> bool:
    """Tell whether the counts of `state` go on from those of `base`: the same writer, and no reset between."""
    if base["status"] not in WITH_FIGURES or state["generation"] != base["generation"]:
        return False
    if any(state[name] < base[name] for name in _COUNTERS) or state["histogram"]["count"] < base["histogram"]["count"]:
        return False
    if not state["mean_throughput_per_s"]:
        return True
    counted_s = state["messages_processed"] / state["mean_throughput_per_s"]
    # A reset whose losses are made up for by now shows in the time that the counts cover.
    return counted_s > state["uptime_s"] - base["uptime_s"] - _RESET_SLACK_S


class Counted:
    """Counts from a moment on until the engine is reset or another one takes its place.

    Parameters
    ----------
    base : dict, optional
        The state to count from; None: everything is shown as the engine counts it.

    Threads: one at a time. Cost: microseconds.
    """

    def __init__(self, base: dict[str, Any] | None = None) -> None:
        self.base = base

    def of(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state counted from the base; drops a base that it does not continue.

        A state without figures (the engine is not there, or cannot be read) is returned as it is, and drops nothing.

        Threads: one at a time. Cost: microseconds.
        """
        if self.base is None or state["status"] not in WITH_FIGURES:
            return state
        if not continues(state, self.base):
            self.base = None
            return state
        return count_from(state, self.base)


def _difference(counts: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """Return what was added, by name; names to which nothing was added are left out, as `Metrics` does it."""
    added = {name: count - before.get(name, 0) for name, count in counts.items()}
    return {name: count for name, count in added.items() if count}


def _histogram(histogram: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": histogram["schema"],
        "count": histogram["count"] - before["count"],
        "sum_ns": (histogram["sum_ns"] - before["sum_ns"]) % 2**64,
        "zero_count": histogram["zero_count"] - before["zero_count"],
        "overflow_count": histogram["overflow_count"] - before["overflow_count"],
        "buckets": _difference(histogram["buckets"], before["buckets"]),
    }

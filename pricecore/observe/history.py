"""Level 6: `History`, the last points of the lines that page and terminal view draw."""

from collections import deque
from typing import Any

_LATENCIES = ("p50_us", "p95_us", "p99_us")
_LINES = (*_LATENCIES, "throughput_per_s")


class History:
    """The last states, as lines.

    Parameters
    ----------
    points : int
        The most that are kept, at least 1.

    Raises
    ------
    ValueError
        `points` is below 1.

    Threads: one at a time. Cost: microseconds; memory for `points` points.
    """

    def __init__(self, points: int = 50) -> None:
        if points < 1:
            raise ValueError(f"points is {points}; there must be at least 1")
        self._points: deque[tuple[float | None, ...]] = deque(maxlen=points)

    def add(self, state: dict[str, Any]) -> None:
        """Add a point; a gap (None in every line) when the engine is not live or has no samples.

        Threads: one at a time. Cost: microseconds.
        """
        latency, time_s = state["latency"], state["time_ns"] / 1e9
        if state["alive"] and latency["sample_count"]:
            values = (*(latency[name] for name in _LATENCIES), state["throughput_per_s"])
        else:
            values = (None,) * len(_LINES)
        self._points.append((time_s, *values))

    def clear(self) -> None:
        """Forget all points.

        Threads: one at a time. Cost: microseconds.
        """
        self._points.clear()

    def series(self) -> dict[str, list[float | None]]:
        """Return the lines by name: `time_s` (wall clock, seconds since the epoch), `p50_us`, `p95_us`, `p99_us`,
        `throughput_per_s`; equally long, the oldest point first.

        Threads: one at a time. Cost: allocates the lists.
        """
        columns = zip(*self._points, strict=True) if self._points else ((),) * (1 + len(_LINES))
        return {name: list(column) for name, column in zip(("time_s", *_LINES), columns, strict=True)}

    def __len__(self) -> int:
        return len(self._points)

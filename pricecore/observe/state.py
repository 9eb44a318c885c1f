"""Level 6: `dashboard_state`, everything that page, terminal view and exporters show of one engine."""

import errno
import math
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import EngineClosedError, PricecoreError, SegmentError
from pricecore.metrics.summary import Histogram, LatencyStats, Metrics, RingStats
from pricecore.perftest.report import TARGET_P95_US
from pricecore.primitives.pool_stats import PoolStats
from pricecore.primitives.segment_file import is_current

LIVE, WRITER_GONE, CLOSED = "live", "writer gone", "closed"
NOT_FOUND, UNREADABLE = "not found", "unreadable"
WITH_FIGURES = (LIVE, WRITER_GONE)
"""What a state's `status` may be; in these two the figures are an engine's, in the others all zero."""

_BUCKETS = 295
_COPY = "process {} writes this engine; these are its figures when this process, its child, was forked"


def dashboard_state(source: PriceEngine | EngineView) -> dict[str, Any]:
    """Return everything that is to be shown of an engine, as plain values that `json.dumps` takes.

    Parameters
    ----------
    source : PriceEngine or EngineView

    Returns
    -------
    dict
        The fields of `Metrics.as_dict` under their own names (`latency`, `messages_processed`, `ring`, ...; `log` is
        None without one), and

        - `name`: str, or None for an engine without one;
        - `status`: "live", "writer gone" (the figures are its last), "closed", "not found", "unreadable" (of another
          version, damaged, somebody else's); in the last three cases all figures are zero;
        - `message`: one sentence for people, empty when live;
        - `alive`: whether updates can come; `owned`: whether this process is the one that writes;
        - `generation`: how many writers the engine has had; `time_ns`: wall clock of the reading;
        - `target_p95_us`, `target_met`: whether p95 is below it, None without samples;
        - `counted_since_ns`: None; a wall clock when `count_from` made the counts.

    Raises
    ------
    TypeError
        `source` is neither. A source that is closed or cannot be read any more raises nothing: its status says so.

    Threads: any. Cost: that of `metrics`, and some system calls for a view; the writer does not notice.

    Examples
    --------
    >>> import pricecore
    >>> from pricecore.observe import dashboard_state
    >>> with pricecore.PriceEngine() as engine:
    ...     engine.update("BINANCE:BTCUSDT", 61737.63)
    ...     state = dashboard_state(engine)
    True
    >>> state["status"], state["messages_processed"], state["target_met"]
    ('live', 1, True)
    """
    if not isinstance(source, PriceEngine | EngineView):
        raise TypeError(f"source must be a PriceEngine or an EngineView, not {source!r}")
    try:
        return _state_of_view(source) if isinstance(source, EngineView) else _state_of_engine(source)
    except EngineClosedError:
        kind = "view" if isinstance(source, EngineView) else "engine"
        return blank_state(source.name, CLOSED, f"this {kind} was closed in this process")
    except SegmentError as error:
        return blank_state(source.name, *why_not(error))
    except PricecoreError as error:
        return blank_state(source.name, UNREADABLE, str(error))


def why_not(error: SegmentError) -> tuple[str, str]:
    """Return status and message for a segment that cannot be opened."""
    status = NOT_FOUND if error.errno == errno.ENOENT else UNREADABLE
    return status, str(error.strerror or error)


def blank_state(name: str | None, status: str, message: str) -> dict[str, Any]:
    """Return a state of which nothing is known but why."""
    return _assembled(_NOTHING, name=name, status=status, message=message)


def _state_of_engine(engine: PriceEngine) -> dict[str, Any]:
    metrics = engine.metrics()
    segment = engine.segment
    bound = engine.name is not None or engine.log is not None  # to the process that made it
    status, message = LIVE, ""
    if not engine._has_writer():
        status = WRITER_GONE
        message = _gone(segment.writer_pid) if engine.name else _COPY.format(segment.writer_pid)
    return _assembled(
        metrics,
        name=engine.name,
        status=status,
        message=message,
        generation=segment.generation,
        owned=not bound or segment.writer_pid == os.getpid(),
    )


def _state_of_view(view: EngineView) -> dict[str, Any]:
    generation, metrics = view.generation, view.metrics()
    alive, segment = view.alive, view.segment
    if segment is None:
        raise EngineClosedError("this view was closed in this moment")
    if alive:
        return _assembled(metrics, name=view.name, status=LIVE, message="", generation=generation)
    if segment.file is None or not is_current(segment.file):
        message = f"the segment of {view.name!r} was removed; it is looked for again"
        return blank_state(view.name, NOT_FOUND, message)
    message = _gone(segment.writer_pid)
    return _assembled(metrics, name=view.name, status=WRITER_GONE, message=message, generation=generation)


def _gone(writer_pid: int) -> str:
    return f"its writer, process {writer_pid}, is gone; these are its last figures"


def _assembled(
    metrics: Metrics, *, name: str | None, status: str, message: str, generation: int = 0, owned: bool = False
) -> dict[str, Any]:
    latency = metrics.latency
    head = {
        "name": name,
        "status": status,
        "message": message,
        "alive": status == LIVE,
        "generation": generation,
        "owned": owned,
        "time_ns": time.time_ns(),
        "counted_since_ns": None,
        "target_p95_us": TARGET_P95_US,
        "target_met": latency.p95_us < TARGET_P95_US if latency.sample_count else None,
    }
    return head | _finite(metrics.as_dict())


def _finite(value: Any) -> Any:
    """Return the value with None for every number that JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


_NOTHING = Metrics.build(
    latency=LatencyStats(),
    batch_us=0.0,
    throughput_per_s=0.0,
    messages_processed=0,
    out_of_order=0,
    error_counts=(),
    uptime_s=0.0,
    cpu_percent=0.0,
    symbols=0,
    pool=PoolStats(0, 0, 0, 0, 0, 0, 0.0),
    ring=RingStats(),
    histogram=Histogram(np.zeros(_BUCKETS, np.int64), 0),
)

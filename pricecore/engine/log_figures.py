"""Level 5: what a view can say of the writer's event log, from the figures in the segment."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pricecore.metrics.summary import LatencyStats

if TYPE_CHECKING:
    from pricecore.eventlog.log_metrics import LogMetrics

DURABILITIES = ("memory", "os", "disk")  # in the order of enum Durability
_FAILED = "the log has failed; engine.log.error in the writer's process says why"


def log_in(figures: Mapping[str, float], sequence: int) -> "LogMetrics | None":
    """Return the figures of the log of which these figures of a segment tell; None: its writer has none.

    Parameters
    ----------
    figures : mapping
        Finite, by name.
    sequence : int
        The last one published, read after the figures.

    Returns
    -------
    LogMetrics or None
        Without what only the writer's process knows: `path` is "", `commit` without samples, `compression` None,
        `live_file` and `snapshot_sequence` 0.

    Threads: any. Cost: microseconds; the first one imports the figures' class.
    """
    durability = int(figures.get("log_durability", 0.0))
    if not 1 <= durability <= len(DURABILITIES):
        return None
    from pricecore.eventlog.log_metrics import LogMetrics

    written = _count(figures, "written_sequence")
    return LogMetrics(
        path="",
        durability=DURABILITIES[durability - 1],
        written_sequence=written,
        durable_sequence=_count(figures, "durable_sequence"),
        synced_sequence=_count(figures, "synced_sequence"),
        backlog=max(sequence - written, 0),
        blocks=_count(figures, "blocks"),
        bytes_written=_count(figures, "bytes"),
        syncs=_count(figures, "syncs"),
        gap_records=_count(figures, "gap_records"),
        commit=LatencyStats(),
        live_file=0,
        snapshot_sequence=0,
        error=_FAILED if figures.get("log_failed") else None,
    )


def _count(figures: Mapping[str, float], name: str) -> int:
    return max(0, int(figures.get(f"log_{name}", 0.0)))

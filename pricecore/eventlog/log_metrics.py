"""Level 4: the figures of an engine's log, as `engine.log.stats()` and `engine.metrics().log` give them."""

from typing import Any, NamedTuple

from pricecore.eventlog.sealed_compressor import CompressionFigures
from pricecore.metrics.summary import LatencyStats, plain


class LogMetrics(NamedTuple):
    """How an engine's log is doing. A view of the engine (`attach`) knows neither path nor commit, compression,
    live file and snapshots: there they are "", without samples, None and 0.

    Attributes
    ----------
    path : str
    durability : str
        "memory", "os" or "disk".
    written_sequence, durable_sequence, synced_sequence : int
        The last record that the system has; that counts as durable; that is known to be on the disk.
    backlog : int
        Records published and not yet written.
    blocks, bytes_written, syncs : int
        Since the log was opened.
    gap_records : int
        Records that the log lacks, since it was opened.
    commit : LatencyStats
        Of the last 4,096 blocks: write, and sync with "disk".
    live_file, snapshot_sequence : int
        First sequence of the file being written; that of the last snapshot, 0: none.
    error : str or None
        What ended the log.
    compression : CompressionFigures or None
        Of sealed files since the log was opened; None without the option ``compress``.
    """

    path: str
    durability: str
    written_sequence: int
    durable_sequence: int
    synced_sequence: int
    backlog: int
    blocks: int
    bytes_written: int
    syncs: int
    gap_records: int
    commit: LatencyStats
    live_file: int
    snapshot_sequence: int
    error: str | None
    compression: CompressionFigures | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, ready for JSON.

        Threads: any. Cost: allocates; microseconds.
        """
        return {name: plain(value) for name, value in zip(self._fields, self, strict=True)}

"""Level 4: `EngineLog`, the open log of an engine: `engine.log`."""

import os
import threading
from pathlib import Path
from typing import Any

from pricecore.eventlog.awaiting import durable
from pricecore.eventlog.engine_log import LogCore
from pricecore.eventlog.keeper import Keeper
from pricecore.eventlog.log_metrics import LogMetrics
from pricecore.metrics.log import warn_throttled


class EngineLog(LogCore):
    """The event log that an engine writes: how far it is, marks of the source, waiting, snapshots.

    The engine makes it (``PriceEngine(log=path)``) and closes it. `EventLog.open` reads the same folder meanwhile.

    Threads: any.
    """

    path: Path

    def __init__(self, *_: Any) -> None:
        self._keeping = threading.Lock()
        self._warned = False
        self._keeper: Keeper | None = None
        self._snapshot_sequence = 0

    def _start(self, last_sequence: int) -> None:
        """Begin to write behind this sequence."""
        self._begin(last_sequence)
        self._keeper = Keeper(self)

    async def durable(self, sequence: int | None = None, timeout_s: float | None = None) -> bool:
        """Wait as `wait_durable` does, without blocking the event loop.

        Threads: that of a running loop. Cost: an eventfd for each loop while something waits in it; no thread.
        """
        return await durable(self, sequence, timeout_s)

    def stats(self) -> LogMetrics:
        """Return the log's figures.

        Threads: any. Cost: microseconds, sorts nothing; allocates.
        """
        counts = self._counts()
        written = self.written_sequence
        return LogMetrics(
            path=str(self.path),
            durability=self.options.durability,
            written_sequence=written,
            durable_sequence=self.durable_sequence,
            synced_sequence=self.synced_sequence,
            backlog=max(self._published() - written, 0),
            blocks=counts["blocks"],
            bytes_written=counts["bytes_written"],
            syncs=counts["syncs"],
            gap_records=counts["gap_records"],
            commit=self._commit_latency(),
            live_file=counts["live_file"],
            snapshot_sequence=self._snapshot_sequence,
            error=str(self.error) if self.error else None,
        )

    def _keep(self) -> None:
        """One turn of the keeper."""
        with self._keeping:
            self._seal_files()
            self._warn_of_failure()

    def _seal_files(self) -> None:
        """Sync and close what the writing thread has left behind."""
        while sealed := self._take_sealed():
            descriptor, _, _ = sealed
            try:
                os.fsync(descriptor)
            except OSError as error:  # what was acknowledged may be gone: no second try
                self._sealing_failed(error.errno)
            finally:
                os.close(descriptor)

    def _warn_of_failure(self) -> None:
        if not self._warned and (error := self.error) is not None:
            self._warned = True
            warn_throttled("log_failed", str(error))

    def _finish(self) -> None:
        """Behind the last record: end the keeper, seal what is left, let others write the log."""
        if self._keeper is not None:
            self._keeper.stop()
        self._keep()
        self._let_go()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"durable up to {self.durable_sequence:,}"
        return f"<EngineLog {str(self.path)!r}, {self.options.durability}: {state}>"

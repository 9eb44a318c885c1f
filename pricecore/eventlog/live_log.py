"""Level 4: `EngineLog`, the open log of an engine: `engine.log`."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pricecore.errors import EngineClosedError
from pricecore.eventlog.engine_log import LogCore
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.keeper import Keeper
from pricecore.eventlog.log_metrics import LogMetrics
from pricecore.eventlog.retention import Retention
from pricecore.eventlog.snapshots import take_snapshot, write_snapshot
from pricecore.eventlog.tending import Tending
from pricecore.metrics.log import warn_throttled

_LOOK_AGAIN_S = 0.0005
_RETAIN_EVERY_S = 1.0
_SNAPSHOT_AGAIN_S = 10.0  # behind one that failed: it would copy, sync and fail ten times a second


class EngineLog(LogCore):
    """The event log that an engine writes: how far it is, marks of the source, waiting, snapshots.

    The engine makes it (``PriceEngine(log=path)``) and closes it. `EventLog.open` reads the same folder meanwhile.

    Attributes
    ----------
    path : Path
        The folder.
    options : LogOptions
        As the engine was given them.

    Threads: any. `close` of the engine may come from a signal handler, in the midst of anything here: so the keeper
    never waits for a lock, since `close` waits for the keeper; and a lock that `close` takes may be its own thread's.
    Cost: a thread that drains the ring without the GIL, one that tends the files, and two descriptors.
    """

    path: Path

    def __init__(self, *_: Any) -> None:
        self._sealing = threading.RLock()  # files are synced in their order
        self._snapshotting = threading.RLock()
        self._in_snapshot = False  # of who has that lock
        self._finished = False
        self._not_before_s = 0.0  # the next snapshot of the keeper
        self._warned = False
        self._keeper: Keeper | None = None
        self._retention = Retention(self.path, self._log_id(), self.options)
        self._retained_s = 0.0
        self._tending = Tending(self.path, self.options.compress)
        self._snapshot_sequence = max(sequences_of(self.path, "snapshot"), default=0)
        self._snapshot_s = time.monotonic()

    def _start(self, last_sequence: int) -> None:
        """Begin to write behind this sequence."""
        self._begin(last_sequence)
        if self._counts()["gap_records"]:  # prices that the log will never know
            self.snapshot()
        self._keeper = Keeper(self)

    def snapshot(self) -> int:
        """Write all symbols and latest prices into a snapshot, from which a restart begins.

        Returns
        -------
        int
            The sequence up to which all records are in it.

        Raises
        ------
        LogReadOnlyError
            The log has failed. EngineClosedError: the engine was closed. WrongProcessError: in a forked child.
        OSError
            The snapshot could not be written; nothing of it is left.
        RuntimeError
            It was called by a signal handler while its own thread writes one.

        Threads: any; one at a time does it. Cost: copies 192 bytes a symbol, syncs log and snapshot; updates go on.
        """
        self._check_failed()  # in a child nobody gives the locks back
        with self._snapshotting, self._snapshot_turn() as is_ours:
            if not is_ours:
                raise RuntimeError("a signal handler cannot take a snapshot in the midst of another one")
            return self._take_snapshot()

    @contextmanager
    def _snapshot_turn(self) -> Iterator[bool]:
        """Yield whether no snapshot is being written further up in this thread; call with its lock.

        The last one out of a log that was closed meanwhile lets it go."""
        if self._in_snapshot:
            yield False
            return
        try:
            self._in_snapshot = True
            yield True
        finally:
            self._in_snapshot = False
            if self._finished:
                self._let_go()

    def _take_snapshot(self) -> int:
        self._check_failed()  # others may write this folder by now
        position, sequence = self._settled()
        segment, generation = self._segment()
        snapshot = take_snapshot(segment, sequence, generation, position)
        self._await_synced(snapshot.last_sequence)
        write_snapshot(self.path, snapshot, self._log_id())
        self._snapshot_sequence, self._snapshot_s = sequence, time.monotonic()
        return sequence

    def _await_synced(self, sequence: int) -> None:
        """Return when all up to this sequence is on the disk: no snapshot may outlive its log."""
        self._want_sync(sequence)
        while self.synced_sequence < sequence:
            self._check_failed()
            self._seal_files()  # they come first
            time.sleep(_LOOK_AGAIN_S)

    async def durable(self, sequence: int | None = None, timeout_s: float | None = None) -> bool:
        """Wait as `wait_durable` does, without blocking the event loop.

        Threads: that of a running loop. Cost: an eventfd for each loop while something waits in it; no thread.
        """
        from pricecore.eventlog.awaiting import durable  # asyncio is for those who use it

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
            compression=self._tending.compression(),
        )

    def _keep(self) -> None:
        """One turn of the keeper."""
        self._seal_files()
        self._warn_of_failure()
        if self.closed:
            return
        if self._snapshot_is_due():
            self._snapshot_unless_busy()
        self._tending.tend(self.synced_sequence)
        if time.monotonic() - self._retained_s >= _RETAIN_EVERY_S:
            self._retention.apply()
            self._retained_s = time.monotonic()

    def _snapshot_unless_busy(self) -> None:
        if not self._snapshotting.acquire(blocking=False):
            return
        try:
            self._not_before_s = time.monotonic() + _SNAPSHOT_AGAIN_S
            with self._snapshot_turn() as is_ours:
                if is_ours:
                    self._take_snapshot()
                    self._not_before_s = 0.0
        except EngineClosedError:
            return  # while it waited for the disk
        finally:
            self._snapshotting.release()

    def _snapshot_is_due(self) -> bool:
        options = self.options
        if time.monotonic() < self._not_before_s:
            return False
        records = self.written_sequence - self._snapshot_sequence
        if options.snapshot_records is not None and records >= options.snapshot_records:
            return True
        age_s = time.monotonic() - self._snapshot_s
        return options.snapshot_s is not None and records > 0 and age_s >= options.snapshot_s

    def _seal_files(self) -> None:
        """Sync and close what the writing thread has left behind, unless another thread is at it."""
        if self._sealing.acquire(blocking=False):
            try:
                while self._seal_next():
                    pass
            finally:
                self._sealing.release()

    def _warn_of_failure(self) -> None:
        if not self._warned and (error := self.error) is not None:
            self._warned = True
            warn_throttled("log_failed", str(error))

    def _finish(self) -> None:
        """Behind the last record: end the keeper, seal what is left, let others write the log."""
        self._tending.stop()
        if self._keeper is not None:
            self._keeper.stop()
        with self._sealing:
            self._seal_files()
            self._note_late_seals()
        self._warn_of_failure()
        with self._snapshotting:
            self._finished = True
            if not self._in_snapshot:  # else this is a signal handler in the midst of it
                self._let_go()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"durable up to {self.durable_sequence:,}"
        return f"<EngineLog {str(self.path)!r}, {self.options.durability}: {state}>"

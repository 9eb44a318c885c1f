"""Level 4: which files of a log may go: the oldest, and none that the two newest good snapshots need."""

import time
from itertools import pairwise
from pathlib import Path

from pricecore.errors import LogCorruptError
from pricecore.eventlog.files import sequences_of, sync_folder
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.options import LogOptions
from pricecore.eventlog.snapshots import read_snapshot
from pricecore.metrics.log import warn_throttled

_NEEDED_SNAPSHOTS = 2


class Retention:
    """Removes what the options do not want kept.

    Parameters
    ----------
    folder : Path
    log_id : bytes
        Of the log.
    options : LogOptions

    Threads: one at a time, that of the log's writer. Cost: reads the folder; each snapshot once in its life.
    """

    def __init__(self, folder: Path, log_id: bytes, options: LogOptions) -> None:
        self._folder = folder
        self._log_id = log_id
        self._options = options
        self._judged: dict[int, bool] = {}

    def apply(self) -> list[int]:
        """Remove files; return the first sequences of the log files that went."""
        options = self._options
        if options.keep_bytes is options.keep_s is options.keep_files is None:
            return []
        firsts = sequences_of(self._folder, "log")
        removed = []
        for sequence in self._surplus(firsts, self._needed_from()):
            self._path(sequence, "log").unlink(missing_ok=True)
            self._path(sequence, "index").unlink(missing_ok=True)
            sync_folder(self._folder)  # before the next one goes: a power cut must not leave a hole
            removed.append(sequence)
        if removed:
            self._drop_snapshots(before=firsts[len(removed)])
            sync_folder(self._folder)
        return removed

    def _path(self, sequence: int, kind: str) -> Path:
        return self._folder / file_name(sequence, kind)

    def _needed_from(self) -> int:
        """Return the first sequence that a restart may need; 0: all of them."""
        good = [sequence for sequence in sequences_of(self._folder, "snapshot") if self._is_good(sequence)]
        return good[-_NEEDED_SNAPSHOTS] + 1 if len(good) >= _NEEDED_SNAPSHOTS else 0

    def _is_good(self, sequence: int) -> bool:
        if sequence not in self._judged:
            try:
                read_snapshot(self._path(sequence, "snapshot"), self._log_id)
                self._judged[sequence] = True
            except (LogCorruptError, OSError) as error:
                warn_throttled(("snapshot", sequence), "retention does not count on a snapshot: %s", error)
                self._judged[sequence] = False
        return self._judged[sequence]

    def _surplus(self, firsts: list[int], needed_from: int) -> list[int]:
        """Return the files to remove, oldest first: never the live one."""
        sizes = {first: self._path(first, "log").stat() for first in firsts[:-1]}
        total_bytes, sealed = sum(found.st_size for found in sizes.values()), len(sizes)
        surplus = []
        for first, following in pairwise(firsts):
            if following > needed_from or not self._too_much(total_bytes, sealed, sizes[first].st_mtime):
                break
            surplus.append(first)
            total_bytes -= sizes[first].st_size
            sealed -= 1
        return surplus

    def _too_much(self, total_bytes: int, sealed: int, written_s: float) -> bool:
        options = self._options
        return (
            (options.keep_bytes is not None and total_bytes > options.keep_bytes)
            or (options.keep_files is not None and sealed > options.keep_files)
            or (options.keep_s is not None and time.time() - written_s > options.keep_s)
        )

    def _drop_snapshots(self, before: int) -> None:
        """Remove snapshots whose next record is gone: nothing can be built on them."""
        for sequence in sequences_of(self._folder, "snapshot"):
            if sequence + 1 < before:
                self._path(sequence, "snapshot").unlink(missing_ok=True)
                self._judged.pop(sequence, None)

"""Level 4: what is done to a file of a log once it is sealed: it gets its index, and is compressed when that is wanted."""

from itertools import pairwise
from pathlib import Path

from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.log_index import index_path, write_index


class Tending:
    """Tends to sealed files, oldest first, each once.

    Parameters
    ----------
    folder : Path
    compress : bool
        With zstd.

    Attributes
    ----------
    files, before_bytes, after_bytes : int
        What was compressed so far.

    Threads: one at a time, that of the log's writer. Cost: reads the folder; a file's headers, or all of it.
    """

    def __init__(self, folder: Path, compress: bool) -> None:
        self.files = self.before_bytes = self.after_bytes = 0
        self._folder = folder
        self._compress = compress
        self._tended = 0

    def tend(self, synced_sequence: int) -> bool:
        """Tend to the next file, of those that are on the disk; False: there is none."""
        firsts = sequences_of(self._folder, "log")
        for first, following in pairwise(firsts):  # never the live one
            if self._tended < first and following <= synced_sequence + 1:
                self._tended = first
                self._tend(self._folder / file_name(first, "log"))
                return True
        return False

    def _tend(self, path: Path) -> None:
        if self._compress:
            self._make_smaller(path)
        if not index_path(str(path)).exists():
            write_index(path)

    def _make_smaller(self, path: Path) -> None:
        from pricecore.eventlog.compressing import compress_file  # zstd is an extra

        done = compress_file(path)
        if done is not None:
            self.files += 1
            self.before_bytes += done.before_bytes
            self.after_bytes += done.after_bytes

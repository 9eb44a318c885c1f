"""Level 4: what is done to a file of a log once it is sealed: an index, and compression when that is wanted."""

from itertools import pairwise
from pathlib import Path

from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.log_index import index_path, write_index
from pricecore.eventlog.sealed_compressor import CompressionFigures, SealedCompressor


class Tending:
    """Tends to sealed files, oldest first, each once; compresses while there is nothing else to do.

    Parameters
    ----------
    folder : Path
    compress : bool
        With zstd.

    Threads: one at a time, that of the log's writer; `stop` and `compression` any.
    Cost: reads the folder; a file's headers, or all of it.
    """

    def __init__(self, folder: Path, compress: bool) -> None:
        self._folder = folder
        self._compressor = SealedCompressor(folder) if compress else None
        self._tended = 0

    def tend(self, synced_sequence: int) -> bool:
        """Tend to the next file, of those that are on the disk; False: there is none.

        Raises
        ------
        OSError, LogCorruptError
            Its index cannot be written; it does without.
        """
        firsts = sequences_of(self._folder, "log")
        for first, following in pairwise(firsts):  # never the live one
            if self._tended < first and following <= synced_sequence + 1:
                self._tended = first
                self._tend(self._folder / file_name(first, "log"))
                return True
        if self._compressor is not None:
            self._compressor.turn()
        return False

    def _tend(self, path: Path) -> None:
        if self._compressor is not None:
            self._compressor.file_sealed()
        if not index_path(str(path)).exists():
            write_index(path)

    def stop(self) -> None:
        """Let a turn that compresses end soon. Cost: none."""
        if self._compressor is not None:
            self._compressor.stop()

    def compression(self) -> CompressionFigures | None:
        """Return what was compressed so far; None: it is not wanted. Cost: none."""
        return self._compressor.figures() if self._compressor is not None else None

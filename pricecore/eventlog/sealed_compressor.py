"""Level 4: what compresses the sealed files of a log that is being written, one at a time, in the keeper's turns."""

from math import nan
from pathlib import Path
from typing import NamedTuple

from pricecore.errors import LogReadOnlyError, PricecoreError
from pricecore.eventlog.compressing import compress_file, files_to_compress
from pricecore.metrics.log import warn_throttled


class CompressionFigures(NamedTuple):
    """What a log's writer has compressed since the log was opened.

    Attributes
    ----------
    files : int
    in_bytes, out_bytes : int
        Of these files before and after.
    ratio : float
        `in_bytes` over `out_bytes`; NaN before the first.
    time_s : float
        That it took, reading and syncing included.
    errors : int
        Files that could not be compressed and were left as they were.
    """

    files: int
    in_bytes: int
    out_bytes: int
    ratio: float
    time_s: float
    errors: int


class _Stopped(Exception):  # noqa: N818 - leaves a file half done, on purpose
    """The log is being closed."""


class SealedCompressor:
    """Compresses sealed files, those of an earlier writer as well.

    A file that fails is left as it is, with a warning, and not tried again; another program that compresses the log is
    waited for.

    Parameters
    ----------
    folder : Path

    Threads: `turn` one at a time; `stop`, `file_sealed` and `figures` any.
    Cost: nothing once all is compressed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failed: set[str] = set()
        self._stopped = False
        self._sealed = self._seen = 0  # what is sealed while a turn looks is seen by the next one
        self._looked = False
        self._figures = CompressionFigures(0, 0, 0, nan, 0.0, 0)

    def file_sealed(self) -> None:
        """Tell that there is another file. Threads: that of the keeper. Cost: none."""
        self._sealed += 1

    def turn(self) -> None:
        """Compress the oldest file that is not, if there is one.

        Raises
        ------
        OSError
            The folder cannot be read.

        Threads: one at a time. Cost: a second for some million records, mostly without the GIL.
        """
        if self._stopped or (self._looked and self._seen == self._sealed):
            return
        seen = self._sealed
        path = next((path for path in files_to_compress(self._folder) if path.name not in self._failed), None)
        if path is None:
            self._looked, self._seen = True, seen
            return
        try:
            self._compress(path)
        except _Stopped:
            return
        except LogReadOnlyError:  # another program does it
            return
        except (OSError, PricecoreError) as error:
            self._failed.add(path.name)
            self._figures = self._figures._replace(errors=self._figures.errors + 1)
            warn_throttled(("log_compress", str(path)), f"a sealed file of the log stays uncompressed: {error}")

    def _compress(self, path: Path) -> None:
        done = compress_file(path, on_progress=self._check)
        if done is None:
            return
        before = self._figures
        in_bytes, out_bytes = before.in_bytes + done.before_bytes, before.out_bytes + done.after_bytes
        self._figures = CompressionFigures(
            before.files + 1, in_bytes, out_bytes, in_bytes / out_bytes, before.time_s + done.time_s, before.errors
        )

    def _check(self, done_bytes: int, total_bytes: int) -> None:
        if self._stopped:
            raise _Stopped

    def stop(self) -> None:
        """Let a turn that is at work end soon; its file stays as it was. Threads: any. Cost: none."""
        self._stopped = True

    def figures(self) -> CompressionFigures:
        """Return what was done so far. Threads: any. Cost: none."""
        return self._figures

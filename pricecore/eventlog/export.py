"""Level 4: updates of a log written to a file of another format, in flat memory."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

from pricecore.eventlog.export_arrow import ArrowWriter, ParquetWriter
from pricecore.eventlog.export_columns import Chunk, chunks
from pricecore.eventlog.export_text import CsvWriter, JsonLinesWriter
from pricecore.primitives.new_file import create_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Writer(Protocol):
    """What every format has: made with the open file and the names of the symbols."""

    def write(self, chunk: Chunk) -> None: ...
    def close(self) -> None: ...


FORMATS: dict[str, Callable[[IO[bytes], Sequence[str]], Writer]] = {
    "csv": CsvWriter,
    "ndjson": JsonLinesWriter,
    "parquet": ParquetWriter,
    "arrow": ArrowWriter,
}


class Exported(NamedTuple):
    """What an export wrote."""

    rows: int
    first_sequence: int
    """0 without rows."""
    last_sequence: int
    size_bytes: int


def export(
    updates: "Iterable[NDArray[np.void]]",
    names: Sequence[str],
    out: str | os.PathLike[str] | IO[bytes],
    to: str,
    on_progress: Callable[[int, int], object] | None = None,
) -> Exported:
    """Write updates to a file.

    Parameters
    ----------
    updates : iterable of numpy.ndarray
        Of RECORD_DTYPE, PRICE and QUOTE records, as `EventLog.updates` yields them.
    names : sequence of str
        The symbol of each id.
    out : path or binary file
        A path appears, or is replaced, when all is written; a file is written to and stays open.
    to : {"csv", "ndjson", "parquet", "arrow"}
        The last two need pyarrow.
    on_progress : callable, optional
        Called with the rows so far and the last sequence, every 65,536 rows.

    Returns
    -------
    Exported

    Raises
    ------
    ValueError
        No such format.
    MissingExtraError
        pyarrow is not installed: ``pip install "pricecore[export]"``.
    OSError
        It cannot be written; the path is as it was.

    Threads: any. Cost: memory for 65,536 rows and a part of the log, whatever its length; a million rows take three
    seconds as text, half a second as parquet.
    """
    if to not in FORMATS:
        raise ValueError(f"no format {to!r}; there are {', '.join(FORMATS)}")
    with _opened(out) as file:
        counting = _Counting(file)
        writer = FORMATS[to](counting, names)  # type: ignore[arg-type]
        try:
            rows, first, last = _write_all(writer, updates, on_progress)
        except BaseException:
            counting.drop()
            writer.close()
            raise
        writer.close()
        file.flush()
    return Exported(rows, first, last, counting.size_bytes)


def _write_all(
    writer: Writer, updates: "Iterable[NDArray[np.void]]", on_progress: Callable[[int, int], object] | None
) -> tuple[int, int, int]:
    """Return the rows and the first and last sequence."""
    rows = first = last = 0
    for chunk in chunks(updates):
        writer.write(chunk)
        rows += len(chunk.sequence)
        first = first or int(chunk.sequence[0])
        last = int(chunk.sequence[-1])
        if on_progress is not None:
            on_progress(rows, last)
    return rows, first, last


class _Counting:
    """Counts what goes into a file, which may be a pipe; as much of a file as pyarrow asks for."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._dropped = False
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        done = len(data) if self._dropped else self._file.write(data)
        self.size_bytes += done
        return done

    def drop(self) -> None:
        """Write no more: what would make a broken export look whole, as a footer does, must not follow."""
        self._dropped = True

    def tell(self) -> int:
        return self.size_bytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """It belongs to the caller."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


@contextmanager
def _opened(out: str | os.PathLike[str] | IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the file to write; a path gets its content in one step, at the end."""
    if not isinstance(out, str | os.PathLike):
        yield out
        return
    path = Path(out)
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device has no draft
        with path.open("wb") as file:
            yield file
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with create_file(draft, 0o666) as file:
            yield file
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise

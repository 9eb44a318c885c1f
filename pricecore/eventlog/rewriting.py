"""Level 4: a sealed file of a log takes another's place, so that no crash at any point loses it."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pricecore.errors import LogReadOnlyError
from pricecore.eventlog.files import sync_folder
from pricecore.eventlog.lock import LogLock
from pricecore.primitives.exchange import exchange_files


@contextmanager
def rewriting(folder: Path) -> Iterator[None]:
    """Be the only one who rewrites sealed files of this log, also beside its writer.

    The lock is one of the folder itself (`flock`), not that of the log's writer: a service that starts meanwhile must
    find the log free.

    Raises
    ------
    LogReadOnlyError
        Another process or thread does it (EBUSY). OSError: the folder cannot be opened or locked.

    Threads: any. Cost: a descriptor.
    """
    lock = LogLock(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    try:
        try:
            fcntl.flock(lock.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = "another process, or a thread of this one, compresses or repairs this log: try again when it is done"
            raise LogReadOnlyError(errno.EBUSY, text, str(folder)) from None
        yield
    finally:
        lock.close()


def draft_of(path: Path) -> Path:
    """Return the name of a log file's draft, which the next writer removes when it is left over."""
    return path.with_name(f"{path.name}.tmp")


class Draft:
    """The file that will take another one's place: made beside it, removed unless it does.

    Parameters
    ----------
    path : Path
        Of the file to replace; its draft is `draft_of(path)`. One that is there is of a writer that was
        interrupted, and removed: whoever makes a draft has `rewriting`.

    Threads: one at a time. Cost: a descriptor.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = draft_of(path)
        facts = path.stat()
        self._times_ns = facts.st_atime_ns, facts.st_mtime_ns
        self.name.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.file = os.fdopen(os.open(self.name, flags, 0o600), "r+b", buffering=0)
        try:
            if os.getuid() == 0:  # else the service that owns the log could not read it any more
                os.fchown(self.file.fileno(), facts.st_uid, facts.st_gid)
            os.fchmod(self.file.fileno(), facts.st_mode & 0o777)
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """Append all of it; OSError when that is not possible."""
        view = memoryview(data)
        while view:
            view = view[self.file.write(view) :]

    def sync(self) -> None:
        """Put it on the disk; what is read from it next comes from there, where the system can be told so."""
        os.fsync(self.file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def take_place(self) -> bool:
        """Become the file, with its time of writing, by which retention goes; False when it was removed meanwhile."""
        os.utime(self.file.fileno(), ns=self._times_ns)
        try:
            if not exchange_files(self.name, self.path):
                self._rename()
        except FileNotFoundError:  # removed by retention; or a writer that started took the draft for a left-over one
            return False
        sync_folder(self.path.parent)
        return True

    def _rename(self) -> None:
        """Where names cannot be exchanged: a file that is removed just now would come back."""
        self.path.stat()
        self.name.replace(self.path)

    def close(self) -> None:
        """Remove what is left under the draft's name."""
        self.file.close()
        with contextlib.suppress(FileNotFoundError):
            self.name.unlink()

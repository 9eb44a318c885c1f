"""A disk of the log's own that can be filled and freed: a small tmpfs where root may mount one, else a limit."""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pricecore.eventlog.layout import LOCK_NAME

MIB = 1 << 20
_BALLAST = "ballast"


class Disk:
    """Where the log lies.

    Parameters
    ----------
    folder : Path
        Made here; mounted over when this process may do that.
    size_mib : float
        Of the tmpfs.
    limit_files : callable
        Sets the largest size of files of the process that writes, in bytes, or None: the way without a mount.

    Threads: one.
    """

    def __init__(self, folder: Path, size_mib: float, limit_files: Callable[[int | None], object]) -> None:
        self.folder = folder
        self.why_not = ""
        self._limit_files = limit_files
        folder.mkdir(parents=True)
        self.why_not = _mount(folder, size_mib)

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return f"limit of file sizes, for no tmpfs can be mounted: {self.why_not}" if self.why_not else "tmpfs"

    def fill(self) -> None:
        """Leave no room; again and again, for what retention removes makes room."""
        if self.why_not:
            self._limit_files(1)
            return
        with (self.folder / _BALLAST).open("ab") as ballast:
            while (free := _free_bytes(self.folder)) > 0:
                with suppress(OSError):  # somebody else took it
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, free)

    def free(self) -> None:
        """Give all room back."""
        if self.why_not:
            self._limit_files(None)
        else:
            (self.folder / _BALLAST).unlink(missing_ok=True)

    def used_mib(self) -> float:
        """Return what the files of the log take, without the ballast."""
        total = 0
        for entry in os.scandir(self.folder / "log"):
            with suppress(FileNotFoundError):  # removed meanwhile
                total += entry.stat().st_blocks * 512
        return total / MIB

    def strays(self) -> int:
        """Return how many files there are that belong to no file of the log: drafts, and what retention forgot."""
        names = {path.name for path in (self.folder / "log").iterdir()}
        logs = {name.removesuffix(".log") for name in names if name.endswith(".log")}
        oldest = min(logs, default="")
        return sum(1 for name in names if _is_stray(name, logs, oldest))

    def close(self) -> None:
        """Let go of everything, the log as well."""
        if not self.why_not:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _mount(folder: Path, size_mib: float) -> str:
    """Mount a tmpfs; return why that cannot be done, "" when it was."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "not root, or no mount"
    options = f"size={int(size_mib * 1024)}k"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "soak", str(folder)], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


def _is_stray(name: str, logs: set[str], oldest: str) -> bool:
    stem, _, kind = name.partition(".")
    if kind == "snapshot":  # as long as it and a record behind it are there
        return int(stem) + 1 < int(oldest or "0")
    return kind != "log" and name != LOCK_NAME and not (kind == "index" and stem in logs)


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize

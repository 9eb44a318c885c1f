"""What a process uses, from /proc."""

import contextlib
import os
from pathlib import Path

_KIB_A_MIB = 1024.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FIGURES = ("rss_mib", "pss_mib", "anon_mib", "fds", "threads", "cpu_s")


def used(pid: int) -> dict[str, float]:
    """Return resident and proportional memory, of that the part that is no file's (the heap), descriptors, threads and
    CPU time of a process; nothing when it is gone.

    The heap is what a leak shows in: resident memory also counts pages of segment and log that were only touched.
    """
    folder = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError, ValueError, KeyError):
        memory = _table(folder / "smaps_rollup")
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        return {
            "rss_mib": memory["Rss"] / _KIB_A_MIB,
            "pss_mib": memory["Pss"] / _KIB_A_MIB,
            "anon_mib": memory["Anonymous"] / _KIB_A_MIB,
            "fds": float(_entries(folder / "fd")),
            "threads": float(_entries(folder / "task")),
            "cpu_s": (int(times[11]) + int(times[12])) / _TICKS_PER_S,
        }
    return {}


def _entries(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _table(path: Path) -> dict[str, int]:
    rows = (line.split() for line in path.read_text().splitlines()[1:])
    return {row[0].rstrip(":"): int(row[1]) for row in rows}

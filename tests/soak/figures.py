"""What is judged for growth, and how much of it is allowed; what the report shows."""

from typing import NamedTuple

from soak.slope import Bound, Judged, judge

WARM_UP_S = 900.0
"""Each life of an engine has new threads, and each takes an arena of the C library until it has all that it may have:
measured, the heap of the service grows by a sixth over twelve minutes, and no further."""

HEAP = Bound(floor=6.0, per_hour=0.25, warm_up_s=WARM_UP_S)
"""MiB. It goes up and down with the faults by 4 on each side; a day's second half may add 3 to the floor."""
COUNT = Bound(floor=1.5)
"""Descriptors and threads: one may come with what is used for the first time late; a leak adds one a fault."""


FILES_KEPT = 12
"""A file of the log is rotated at this part of what is kept."""


class Figure(NamedTuple):
    """A column of the samples."""

    column: str
    unit: str
    bound: Bound


JUDGED = (
    *(Figure(f"{who}.anon_mib", "MiB", HEAP) for who in ("service", "auditor", "reader", "watcher")),
    Figure("dashboard.anon_mib", "MiB", Bound(8.0, 0.5, WARM_UP_S)),
    *(
        Figure(f"{who}.{what}", what, COUNT)
        for who in ("service", "auditor", "reader", "watcher", "dashboard")
        for what in ("fds", "threads")
    ),
    Figure("service.log_backlog", "records", Bound(5_000.0)),
    Figure("service.pool_outstanding", "buffers", Bound(1.0)),
    Figure("auditor.behind", "records", Bound(50_000.0)),
    Figure("disk.strays", "files", Bound(1.5)),
    # Times: wide, for what else the machine does is in them. An engine that becomes slower by the hour shows.
    Figure("service.p99_us", "us", Bound(200.0)),
    Figure("service.thread_p99_us", "us", Bound(50_000.0)),
    Figure("service.asyncio_p99_us", "us", Bound(50_000.0)),
    Figure("reader.p99_us", "us", Bound(50_000.0)),
)


def disk_ceiling_mib(keep_mib: float) -> float:
    """Return what a log that is trimmed may take: what it keeps, the file being written, one that is compressed at the
    moment (old and new), and a file that retention, once a second, has not reached; beside them snapshots and indexes.

    Its size is not judged by a slope: it grows, as it should, until the first file goes.
    """
    return keep_mib * (1 + 4 / FILES_KEPT) + 4.0


def judged(samples: dict[str, list[float]]) -> list[Judged]:
    """Judge every figure that there is."""
    return [
        judge(figure.column, figure.unit, samples["t_s"], samples[figure.column], figure.bound)
        for figure in JUDGED
        if figure.column in samples
    ]

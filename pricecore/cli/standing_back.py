"""Level 8: a process that only looks lets those that it looks at go first."""

import os
from contextlib import suppress


def stand_back() -> None:
    """Have this process wait for a free core rather than take one from a writer, where the system knows of that.

    SCHED_BATCH: a thread that wakes does not interrupt whoever runs. Threads made from now on are like this one.
    """
    with suppress(AttributeError, OSError):  # not Linux; or a sandbox forbids it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

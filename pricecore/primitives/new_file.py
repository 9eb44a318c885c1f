"""Level 1: files that are made anew, in folders where somebody may have put a link or a pipe under their name."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_OWNER_ALONE = 0o600


def create_file(path: Path, permissions: int = _OWNER_ALONE) -> BinaryIO:
    """Make a file and open it for writing; what stands under its name is removed, never followed or written.

    Parameters
    ----------
    path : Path
    permissions : int
        Of which the process's umask takes away.

    Raises
    ------
    OSError
        It cannot be made; FileExistsError when another process puts something there in between.

    Threads: any. Cost: two system calls.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, permissions))

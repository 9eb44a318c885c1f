"""Processes that see nothing of each other, as in two containers: own process ids, own mounts, one folder in common."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NAMESPACES = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
AS_ANY_USER = ["--user", "--map-root-user"]

# The common folder gets another name in each; what else they might share lies hidden.
_SETUP = """
mount --bind "$COMMON" "$PRICECORE_SHM_DIR" && mount -o remount,bind,$ACCESS "$PRICECORE_SHM_DIR" &&
mount -t tmpfs none /dev/shm && exec "$@"
"""
_TALK = """
import os, sys
import pricecore
for line in sys.stdin:
    try:
        answer = eval(line)
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(answer, flush=True)
"""


@cache
def why_not(*options: str) -> str:
    """Return why no such namespaces can be made here; empty when they can."""
    if shutil.which("unshare") is None:
        return "no unshare"
    tried = ["unshare", *NAMESPACES, *options, "mount", "-t", "tmpfs", "none", "/dev/shm"]
    done = subprocess.run(tried, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


class Container:
    """A Python that answers expressions; what an expression raised is its answer, as text."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def ask(self, expression: str) -> str:
        self.tell(expression)
        return self.answer()

    def tell(self, expression: str) -> None:
        self._process.stdin.write(expression + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        line = self._process.stdout.readline()
        assert line, "the container ended"
        return line.rstrip("\n")

    def kill(self) -> None:
        """As `kill -9` of everything in it."""
        self._process.kill()  # --kill-child: and then the first process inside, which ends all
        self._process.wait()
        assert self._process.stdout.read() == ""  # open until the last of them is gone


@contextmanager
def container(common: Path, own: Path, *options: str, access: str = "rw") -> Iterator[Container]:
    """Start one that has the folder `common` under the name `own`."""
    own.mkdir()
    command = ["unshare", *NAMESPACES, *options, "sh", "-c", _SETUP, "sh", sys.executable, "-W", "error", "-c", _TALK]
    environment = os.environ | {"COMMON": str(common), "ACCESS": access, "PRICECORE_SHM_DIR": str(own)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        try:
            yield Container(process)
        finally:
            process.kill()

"""Processes as a user starts them from a shell, with what they print in a file, and none of them left at the end."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.waiting import PATIENCE_S, until


class Running:
    """A process and what it printed so far."""

    def __init__(self, process: subprocess.Popen, printed: Path) -> None:
        self.process = process
        self.printed = printed

    @property
    def text(self) -> str:
        return self.printed.read_text()

    def until(self, condition) -> None:
        """Return once something is so, while this process runs."""
        until(lambda: condition() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text

    def until_said(self, words: str) -> None:
        self.until(lambda: words in self.text)

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """As `kill`, or a container that is stopped; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def started(*command: object, folder: Path, printed: Path, **environment: str) -> Iterator[Running]:
    """Start a command in `folder`; at the end it and all its children are killed."""
    # A user starts it with its folder on the path, from which the recipes import each other.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(process, printed)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

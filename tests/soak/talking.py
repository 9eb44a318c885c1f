"""The processes of a soak and what they say to each other: a line of JSON is asked, a line of JSON is answered."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
PATIENCE_S = 120.0


class ChildError(RuntimeError):
    """A process does not answer, or answers that it could not."""


def answer(commands: Mapping[str, Callable[..., Any]]) -> None:
    """In a child: answer until whoever started it is gone, which ends standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started it
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answered = {"answer": commands[request.pop("command")](**request)}
        except Exception as error:
            answered = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answered), flush=True)


class Child:
    """One process `python -m soak.ROLE`, started with settings as JSON; its errors go to ROLE.log.

    Threads: any; a question waits for the answer to the one before it.
    """

    def __init__(self, role: str, settings: Mapping[str, Any], folder: Path) -> None:
        self.role = role
        self.starts = 0
        self.expected = False  # to run
        self._settings = json.dumps(settings)
        self._folder = folder
        self._lock = threading.Lock()
        self.start()

    def start(self) -> None:
        """Start it, again when it was killed."""
        self.starts += 1
        self.expected = True
        paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
        with (self._folder / f"{self.role}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", f"soak.{self.role}", self._settings],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONSAFEPATH": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def ask(self, command: str, **arguments: Any) -> Any:
        """Return its answer.

        Raises
        ------
        ChildError
            It has ended, does not answer within two minutes, or says that it could not.
        """
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(arguments | {"command": command}).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError):  # its pipes are closed
                raise ChildError(self._gone()) from None
            answered = json.loads(self._line(command))
        if "error" in answered:
            raise ChildError(f"{self.role} could not {command}: {answered['error']}")
        return answered["answer"]

    def _line(self, command: str) -> bytes:
        descriptor = self._process.stdout.fileno()
        line, until_s = b"", time.monotonic() + PATIENCE_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, until_s - time.monotonic()))
            if not ready:
                raise ChildError(f"{self.role} does not answer {command!r} within {PATIENCE_S:.0f} s")
            part = os.read(descriptor, 1 << 16)
            if not part:
                raise ChildError(self._gone())
            line += part
        return line

    def _gone(self) -> str:
        return f"{self.role} has ended with code {self._process.wait(PATIENCE_S)}; see {self._folder}/{self.role}.log"

    def kill(self) -> None:
        """As `kill -9`."""
        self.expected = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with self._lock:  # whoever waits for an answer has been told that it is gone
            self._process.stdin.close()
            self._process.stdout.close()

"""`pricecore dashboard NAME` as a process of its own, with a visitor now and then."""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

PATIENCE_S = 60.0


class Dashboard:
    """The page of an engine; without the extra there is none, and `why_not` says so."""

    def __init__(self, name: str, folder: Path) -> None:
        self.why_not = "" if importlib.util.find_spec("nicegui") else "the extra dashboard is not installed"
        self._process: subprocess.Popen | None = None
        if self.why_not:
            return
        with (folder / "dashboard.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pricecore", "dashboard", name, "--port", "0"],
                env=os.environ | {"PYTHONSAFEPATH": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        line = self._process.stdout.readline().decode()
        found = re.search(r"http://\S+", line)
        if found is None:
            raise RuntimeError(f"the dashboard does not start; see {folder}/dashboard.log")
        self._address = found[0]

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def visit(self) -> None:
        """Have the page sent, as a visitor does that goes away at once.

        Raises
        ------
        OSError
            It does not answer.
        """
        if self._process is not None:
            with urllib.request.urlopen(self._address, timeout=PATIENCE_S) as answer:
                answer.read()

    def close(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process.stdout.close()

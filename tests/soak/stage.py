"""All processes of a soak, started, asked and ended."""

import importlib.util
import math
import os
import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from soak.audit import Audit
from soak.captures import Line, lines
from soak.dashboard import Dashboard
from soak.disk import Disk
from soak.options import Options
from soak.processes import used
from soak.talking import Child, ChildError

from pricecore import attach

NAME = "soak"
MEMORY = Path("/dev/shm")


class Stage:
    """A service with its engine, a reader, an auditor of the log, a dashboard, and a view of this process's own.

    Threads: those of samples and of faults. Everything that is published or read passes through `audit`.
    """

    def __init__(self, options: Options) -> None:
        self.played, played = lines(options.data)
        self.problems: list[str] = []
        self.audit = Audit()
        self._lock = threading.Lock()
        self._opened = ExitStack()
        with ExitStack() as on_error:
            on_error.callback(self.close)
            self._open(options, played)
            on_error.pop_all()

    def _open(self, options: Options, played: list[Line]) -> None:
        opened = self._opened
        # Names of segments in a folder of this run alone: it disturbs nobody, and nobody disturbs it.
        segments = tempfile.mkdtemp(prefix="pricecore-soak-", dir=MEMORY if MEMORY.is_dir() else None)
        opened.callback(shutil.rmtree, segments, ignore_errors=True)
        os.environ["PRICECORE_SHM_DIR"] = segments
        self.disk = Disk(options.out / "disk", options.keep_mib * 3, self._limit_files)
        opened.callback(self.disk.close)
        compress = any(importlib.util.find_spec(name) for name in ("backports", "compression.zstd"))
        self.log = (self.disk.folder / "log").resolve()
        settings = {
            "name": NAME,
            "log": str(self.log),
            "lines": played,
            "rate_per_s": options.rate_per_s,
            "keep_mib": options.keep_mib,
            "compress": compress,
        }
        self.settings = settings
        self.service = self._child("service", options.out)
        self.service_sample()
        self.reader = self._child("reader", options.out)
        self.auditor = self._child("auditor", options.out)
        self.dashboard = Dashboard(NAME, options.out)
        opened.callback(self.dashboard.close)
        self.view = opened.enter_context(attach(NAME))

    def _child(self, role: str, folder: Path) -> Child:
        child = Child(role, self.settings, folder)
        self._opened.callback(child.kill)
        return child

    def _limit_files(self, size_bytes: int | None) -> None:
        self.service.ask("limit_files", size_bytes=size_bytes)

    def service_sample(self) -> dict[str, Any]:
        """Ask the service for its figures; what it acknowledged and published goes into the audit."""
        with self._lock:
            found = self.service.ask("sample")
            self.audit.acknowledged(found["first_sequence"], found["durable"])
            self.audit.published(found.pop("chunks"))
            self._note("service", found["problems"] + [f"the ledger missed {hole}" for hole in found["ledger_holes"]])
            return found

    def auditor_sample(self) -> dict[str, Any]:
        """Ask the auditor likewise."""
        with self._lock:
            found = self.auditor.ask("sample")
            self.audit.logged(found.pop("chunks"), found["gaps"])
            self._note("auditor", found["problems"])
            return found

    def _reader_sample(self) -> dict[str, float]:
        starts = self.reader.starts
        try:
            found = self.reader.ask("sample")
        except ChildError as error:
            if self.reader.starts == starts and self.reader.expected:
                self._note("reader", [str(error)])
            return {}
        self._note("reader", found["problems"])
        return found["figures"]

    def _note(self, who: str, problems: list[str]) -> None:
        for problem in problems:
            text = f"{who}: {problem}"
            if text not in self.problems:
                self.problems.append(text)

    def sequence(self) -> int:
        return self.service_sample()["sequence"]

    def log_error(self) -> str | None:
        return self.service_sample()["log_error"]

    def lost(self, subscriber: str) -> int:
        return self.service_sample()["figures"][f"{subscriber}_lost"]

    def received(self, subscriber: str) -> int:
        return self.service_sample()["figures"][f"{subscriber}_received"]

    def reopen(self) -> dict[str, int]:
        """Close the engine and open the next one."""
        first = self.service_sample()["first_sequence"]
        ended = self.service.ask("reopen")
        self.audit.acknowledged(first, ended["durable"])
        self.service_sample()
        return ended

    def row(self) -> dict[str, float]:
        """Return one sample: all figures of all processes."""
        found = self.service_sample()
        audited = self.auditor_sample()
        try:
            self.dashboard.visit()
        except OSError as error:
            self._note("dashboard", [str(error)])
        row: dict[str, float] = {"sequence": found["sequence"], "durable": found["durable"], "fed": found["fed"]}
        row |= {f"service.{figure}": value for figure, value in found["figures"].items()}
        row |= {f"reader.{figure}": value for figure, value in self._reader_sample().items()}
        row["auditor.behind"] = max(0, found["durable"] - audited["last"])
        row["view.generation"] = self.view.generation
        row["view.sequence"] = self.view.metrics().ring.sequence
        row["disk.log_mib"] = self.disk.used_mib()
        row["disk.strays"] = self.disk.strays()
        row["disk.log_files"] = sum(1 for _ in self.log.iterdir())
        for who, pid in self._pids().items():
            row |= {f"{who}.{figure}": value for figure, value in used(pid).items()} if pid else {}
        return {figure: math.nan if value is None else value for figure, value in row.items()}

    def _pids(self) -> dict[str, int | None]:
        return {
            "service": self.service.pid,
            "reader": self.reader.pid,
            "auditor": self.auditor.pid,
            "dashboard": self.dashboard.pid,
            "watcher": os.getpid(),
        }

    def close(self) -> None:
        """End all processes and remove log and segments; the report stays."""
        self._opened.close()

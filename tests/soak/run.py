"""A soak from beginning to end: samples, faults, and what is asked at the end."""

import itertools
import math
import subprocess
import sys
import threading
import time
import traceback
from typing import NamedTuple

from soak.faults import FAULTS, PATIENCE_S
from soak.options import Options
from soak.samples import Samples
from soak.stage import NAME, Stage

from pricecore import LogOptions, PriceEngine

SHOW_EVERY_S = 30.0
_SHOWN = ("rss_mib", "p99_us", "thread_p99_us")


class Event(NamedTuple):
    """A fault, when it was, and what was found."""

    t_s: float
    fault: str
    took_s: float
    said: str
    passed: bool


class Run:
    """Runs a stage for its time, or until it is told to stop.

    Attributes
    ----------
    events : list of Event
    problems : list of str
        Everything that is wrong; empty: nothing.
    ran_s : float
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.stage = Stage(options)
        self.samples = Samples(options.out / "samples.csv")
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.ran_s = 0.0
        self.restarted = "not asked"
        self._began_s = time.monotonic()
        self._stopped = threading.Event()
        self._faults = threading.Thread(target=self._befall, name="faults", daemon=True)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def go(self) -> None:
        """Sample until the time is over, a process ends that should not, or Ctrl-C."""
        self._faults.start()
        shown_s = -SHOW_EVERY_S
        try:
            for number in itertools.count():
                row = {"t_s": self._now_s()} | self.stage.row()
                self.samples.add(row)
                if row["t_s"] - shown_s >= SHOW_EVERY_S:
                    shown_s = row["t_s"]
                    self._show(row)
                wait_s = (number + 1) * self.options.sample_every_s - self._now_s()
                time.sleep(max(0.0, min(wait_s, self.options.run_s - self._now_s())))
                if self._now_s() >= self.options.run_s:
                    break
        except KeyboardInterrupt:
            print("stopped: the report of what there is so far", flush=True)
        except Exception as error:
            self.problems.append(f"the run ended early: {error}")
            traceback.print_exc()
        self.ran_s = self._now_s()

    def _befall(self) -> None:
        every_s = self.options.fault_every_s
        for number, fault in enumerate(itertools.cycle(FAULTS), 1):
            if self._stopped.wait(number * every_s - self._now_s()):
                return
            t_s, passed = self._now_s(), True
            try:
                said = fault(self.stage, min(12.0, every_s / 4))
            except Exception as error:
                passed, said = False, f"{type(error).__name__}: {error}"
            event = Event(t_s, fault.__name__, self._now_s() - t_s, said, passed)
            self.events.append(event)
            print(f"{clock(t_s)}  {'' if passed else 'FAILED '}{event.fault}: {said}", flush=True)

    def _show(self, row: dict[str, float]) -> None:
        memory, update, delivery = (row.get(f"service.{figure}", math.nan) for figure in _SHOWN)
        print(
            f"{clock(row['t_s'])} of {clock(self.options.run_s)}  published {row['sequence']:,.0f}, durable "
            f"{row['durable']:,.0f}; service {memory:.1f} MiB, update p99 {update:.1f} us, delivery p99 "
            f"{delivery / 1e3:.1f} ms; {len(self.events)} faults, {len(self.stage.problems)} problems",
            flush=True,
        )

    def finish(self) -> None:
        """Kill the service, read its log to the end, compare, and start the next writer."""
        self._stopped.set()
        self._faults.join(2 * PATIENCE_S)
        try:
            self._last_words()
        except Exception as error:
            self.problems.append(f"the end: {type(error).__name__}: {error}")
            traceback.print_exc()
        self.problems += self.stage.problems
        self.problems += [
            f"{event.fault} at {clock(event.t_s)}: {event.said}" for event in self.events if not event.passed
        ]

    def _last_words(self) -> None:
        stage = self.stage
        if stage.log_error() is None:  # else: stopped in mid-fault
            stage.service_sample()
        stage.service.kill()
        until_s = time.monotonic() + PATIENCE_S
        while stage.auditor_sample()["last"] < stage.audit.durable and time.monotonic() < until_s:
            time.sleep(0.1)
        last = stage.auditor_sample()["last"]
        if last < stage.audit.durable:
            self.problems.append(f"the log gives back up to {last}, durable was {stage.audit.durable}")
        self.problems += stage.audit.judge()
        stage.auditor.kill()
        self._restart()

    def _restart(self) -> None:
        """The next writer begins behind all that was acknowledged, and leaves a log without damage."""
        stage = self.stage
        with PriceEngine(NAME, log=LogOptions(stage.log)) as engine:
            sequence, symbols = engine.metrics().ring.sequence, len(engine)
        self.restarted = f"with sequence {sequence + 1:,} and {symbols} symbols"
        if sequence < stage.audit.durable:
            self.problems.append(f"the next writer begins at {sequence + 1}, durable was {stage.audit.durable}")
        command = [sys.executable, "-P", "-m", "pricecore", "log", "verify", str(stage.log)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            self.problems.append(f"pricecore log verify: {done.stdout}{done.stderr}")

    def close(self) -> None:
        self._stopped.set()
        self.samples.close()
        self.stage.close()


def clock(seconds: float) -> str:
    """Return hours, minutes and seconds."""
    return f"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"

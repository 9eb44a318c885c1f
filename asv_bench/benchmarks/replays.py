"""A log of a million prices: played into engines, asked for a state, restarted from; beside numpy's `fromfile`."""

import atexit
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np

import pricecore

RECORDS = 1_000_000
ROWS = 10_000


class Replays:
    """CPU time of the whole million; a thousandth of it in ms is the cost of a record in ns."""

    params = (1_000, 50_000)
    param_names = ("symbols",)
    timer = time.process_time
    repeat = (3, 20, 3.0)
    warmup_time = 0.1
    timeout = 300

    def setup(self, symbols):
        if not hasattr(pricecore, "EventLog"):
            raise NotImplementedError("this version has no event log")
        log_of(symbols)

    def time_replay(self, symbols):
        with pricecore.PriceEngine() as engine, pricecore.EventLog.open(log_of(symbols)) as log:
            log.replay(into=engine)

    def time_replay_into_another(self, symbols):
        """New sequences, and ids by name."""
        with pricecore.PriceEngine() as engine, pricecore.EventLog.open(log_of(symbols)) as log:
            engine.register("OTHER")
            log.replay(into=engine)

    def time_state_at_the_end(self, symbols):
        with pricecore.EventLog.open(log_of(symbols)) as log:
            log.state_at(sequence=log.last_sequence)

    def time_restart(self, symbols):
        pricecore.PriceEngine(log=pricecore.LogOptions(log_of(symbols), snapshot_records=None)).close()

    def time_fromfile(self, symbols):
        np.fromfile(log_of(symbols) / "plain", pricecore.RECORD_DTYPE)


class Snapshots:
    """One snapshot of so many symbols: copied beside writers, written, synced, renamed, and read back."""

    params = (1_000, 50_000)
    param_names = ("symbols",)
    timeout = 300

    def setup(self, symbols):
        if not hasattr(pricecore, "EventLog"):
            raise NotImplementedError("this version has no event log")
        snapshots_of(symbols)

    def time_snapshot(self, symbols):
        engine, ids, numbers = snapshots_of(symbols)
        engine.update_many(ids[:1], [float(next(numbers))])
        engine.log.snapshot()


def folder() -> Path:
    """Return a folder that goes with this process."""
    made = tempfile.TemporaryDirectory()
    atexit.register(made.cleanup)
    return Path(made.name)


@cache
def log_of(symbols: int) -> Path:
    """Return a log of a million prices behind a snapshot of all symbols; beside it the same records in a plain file."""
    path = folder()
    rng = np.random.default_rng(1)
    with pricecore.PriceEngine(log=pricecore.LogOptions(path, snapshot_records=None)) as engine:
        ids = engine.register([f"SYM{i}" for i in range(symbols)])
        engine.update_many(ids, np.linspace(90.0, 110.0, symbols))
        engine.log.snapshot()
        for _ in range(RECORDS // ROWS):
            engine.update_many(rng.choice(ids, ROWS), rng.uniform(90.0, 110.0, ROWS))
    with pricecore.EventLog.open(path) as log:
        np.concatenate(list(log)).tofile(path / "plain")
    return path


@cache
def snapshots_of(symbols: int) -> tuple[pricecore.PriceEngine, np.ndarray, count]:
    engine = pricecore.PriceEngine(log=pricecore.LogOptions(folder(), snapshot_records=None))
    ids = engine.register([f"SYM{i}" for i in range(symbols)])
    engine.update_many(ids, np.linspace(90.0, 110.0, symbols))
    return engine, ids, count(1)

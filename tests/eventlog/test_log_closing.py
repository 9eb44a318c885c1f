"""The end of a log: close in the midst of anything, in a child, beside locks that nobody gives back."""

import asyncio
import gc
import os
import resource
import signal
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from helpers.fork import run_in_child
from helpers.logs import files_of, read_back
from helpers.subprocesses import run_python
from helpers.threads import tries

from pricecore import (
    EngineClosedError,
    EventLog,
    LogOptions,
    LogReadOnlyError,
    PriceEngine,
    SymbolTableFullError,
    WrongProcessError,
)

SIZES = {"max_symbols": 1_024, "ring_capacity": 1_024, "latency_window": 10, "pool_buffers": 4}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def memory_folder(tmp_path):
    """Where a sync costs nothing, if there is such a place."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def options(folder, **more):
    return LogOptions(folder, **({"snapshot_records": None} | more))


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


# A trace function runs where a signal handler would: between two steps of its own thread.
AT_EVERY_STEP = """
import faulthandler, sys, threading
from pathlib import Path
from pricecore import *
from pricecore.eventlog import keeper
keeper.PERIOD_S = 0.0005
faulthandler.dump_traceback_later(100, exit=True)
call = sys.argv[2]
SIZES = dict(max_symbols=1024, ring_capacity=1024, latency_window=10, pool_buffers=4)

def closes_at(step, engine):
    count = 0
    def trace(frame, event, argument):
        nonlocal count
        if "/pricecore/" not in frame.f_code.co_filename.replace(chr(92), "/"):
            return None
        count += 1
        if count == step:
            sys.settrace(None)
            engine.close()
            closed.append(step)
        return trace
    return trace

step, closed = 0, []
while len(closed) == step:
    step += 1
    folder = Path(sys.argv[1], str(step))
    engine = PriceEngine(log=LogOptions(folder, snapshot_records=1), **SIZES)
    engine.update("A", 1.0 + step)
    sys.settrace(closes_at(step, engine))
    try:
        engine.log.snapshot() if call == "snapshot" else engine.close()
    except EngineClosedError:
        pass
    sys.settrace(None)
    engine.close()
    with PriceEngine(log=LogOptions(folder, snapshot_records=None), **SIZES) as again:      # it is free
        assert again.price("A") == 1.0 + step
        assert again.metrics().ring.sequence == 2
print(step)
"""


@pytest.mark.parametrize("call", ["snapshot", "close"])
def test_close_may_come_in_the_midst_of_anything_in_its_own_thread(memory_folder, call):
    done = run_python(AT_EVERY_STEP, str(memory_folder), call)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_a_signal_handler_that_closes_ends_a_wait(folder):
    engine = PriceEngine(log=options(folder), **SIZES)
    before = signal.signal(signal.SIGALRM, lambda *_: engine.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(EngineClosedError, match="the engine was closed, and its log with it"):
            engine.log.wait_durable(10**6)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_snapshot_in_the_midst_of_another_one_is_refused(folder):
    with PriceEngine(log=options(folder), **SIZES) as engine:
        errors = []
        settled = engine.log._settled

        def handler():
            if not errors:
                errors.append(None)
                with pytest.raises(RuntimeError, match="a signal handler cannot take a snapshot") as caught:
                    engine.log.snapshot()
                errors.append(caught.value)
            return settled()

        engine.log._settled = handler
        engine.update("A", 1.0)
        assert engine.log.snapshot() <= 2
        assert len(errors) == 2
        assert engine.log.snapshot() <= 2


def test_a_snapshot_of_a_closed_engine_is_refused(folder):
    engine = PriceEngine(log=options(folder), **SIZES)
    engine.update("A", 1.0)
    engine.close()
    with pytest.raises(EngineClosedError):
        engine.log.snapshot()
    assert not files_of(folder, "snapshot")


def is_ended_within(limit_s, folder, wait, happen):
    """Whether something of this thread ends a wait in that time, counted from 10 ms before it happens; a busy machine
    may be late again and again, but what nobody ends takes longer every time."""
    for k in tries():
        times_s = []
        engine = PriceEngine(log=options(folder.with_name(f"log{k}")), **SIZES)
        began = threading.Event()

        def body(engine=engine, began=began, times_s=times_s):
            began_s = time.monotonic()
            began.set()
            with suppress(EngineClosedError):
                wait(engine)
            times_s.append(time.monotonic() - began_s)

        thread = threading.Thread(target=body)
        thread.start()
        began.wait()
        time.sleep(0.01)
        happen(engine)
        thread.join()
        engine.close()
        if times_s[0] < limit_s:
            return True
    return False


def test_whoever_waits_is_woken_by_the_record_and_not_by_its_next_look_at_signals(folder):
    """Which comes after 50 ms: no wait that nobody ends is shorter."""
    assert is_ended_within(0.045, folder, lambda e: e.log.wait_durable(2), lambda e: e.update("A", 1.0))


def test_whoever_waits_is_woken_by_the_end(folder):
    assert is_ended_within(0.045, folder, lambda e: e.log.wait_durable(99), lambda e: e.close())


@pytest.mark.parametrize("happen", [lambda e: e.update("A", 1.0), lambda e: e.close()], ids=["record", "end"])
def test_a_loop_that_waits_is_woken_and_does_not_look_up_by_itself(folder, happen):
    """Which it does after 200 ms."""
    wait = lambda e: asyncio.run(e.log.durable(2))  # noqa: E731
    assert is_ended_within(0.15, folder, wait, happen)


CALLS = {
    "snapshot": lambda engine: engine.log.snapshot(),
    "mark": lambda engine: engine.log.mark(b"x"),
    "wait_durable": lambda engine: engine.log.wait_durable(timeout_s=1),
    "close": lambda engine: engine.close(),
    "update": lambda engine: engine.update("A", 1.0),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_in_a_child_locks_of_threads_that_are_not_there_are_not_waited_for(folder, call):
    with PriceEngine(log=options(folder), **SIZES) as engine, engine.log._sealing, engine.log._snapshotting:

        def child():  # where the thread that has the locks is another one
            result = []

            def body():
                try:
                    call(engine)
                except WrongProcessError as error:
                    result.append(str(error))

            thread = threading.Thread(target=body, daemon=True)
            thread.start()
            thread.join(20)
            return bool(result)

        assert run_in_child(child)


@pytest.mark.slow
def test_children_of_a_busy_log_read_and_end(folder):
    """A fork may come while the log's thread holds any of its locks."""
    with PriceEngine(log=options(folder, rotate_bytes=65_536, commit_interval_s=0.0001), **SIZES) as engine:
        stop = threading.Event()

        def write():
            ids = np.repeat(engine.register(["A"]), 64)
            while not stop.is_set():
                engine.update_many(ids, np.arange(1.0, 65.0))
                engine.log.mark(b"x" * 4_000)

        def child():
            nonlocal engine
            engine.log.stats()
            engine.metrics()
            assert not engine.log.closed
            for call in CALLS.values():
                with pytest.raises(WrongProcessError):
                    call(engine)
            repr(engine.log)
            engine = None
            gc.collect()
            return True

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(12):
                assert run_in_child(child)
        finally:
            stop.set()
            thread.join()
        last = engine.metrics().ring.sequence
    assert read_back(folder).sequences() == list(range(1, last + 1))


def test_a_child_does_not_append_with_its_parents_log_writer(folder):
    from helpers.recorded import name_record, stream

    log = EventLog.writer(folder)

    def child():
        for call in (lambda: log.append(stream(name_record(1, 0, b"A"))), log.close, log.sync, lambda: log.mark(b"x")):
            with pytest.raises(WrongProcessError, match="this log is written by process"):
                call()
        return True

    assert run_in_child(child)
    log.append(stream(name_record(1, 0, b"A")))
    log.close()
    assert read_back(folder).sequences() == [1]


def test_an_engine_whose_log_cannot_begin_leaves_nothing_open(folder):
    PriceEngine(log=options(folder), **SIZES).close()
    before = descriptors()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        for _ in range(3):
            with pytest.raises(LogReadOnlyError, match=r"create failed at byte 0 of 00000000000000000001\.log"):
                PriceEngine(log=options(folder), **SIZES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    gc.collect()
    assert descriptors() == before
    PriceEngine(log=options(folder), **SIZES).close()


def test_an_engine_that_is_too_small_for_its_log_leaves_nothing_open(folder):
    with PriceEngine(log=options(folder), **(SIZES | {"max_symbols": 4_096})) as engine:
        engine.register([f"S{k}" for k in range(2_000)])
    before = descriptors(), threading.active_count()
    with pytest.raises(SymbolTableFullError, match="max_symbols=2000 or more"):
        PriceEngine(log=options(folder), **SIZES)
    gc.collect()
    assert (descriptors(), threading.active_count()) == before
    PriceEngine(log=options(folder), **(SIZES | {"max_symbols": 4_096})).close()


def test_engines_are_all_closed_at_the_end_of_a_program_whatever_befalls_one(tmp_path):
    code = f"""
from pricecore import *
class Bad(PriceEngine):
    def close(self):
        raise OSError("bad")
engines = [kind(log={str(tmp_path)!r} + f"/{{i}}") for i, kind in enumerate([PriceEngine, Bad, PriceEngine])]
for engine in engines:
    for k in range(3000):
        engine.update("A", 1.0 + k)
"""
    done = run_python(code)
    assert "could not be closed: bad" in done.stderr
    for i in (0, 2):
        assert len(EventLog.open(tmp_path / str(i))) == 3_001

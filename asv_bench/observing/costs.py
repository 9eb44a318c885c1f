"""What watching costs: the writer, in instructions and in delay; and the watchers themselves, in CPU time."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from across_processes.neighbours import ask, neighbour
from across_processes.report import Row, Skipped
from benchmarks import callgrind

import pricecore

from .company import company, exporter, read_state, scraper

NAME = "watched"
RATE = 100_000
SETTLE_S = 3.0
CPU_CLOCK = 2
"""Of a process, as clock_getcpuclockid(3) makes its number."""


def instructions(_quick: bool) -> Iterator[Row]:
    """Of an update, beside a process that reads state and metrics without a pause."""
    if not callgrind.is_available():
        raise Skipped("instructions are not counted: valgrind is not installed")
    counts = callgrind.count(["update_named", "update_observed"], str(Path(pricecore.__file__).parents[1]))
    if "update_observed" not in counts:
        raise Skipped("prometheus-client is not installed")
    observed, alone = counts["update_observed"], counts["update_named"]
    yield Row("update, observed without a pause", "instr", observed, "not observed", alone, 1.01, exact=True)


def send(pipe: Connection, seconds: float) -> None:
    """On demand, send updates at the rate; answer with p50 and p99 of the delay from schedule, and the rate reached."""
    with pricecore.PriceEngine(NAME) as engine:
        pipe.send(None)
        while True:
            pipe.recv()
            report = engine.run_performance_test(updates=int(RATE * seconds), rate=RATE)
            delay = report.schedule_delay
            pipe.send((delay.p50_us, delay.p99_us, report.updates_per_s))


def delay(quick: bool) -> Iterator[Row]:
    """From schedule, with the whole company and without, by turns; no browser is among it, only what it asks for."""
    seconds, turns = (2.0, 1) if quick else (3.0, 15)
    delays: dict[str, list[tuple[float, float, float]]] = {"alone": [], "watched": []}
    who = ""
    with neighbour(send, seconds) as pipe:
        ask(pipe, None)
        for _ in range(turns):
            for way, found in delays.items():
                with company(NAME) if way == "watched" else nullcontext("") as name:
                    who = name or who
                    time.sleep(SETTLE_S)
                    found.append(ask(pipe, None))
    for column, figure, limit in ((0, "p50", None), (1, "p99", 1.3)):
        alone, watched = (median(turn[column] for turn in delays[way]) for way in ("alone", "watched"))
        title = f"{figure} of delay, {who} at 1 Hz"
        yield Row(title, "us", watched, "without them", alone, limit)
    reached = min(turn[2] for turn in delays["watched"])
    yield Row("updates a second reached, watched", "/s", reached, "asked for", RATE, 0.99, least=True)


def cpu(quick: bool) -> Iterator[Row]:
    """Of a state reader and of the exporter at 1 Hz, in percent of a core."""
    seconds = 5.0 if quick else 30.0
    with pricecore.PriceEngine(NAME) as engine, neighbour(read_state, NAME) as reader:
        engine.run_performance_test(updates=20_000)
        with exporter(NAME) as (process, address), scraper(address) as who:
            time.sleep(SETTLE_S)
            before, begun_s = (ask(reader, None), used_s(process.pid)), time.monotonic()
            time.sleep(seconds)
            after, passed_s = (ask(reader, None), used_s(process.pid)), time.monotonic() - begun_s
    yield Row("state reader at 1 Hz", "% CPU", 100 * (after[0] - before[0]) / passed_s, limit=1.0)
    yield Row(f"exporter, {who} at 1 Hz", "% CPU", 100 * (after[1] - before[1]) / passed_s, limit=1.0)


def used_s(pid: int) -> float:
    """Return the CPU time of another process, that of its threads that have ended included."""
    return time.clock_gettime(~pid << 3 | CPU_CLOCK)

"""What watching costs: the writer, in instructions and in delay; and the watchers themselves, in CPU time."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles

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
    """On demand, send updates at the rate; answer with p50 and p99 of the delay from schedule in us, the rate reached,
    and how long the sender was ready to run and had no core, in ms a second.
    """
    with pricecore.PriceEngine(NAME) as engine:
        pipe.send(None)
        while True:
            pipe.recv()
            before_ms = waited_for_a_core_ms()
            report = engine.run_performance_test(updates=int(RATE * seconds), rate=RATE)
            delay, waited_ms = report.schedule_delay, waited_for_a_core_ms() - before_ms
            pipe.send((delay.p50_us, delay.p99_us, report.updates_per_s, waited_ms / seconds))


def waited_for_a_core_ms() -> float:
    threads = Path("/proc/self/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e6


def typical(values: list[float]) -> float:
    """Return the lower quartile: a stall of the machine itself is in some turns, what the company does is in all."""
    return quantiles(values, n=4)[0] if len(values) > 1 else values[0]


def delay(quick: bool) -> Iterator[Row]:
    """From schedule, with the whole company and without, by turns; no browser is among it, only what it asks for."""
    seconds, turns = (2.0, 1) if quick else (3.0, 15)
    answers: dict[str, list[tuple[float, float, float, float]]] = {"alone": [], "watched": []}
    who = ""
    with neighbour(send, seconds) as pipe:
        ask(pipe, None)
        for _ in range(turns):
            for way, found in answers.items():
                with company(NAME) if way == "watched" else nullcontext("") as name:
                    who = name or who
                    time.sleep(SETTLE_S)
                    found.append(ask(pipe, None))
    alone, watched = ([list(column) for column in zip(*answers[way], strict=True)] for way in ("alone", "watched"))
    of_delay = f"of delay, {who} at 1 Hz"
    yield Row(f"p50 {of_delay}", "us", typical(watched[0]), "without them", typical(alone[0]))
    yield Row(f"p99 {of_delay}", "us", typical(watched[1]), "without them", typical(alone[1]), 1.3)
    yield Row("the same, median of the turns", "us", median(watched[1]), "without them", median(alone[1]))
    yield Row("the sender waits for a core, a second", "ms", median(watched[3]), "without them", median(alone[3]))
    yield Row("updates a second reached, watched", "/s", min(watched[2]), "asked for", RATE, 0.99, least=True)


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

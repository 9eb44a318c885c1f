"""Start, CPU and memory of the process that serves the dashboard."""

import asyncio
import importlib.util
import time
from collections.abc import Iterator
from statistics import median

from across_processes.report import Row, Skipped

from .server import Server, server, until_come, visitor, writer

NAME = "visited"
VISITS = 300
DAY = 86_400


def start(quick: bool) -> Iterator[Row]:
    """From the start of the process to the page in hand, warm: the second run and those behind it."""
    _need_nicegui()
    with writer(NAME):
        taken_s = [_start_s() for _ in range(2 if quick else 6)][1:]
    yield Row("page ready after the start of the process", "s", median(taken_s), limit=2.0)


def _start_s() -> float:
    begun_s = time.perf_counter()
    with server(NAME) as one:
        one.page()
        return time.perf_counter() - begun_s


def cpu(quick: bool) -> Iterator[Row]:
    """Of the serving process, with nobody and with one visitor, at a refresh a second."""
    _need_nicegui()
    seconds = 5.0 if quick else 20.0
    with writer(NAME), server(NAME) as one:
        one.page()
        time.sleep(2.0)
        yield Row("serving, nobody there", "%", _percent(one, seconds))
        yield Row("serving one visitor at 1 Hz", "%", asyncio.run(_visited(one, seconds)), limit=1.0)


async def _visited(one: Server, seconds: float) -> float:
    async with visitor(one.address) as come:
        await until_come(come, 2)
        begun_s, used_s = time.perf_counter(), one.cpu_s
        await asyncio.sleep(seconds)
        return 100 * (one.cpu_s - used_s) / (time.perf_counter() - begun_s)


def _percent(one: Server, seconds: float) -> float:
    begun_s, used_s = time.perf_counter(), one.cpu_s
    time.sleep(seconds)
    return 100 * (one.cpu_s - used_s) / (time.perf_counter() - begun_s)


def visits(_quick: bool) -> Iterator[Row]:
    """Growth of memory over visits that never open a websocket, behind as many that warm the process up."""
    _need_nicegui()
    with writer(NAME), server(NAME) as one:
        for _ in range(VISITS):
            one.page()
        before_mib = one.resident_mib
        for _ in range(VISITS):
            one.page()
        yield Row(f"growth over {VISITS} visits without a websocket", "MiB", one.resident_mib - before_mib, limit=3.0)


def refreshes(quick: bool) -> Iterator[Row]:
    """Growth of memory over a day of refreshes of one page, behind the first 2,000."""
    _need_nicegui()
    count = 5_000 if quick else DAY
    with writer(NAME), server(NAME, hasty=True) as one:
        growth_mib, per_refresh_ms = asyncio.run(_refreshed(one, count))
    yield Row("serving CPU of a refresh", "ms", per_refresh_ms)
    yield Row(f"growth over {count:,} refreshes", "MiB", growth_mib, limit=3.0)


async def _refreshed(one: Server, count: int) -> tuple[float, float]:
    async with visitor(one.address) as come:
        await until_come(come, 2_000)
        before_mib, used_s, had = one.resident_mib, one.cpu_s, come[0]
        await until_come(come, 2_000 + count)
        return one.resident_mib - before_mib, 1e3 * (one.cpu_s - used_s) / (come[0] - had)


def _need_nicegui() -> None:
    if importlib.util.find_spec("nicegui") is None:
        raise Skipped('no NiceGUI here: pip install "pricecore[dashboard]"')

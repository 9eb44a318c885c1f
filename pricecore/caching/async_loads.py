"""Level 3: loads that tasks of an event loop wait for; threads may wait for the same ones."""

import asyncio
from collections.abc import Hashable
from time import perf_counter_ns
from typing import Any

from pricecore.caching.loads import AbandonedError, Flight, Loads, _current, opened


async def load(loads: Loads, key: Hashable) -> Any:
    """Return what the loader has for a key; a task that is cancelled here leaves the load to the others."""
    while True:
        flight, is_mine, value = loads._join(key, begun=False)
        if flight is None:
            return value
        with loads._waiting(flight):
            if is_mine:
                _start(loads, flight)
            try:
                return opened(await asyncio.wrap_future(flight.future))
            except AbandonedError as abandoned:
                if is_mine and abandoned.__cause__ is not None:
                    raise abandoned.__cause__ from None


def _start(loads: Loads, flight: Flight) -> None:
    """Begin a load that goes on whatever becomes of the task that asked for it."""
    loop = asyncio.get_running_loop()
    try:
        if loads.is_async:
            flight.begun, flight.loop = True, loop
            flight.task = loop.create_task(_run(loads, flight), name="pricecore-load")
        else:
            loop.run_in_executor(None, _run_quietly, loads, flight)
    except BaseException as error:  # the loop's executor was shut down
        loads.fail(flight, error, perf_counter_ns())
        raise


async def _run(loads: Loads, flight: Flight) -> None:
    """As `Loads.run`, in a task of its own; what comes of it is told by the flight alone."""
    _current.set(flight)
    begin_ns = perf_counter_ns()
    try:
        loads.finish(flight, await loads.loader(flight.key), begin_ns)
    except BaseException as error:
        loads.fail(flight, error, begin_ns)
        if not isinstance(error, Exception):
            raise
    finally:
        flight.task = None


def _run_quietly(loads: Loads, flight: Flight) -> None:
    if not loads.claim(flight):
        return
    try:
        loads.run(flight)
    except Exception:  # whoever waits for the flight has it
        return

"""Level 4: waiting for durable records in an event loop, without a thread: each loop that waits has an eventfd at
which the log's thread rings."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from pricecore.eventlog.engine_log import LogCore

_LOOK_AGAIN_S = 0.001  # where a loop cannot be woken
_LOOK_UP_S = 0.2  # a log that is gone rings no more


class _Bell:
    """The eventfd of one log in one loop, while a task of it waits. Threads: the loop's."""

    def __init__(self, log: LogCore, loop: asyncio.AbstractEventLoop) -> None:
        self.users = 0
        self._log, self._loop = log, loop
        self._next: asyncio.Future[None] | None = None
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            loop.add_reader(self._event, self._answer)
            if not log._add_bell(self._event):
                loop.remove_reader(self._event)
                raise NotImplementedError("all bells of the log are taken")
        except BaseException:
            os.close(self._event)
            raise

    def rung(self) -> "asyncio.Future[None]":
        """Return what ends at the next ring."""
        if self._next is None:
            self._next = self._loop.create_future()
        return self._next

    def close(self) -> None:
        """Take the bell down."""
        self._log._remove_bell(self._event)
        if not self._loop.is_closed():
            self._loop.remove_reader(self._event)
        os.close(self._event)

    def _answer(self) -> None:
        os.eventfd_read(self._event)
        ended, self._next = self._next, None
        if ended is not None and not ended.done():
            ended.set_result(None)


_bells: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, _Bell]]" = WeakKeyDictionary()


@contextmanager
def _bell_of(log: LogCore) -> Iterator[_Bell | None]:
    """Give the running loop's bell for this log; None: this loop cannot be woken by one."""
    loop = asyncio.get_running_loop()
    bells = _bells.setdefault(loop, {})
    if id(log) not in bells:  # which lives as long as its bell
        try:
            bells[id(log)] = _Bell(log, loop)
        except (AttributeError, NotImplementedError, OSError):  # no eventfd, no add_reader, none left
            yield None
            return
    bell = bells[id(log)]
    bell.users += 1
    try:
        yield bell
    finally:
        bell.users -= 1
        if not bell.users:
            del bells[id(log)]
            bell.close()


async def durable(log: LogCore, sequence: int | None, timeout_s: float | None) -> bool:
    """Wait as `wait_durable` does, without blocking the loop."""
    wanted = log._wanted(sequence)
    log._check_over(wanted)
    log._kick()
    try:
        async with asyncio.timeout(timeout_s):
            with _bell_of(log) as bell:
                await _until(log, wanted, bell)
    except TimeoutError:
        return log.durable_sequence >= wanted
    return True


async def _until(log: LogCore, wanted: int, bell: _Bell | None) -> None:
    while True:
        ring = bell.rung() if bell is not None else None  # noted before the look
        if log.durable_sequence >= wanted:
            return
        log._check_over(wanted)
        if ring is None:
            await asyncio.sleep(_LOOK_AGAIN_S)
        else:
            await asyncio.wait([ring], timeout=_LOOK_UP_S)

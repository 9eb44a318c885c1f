"""Level 3: waiting for records in an event loop: one sleeping thread for each loop and engine."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary, ref

from pricecore.delivery.bell import Bell
from pricecore.delivery.subscription_core import SubscriptionCore
from pricecore.primitives.segment import Segment
from pricecore.primitives.waiting import WaitRoom

LOOK_UP_S = 0.2  # a task that waits sees a dead writer at least that often
LOOK_AGAIN_S = 0.001  # where a loop watches no files


class LoopBell:
    """A thread that sleeps for a loop, and the tasks that wait for it.

    Threads: the loop's. Cost: a thread and two descriptors.
    """

    def __init__(self, segment: Segment, waits: WaitRoom) -> None:
        loop = asyncio.get_running_loop()
        self.users = 0
        self._loop = ref(loop)  # the loop holds this
        self._tasks: set[asyncio.Future[None]] = set()
        self._reading, writing = _open_pair()
        self._bell = Bell(segment, waits, writing, LOOK_UP_S)
        try:
            loop.add_reader(self._reading, self._wake_tasks)
        except BaseException:
            os.close(writing)  # which its thread would have done
            raise
        threading.Thread(target=self._bell.run, name="pricecore-bell", daemon=True).start()

    async def wait(self, seen: int) -> None:
        """Wait until a ticket later than `seen` is taken, or for no reason."""
        task = asyncio.get_running_loop().create_future()
        self._tasks.add(task)
        self._bell.arm(seen)
        try:
            await task
        finally:
            self._tasks.discard(task)

    def close(self) -> None:
        """Let the thread end; in the loop that made this, or when that is closed."""
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._reading)
        self._let_go()

    def __del__(self) -> None:  # of a loop that was closed in the middle
        self._let_go()

    def _let_go(self) -> None:
        reading, self._reading = getattr(self, "_reading", -1), -1
        if reading >= 0:
            self._bell.stop()
            os.close(reading)

    def _wake_tasks(self) -> None:
        os.read(self._reading, 4096)
        for task in self._tasks:
            if not task.done():
                task.set_result(None)


class NoBell:
    """For a loop that watches no files: its tasks look again and again."""

    users = 0

    async def wait(self, seen: int) -> None:
        await asyncio.sleep(LOOK_AGAIN_S)

    def close(self) -> None:
        """Nothing to let go."""


_bells: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[int, int], LoopBell | NoBell]]" = WeakKeyDictionary()


@contextmanager
def bell_of(subscription: SubscriptionCore) -> Iterator[LoopBell | NoBell]:
    """Give the running loop's bell for the engine of this subscription, made for the first who waits."""
    _let_go_of_closed_loops()
    bells = _bells.setdefault(asyncio.get_running_loop(), {})
    key = (id(subscription.segment), id(subscription.waits))  # which live as long as their bell
    if key not in bells:
        bells[key] = _new_bell(subscription)
    bell = bells[key]
    bell.users += 1
    try:
        yield bell
    finally:
        bell.users -= 1
        if not bell.users:
            del bells[key]
            bell.close()


def _let_go_of_closed_loops() -> None:
    """A loop that was closed with a task waiting is held by that task, and so by its bell."""
    for loop in [loop for loop in _bells if loop.is_closed()]:
        for bell in _bells.pop(loop).values():
            bell.close()


def _new_bell(subscription: SubscriptionCore) -> LoopBell | NoBell:
    try:
        return LoopBell(subscription.segment, subscription.waits)
    except NotImplementedError:
        return NoBell()


def _open_pair() -> tuple[int, int]:
    """Return a descriptor to read and one to write: two of an eventfd, else a pipe's ends."""
    if hasattr(os, "eventfd"):
        reading = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return reading, os.dup(reading)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing

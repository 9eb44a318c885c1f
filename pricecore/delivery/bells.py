"""Level 3: waiting for records in an event loop: each loop watches one file for each engine."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary, ref

from pricecore.delivery.bell import Bell
from pricecore.delivery.subscription_core import SubscriptionCore
from pricecore.primitives.waiting import WaitRoom

LOOK_UP_S = 0.2  # a task that waits sees a dead writer at least that often
LOOK_AGAIN_S = 0.001  # where a loop cannot be woken


class LoopBell:
    """The file that a loop watches for the tasks that wait.

    Threads: the loop's. Cost: a descriptor, and a timer of the loop.
    """

    def __init__(self, waits: WaitRoom) -> None:
        loop = asyncio.get_running_loop()
        self.users = 0
        self._loop = ref(loop)  # the loop holds this
        self._bell = Bell(waits)
        self.arm = self._bell.arm
        try:
            loop.add_reader(self._bell.fileno(), self._bell.answer)
        except BaseException:
            self._bell.close()
            raise
        self._timer = loop.call_later(LOOK_UP_S, self._look_up)
        self._second_look: asyncio.TimerHandle | None = None

    def rung(self, settling_s: float) -> Awaitable[None]:
        """Return what ends at the next ring, or when it is time for the next look; settling_s: what `arm` returned."""
        loop = self._loop()
        assert loop is not None  # it is running
        if settling_s and self._second_look is None:
            self._second_look = loop.call_later(settling_s, self._look_again)
        return self._bell.wait(loop)

    def close(self) -> None:
        """Watch no more; in the loop that made this, or when that is closed."""
        self._timer.cancel()
        if self._second_look is not None:
            self._second_look.cancel()
        loop, descriptor = self._loop(), self._bell.fileno()
        if loop is not None and not loop.is_closed() and descriptor >= 0:
            loop.remove_reader(descriptor)
        self._bell.close()

    def __del__(self) -> None:  # of a loop that was closed in the middle
        if hasattr(self, "_bell"):
            self._bell.close()

    def _look_up(self) -> None:
        # First: a task that has its turn may be the last one, and close this.
        self._timer = asyncio.get_running_loop().call_later(LOOK_UP_S, self._look_up)
        self._bell.wake()

    def _look_again(self) -> None:
        self._second_look = None
        self._bell.wake()


class NoBell:
    """For a loop that cannot be woken: its tasks look again and again."""

    users = 0

    def arm(self) -> float:
        """Nobody will ring: `rung` ends by itself."""
        return 0.0

    def rung(self, settling_s: float) -> Awaitable[None]:
        """Return what ends in a moment."""
        return asyncio.sleep(LOOK_AGAIN_S)

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
    for found in _bells.keyrefs():  # another thread's loop may be added, or let go, meanwhile
        loop = found()
        if loop is not None and loop.is_closed():
            for bell in _bells.pop(loop, {}).values():
                bell.close()


def _new_bell(subscription: SubscriptionCore) -> LoopBell | NoBell:
    try:
        return LoopBell(subscription.waits)
    except (NotImplementedError, OSError):  # a loop that watches no files; no inotify
        return NoBell()

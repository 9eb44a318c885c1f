"""Level 3: `Subscription`: the records of an engine as they come, all of them or the latest of each symbol."""

import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.limits import check_items, check_seconds
from pricecore.delivery.subscription_core import LOOK_UP_S, SubscriptionCore
from pricecore.errors import EngineClosedError
from pricecore.metrics.log import warn_throttled

Batch = NDArray[np.void]


class Subscription(SubscriptionCore):
    """Follows an engine. Made by `subscribe` of an engine or a view; see there for what it delivers.

    Take the records by `poll`, by iterating (``for batch in subscription``), in an event loop
    (``async for batch in subscription.batches()``), or have them brought to a function (`deliver`).

    Attributes
    ----------
    name : str or None
        As `subscribe` was given it.
    segment, waits
        The memory that is followed and the page on which readers sleep; for this package and its tests.

    Threads: `poll` and its other forms one at a time; `close` and `stats` any. Cost: the writer does nothing for it,
    but one system call when it sleeps and news comes. Mode "conflate" takes 26 bytes a place in the symbol table, a
    filter one more.

    Examples
    --------
    >>> import pricecore
    >>> with pricecore.PriceEngine() as engine, engine.subscribe("BINANCE:*") as subscription:
    ...     for price in (1.0, 2.0, 3.0):
    ...         _ = engine.update("BINANCE:BTCUSDT", price)
    ...     subscription.poll()["price"].tolist()
    [3.0]
    """

    __slots__ = ("__weakref__",)

    def batches(self, max_items: int = 1024, max_delay_s: float = 0.0) -> AsyncIterator[Batch]:
        """Return an asynchronous iterator over what `poll` returns.

        Parameters
        ----------
        max_items : int
            Records in a batch at most, 1 to 1,048,576.
        max_delay_s : float
            How long records may be collected: behind a batch that was not full, the next one comes so much later.

        Returns
        -------
        AsyncIterator of numpy.ndarray
            Never an empty one. It ends when the subscription or its engine is closed. An error ends it as well; another
            call of `batches` then goes on where it was.

        Raises
        ------
        WriterDiedError, LaggedError
            As `poll`, from the iteration. ValueError, TypeError: a parameter is out of its range.

        Threads: a loop's, one iteration at a time. Cost: while nothing comes, the loop watches one file for all
        subscriptions to this engine, or to one view of it, and is woken once a batch; where the system cannot do that
        (it needs inotify), it looks again each millisecond.
        """
        from pricecore.delivery.batches import batches  # asyncio is slow to import

        return batches(self, check_items(max_items), check_seconds("max_delay_s", max_delay_s))

    def deliver(
        self,
        callback: Callable[[Batch], object],
        *,
        max_items: int = 1024,
        max_delay_s: float = 0.0,
        on_end: Callable[[Exception | None], object] | None = None,
    ) -> threading.Thread:
        """Call a function with every batch, in a thread of its own, until the subscription is closed.

        Parameters
        ----------
        callback : callable
            Gets what `poll` returned. What it raises is logged, at the most once a second, and the next batch comes.
        max_items, max_delay_s
            As `batches`.
        on_end : callable, optional
            Called at the end: with None when the subscription or its engine was closed, else with the error (as
            WriterDiedError; another call of `deliver` then goes on where it was). Without it an error is logged.

        Returns
        -------
        threading.Thread
            Started; a daemon, so that it does not keep the interpreter from ending.

        Threads: any; nothing else may poll this subscription then. Cost: a thread that sleeps.
        """
        delivery = (callback, check_items(max_items), check_seconds("max_delay_s", max_delay_s), on_end or _log_end)
        thread = threading.Thread(target=self._deliver, args=delivery, name="pricecore-deliver", daemon=True)
        thread.start()
        return thread

    def _deliver(
        self,
        callback: Callable[[Batch], object],
        max_items: int,
        max_delay_s: float,
        on_end: Callable[[Exception | None], object],
    ) -> None:
        ended = None
        try:
            while True:
                batch = self.poll(max_items, None)
                _call(callback, batch)
                if len(batch) < max_items:
                    self._collect(max_delay_s)
        except EngineClosedError:
            pass
        except Exception as error:
            ended = error
        on_end(ended)

    def _collect(self, delay_s: float) -> None:
        """Let records gather, in slices: a close is seen soon."""
        until_s = time.monotonic() + delay_s
        while not self.closed and (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, LOOK_UP_S))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        try:
            return self.poll(1024, None)
        except EngineClosedError:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _call(callback: Callable[[Batch], object], batch: Batch) -> None:
    try:
        callback(batch)
    except Exception as error:
        warn_throttled("delivery", "a subscription's callback raised %r", error)


def _log_end(error: Exception | None) -> None:
    if error is not None:
        warn_throttled("delivery_ended", "a subscription ended: %s", error)

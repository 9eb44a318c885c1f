"""An asyncio consumer that is slower than the stream, and never behind: it gets the latest of each symbol that changed.

Whatever it does with a batch may take its time. The writer does not wait and no queue grows: what is overtaken
meanwhile is passed over and counted. When the writer is gone it waits for the next one.
Run it: `python conflated_consumer.py md 'BINANCE:*'`, beside `shared_feed.py`.
"""

import asyncio
import json
import logging
import random
import time
from contextlib import suppress
from typing import Any

from numpy.typing import NDArray

from pricecore import QUOTE_DTYPE, EngineView, SegmentError, Subscription, WriterDiedError, attach

log = logging.getLogger("consumer")
TRADE, QUOTE = 0, 1  # kinds of records
MOST = 65_536  # a batch holds all that changed
LOOK_AGAIN_S = 0.1  # how often it looks for the next writer


async def attached(name: str) -> EngineView:
    """Return a view of the engine of this name, as soon as there is one."""
    while True:
        try:
            return attach(name)
        except SegmentError as error:
            log.info("waiting: %s", error)
        await asyncio.sleep(LOOK_AGAIN_S)


async def wait_for_writer(view: EngineView) -> None:
    """Return when a process writes this engine."""
    while True:
        with suppress(SegmentError):  # what has the name now is not to be read
            if view.alive:
                return
        await asyncio.sleep(LOOK_AGAIN_S)


async def work(view: EngineView, batch: NDArray[Any], subscription: Subscription) -> None:
    """Print a line for a batch; in its place stands what takes you 5 to 50 ms."""
    trades, quotes = (batch[batch["kind"] == kind] for kind in (TRADE, QUOTE))
    latest = {
        "trades": {subscription.symbol(int(trade["symbol_id"])): float(trade["price"]) for trade in trades},
        "bids": {
            subscription.symbol(int(quote["symbol_id"])): float(quote["bid"]) for quote in quotes.view(QUOTE_DTYPE)
        },
        "oldest_ms": (time.time_ns() - int(batch["received_ns"].min())) / 1e6,
    }
    print(json.dumps(latest | subscription.stats()._asdict()), flush=True)
    await asyncio.sleep(random.uniform(0.005, 0.05))


async def consume(name: str, *symbols: str) -> None:
    """Follow these names or patterns, all without any, from one writer to the next, until cancelled."""
    with await attached(name) as view:
        while True:
            try:
                # start=1: first the latest of every symbol. In a loop: the next writer may begin a segment of its own.
                with view.subscribe(symbols or None, start=1) as subscription:
                    async for batch in subscription.batches(MOST):
                        await work(view, batch, subscription)
            except WriterDiedError as error:
                log.warning("%s", error)
                await wait_for_writer(view)
                log.info("there is a writer again")


if __name__ == "__main__":
    import sys

    from command_line import until_told

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(until_told(consume(*sys.argv[1:])))

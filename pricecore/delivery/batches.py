"""Level 3: a subscription as an asynchronous iterator."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.bells import bell_of
from pricecore.delivery.subscription_core import LOOK_UP_S, SubscriptionCore
from pricecore.errors import EngineClosedError

LOOK_AGAIN_S = 0.001  # for a record whose writer stands still in mid-update


async def batches(
    subscription: SubscriptionCore, max_items: int, max_delay_s: float
) -> AsyncIterator[NDArray[np.void]]:
    """Yield what `poll` returns; see `Subscription.batches`."""
    with bell_of(subscription) as bell:
        while True:
            try:
                batch = subscription.poll(max_items, 0.0)
            except EngineClosedError:
                return
            if len(batch):
                yield batch
                await collect(subscription, max_delay_s if len(batch) < max_items else 0.0)
            elif subscription.has_news:
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                settling_s = bell.arm()
                if not subscription.has_news:
                    await bell.rung(settling_s)


async def collect(subscription: SubscriptionCore, delay_s: float) -> None:
    """Let records gather, in slices: a close is seen soon. Also without a delay other tasks get their turn."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + delay_s
    await asyncio.sleep(min(delay_s, LOOK_UP_S))
    while not subscription.closed and (left_s := until_s - loop.time()) > 0:
        await asyncio.sleep(min(left_s, LOOK_UP_S))

"""Level 3: a subscription as an asynchronous iterator."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from pricecore.delivery.bells import bell_of
from pricecore.delivery.subscription_core import SubscriptionCore
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
                # Also without a delay: other tasks of the loop get their turn.
                await asyncio.sleep(max_delay_s if len(batch) < max_items else 0)
            elif subscription.has_news:
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                await bell.wait(subscription.next_sequence - 1)

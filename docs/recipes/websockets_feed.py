"""A feed over `websockets`: connects, subscribes, hands bytes on, reconnects for ever, and ends when it is cancelled.

Run it: `python websockets_feed.py URL --format binance`.
"""

import asyncio
import logging
import random

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from pricecore.feeds import Feed

log = logging.getLogger("feed")
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 30.0
SILENCE_S = 60.0  # connected is not receiving: a connection that brings nothing for so long is made anew


async def receive(url: str, feed: Feed, subscribe: str | None) -> None:
    """Feed one connection until it ends, which is always an exception; TimeoutError when it is silent."""
    # Not compressed: less work for each message. close_timeout: a peer that is gone answers no close frame.
    websocket = await connect(url, compression=None, close_timeout=2.0)
    try:
        log.info("connected to %s", url)
        if feed.received:
            feed.reconnected()
        if subscribe is not None:
            await websocket.send(subscribe)
        while True:
            received = feed.received
            try:
                async with asyncio.timeout(SILENCE_S):  # one for many messages: it costs more than feeding one
                    while True:
                        feed.feed(await websocket.recv(decode=False))  # bytes: the feed needs no str
            except TimeoutError:
                if feed.received == received:
                    raise TimeoutError(f"nothing came for {SILENCE_S} s") from None
    finally:
        await websocket.close()  # `async with` would call a cancelled task an internal error


async def follow(url: str, feed: Feed, subscribe: str | None = None) -> None:
    """Feed what `url` sends until cancelled; a connection that cannot be made, ends or falls silent is made anew."""
    delay_s = FIRST_DELAY_S
    while True:
        received = feed.received
        try:
            await receive(url, feed, subscribe)
        except (OSError, ConnectionClosed, InvalidHandshake) as error:  # TimeoutError is an OSError
            # Only a message shows that the venue is back: one that accepts and closes at once is not hammered.
            delay_s = FIRST_DELAY_S if feed.received > received else min(2 * delay_s, LONGEST_DELAY_S)
            log.warning("not connected (%s: %s); next try within %.1f s", type(error).__name__, error, delay_s)
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # not all clients of a venue at the same moment


if __name__ == "__main__":
    from command_line import parse, run

    asyncio.run(run(follow, parse(__doc__)))

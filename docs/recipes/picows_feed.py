"""A feed over `picows`: its callback gets each frame as it is read, with no queue and no task switch between.

python picows_feed.py wss://stream.binance.com:9443/ws/btcusdt@trade --format binance
"""

import asyncio
import logging
import random
from contextlib import suppress

from picows import (
    WSCloseCode,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSProtocolError,
    WSTransport,
    ws_connect,
)

from pricecore.feeds import Feed

log = logging.getLogger("feed")
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 30.0
SILENCE_S = 60.0  # connected is not receiving: a connection that brings nothing for so long is made anew


class Listener(WSListener):
    """Hands the messages of one connection on. What the feed raises comes out of `wait_disconnected`."""

    def __init__(self, feed: Feed, subscribe: str | None) -> None:
        self.feed, self.subscribe = feed, subscribe
        self.transport: WSTransport | None = None
        self.parts: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        log.info("connected")
        self.transport = transport
        if self.feed.received:
            self.feed.reconnected()  # here: frames may come before `ws_connect` returns
        if self.subscribe is not None:
            transport.send(WSMsgType.TEXT, self.subscribe.encode())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.fin and not self.parts:
            if frame.msg_type != WSMsgType.PONG:  # PING does not get here: picows answers it
                self.feed.feed(frame.get_payload_as_bytes())
        else:
            self.join(frame)

    def join(self, frame: WSFrame) -> None:
        """Feed a message that comes in several frames, which picows leaves to us."""
        self.parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            self.feed.feed(b"".join(self.parts))
            self.parts.clear()


async def receive(url: str, feed: Feed, subscribe: str | None) -> None:
    """Feed one connection until it ends; TimeoutError when it is silent."""
    listener = Listener(feed, subscribe)
    try:
        transport, _ = await ws_connect(lambda: listener, url)
        while True:
            received = feed.received
            try:
                async with asyncio.timeout(SILENCE_S):
                    return await transport.wait_disconnected()
            except TimeoutError:
                if feed.received == received:
                    raise
    finally:
        if listener.transport is not None:  # also when cancelled before `ws_connect` returned
            await leave(listener.transport)


async def leave(transport: WSTransport) -> None:
    """Close a connection, if it is not closed; what ended it has been told already."""
    transport.send_close(WSCloseCode.OK)
    transport.disconnect()
    with suppress(Exception):
        async with asyncio.timeout(2.0):
            await transport.wait_disconnected()


async def follow(url: str, feed: Feed, subscribe: str | None = None) -> None:
    """Feed what `url` sends until cancelled; a connection that cannot be made, ends or falls silent is made anew."""
    delay_s = FIRST_DELAY_S
    while True:
        received, reason = feed.received, "closed by the venue"
        try:
            await receive(url, feed, subscribe)
        except (OSError, WSHandshakeError, WSProtocolError) as error:  # TimeoutError is an OSError
            reason = f"{type(error).__name__}: {error}"
        # Only a message shows that the venue is back: one that accepts and closes at once is not hammered.
        delay_s = FIRST_DELAY_S if feed.received > received else min(2 * delay_s, LONGEST_DELAY_S)
        log.warning("not connected (%s); next try within %.1f s", reason, delay_s)
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # not all clients of a venue at the same moment


if __name__ == "__main__":
    from command_line import parse, run

    asyncio.run(run(follow, parse(__doc__)))

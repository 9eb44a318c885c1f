"""A feed over `picows`: its callback gets each frame as it is read, with no queue and no task switch between.

Run it: `python picows_feed.py URL --format binance`.
"""

import asyncio
import logging
import random
from contextlib import suppress

import picows
from picows import WSMsgType, WSTransport

from pricecore.feeds import Feed

log = logging.getLogger("feed")
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 30.0
SILENCE_S = 60.0  # connected is not receiving: a connection that brings nothing for so long is made anew


class Listener(picows.WSListener):
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

    def on_ws_frame(self, transport: WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type != WSMsgType.PONG:  # PING does not get here: picows answers it
            self.parts.append(frame.get_payload_as_bytes())
            if frame.fin:  # picows leaves it to us to join the frames of a message
                self.feed.feed(b"".join(self.parts))
                self.parts.clear()


async def receive(url: str, feed: Feed, subscribe: str | None) -> None:
    """Feed one connection until it ends; TimeoutError when it is silent."""
    listener = Listener(feed, subscribe)
    try:
        transport, _ = await picows.ws_connect(lambda: listener, url)
        while True:
            received = feed.received
            try:
                async with asyncio.timeout(SILENCE_S):
                    return await transport.wait_disconnected()
            except TimeoutError:
                if feed.received == received:
                    raise TimeoutError(f"nothing came for {SILENCE_S} s") from None
    finally:
        if listener.transport is not None:  # also when cancelled before `ws_connect` returned
            listener.transport.send_close(picows.WSCloseCode.OK)
            listener.transport.disconnect()
            with suppress(Exception):  # what ended the connection was raised above
                await asyncio.wait_for(listener.transport.wait_disconnected(), 2.0)


async def follow(url: str, feed: Feed, subscribe: str | None = None) -> None:
    """Feed what `url` sends until cancelled; a connection that cannot be made, ends or falls silent is made anew."""
    delay_s = FIRST_DELAY_S
    while True:
        received, reason = feed.received, "closed by the venue"
        try:
            await receive(url, feed, subscribe)
        except (OSError, picows.WSHandshakeError, picows.WSProtocolError) as error:  # TimeoutError is an OSError
            reason = f"{type(error).__name__}: {error}"
        # Only a message shows that the venue is back: one that accepts and closes at once is not hammered.
        delay_s = FIRST_DELAY_S if feed.received > received else min(2 * delay_s, LONGEST_DELAY_S)
        log.warning("not connected (%s); next try within %.1f s", reason, delay_s)
        await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # not all clients of a venue at the same moment


if __name__ == "__main__":
    from command_line import parse, run

    asyncio.run(run(follow, parse(__doc__)))

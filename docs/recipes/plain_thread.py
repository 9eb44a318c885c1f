"""A feed in a plain thread, with no event loop: one thread receives and feeds, any others read prices.

Run it: `python plain_thread.py URL --format binance --symbol BTCUSDT`.
"""

import logging
import random
import threading
import time
from collections.abc import Iterator

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from pricecore.feeds import Feed

log = logging.getLogger("feed")
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 30.0
SILENCE_S = 60.0  # connected is not receiving: a connection that brings nothing for so long is made anew
POLL_S = 0.2  # a stop is noticed within it


def messages(websocket: ClientConnection, stop: threading.Event) -> Iterator[tuple[int, bytes]]:
    """Yield receive time and bytes of each message until `stop`. A queue or a socket would stand here as well."""
    heard_s = time.monotonic()
    while not stop.is_set():
        try:
            raw = websocket.recv(POLL_S, decode=False)  # bytes: the feed needs no str
        except TimeoutError:
            if time.monotonic() - heard_s > SILENCE_S:
                raise TimeoutError(f"nothing came for {SILENCE_S} s") from None
            continue
        heard_s = time.monotonic()
        yield time.time_ns(), raw


def receive(url: str, feed: Feed, stop: threading.Event, subscribe: str | None) -> None:
    """Feed one connection until it ends, which is an exception, or until `stop`."""
    with connect(url, compression=None, close_timeout=2.0) as websocket:
        log.info("connected to %s", url)
        if feed.received:
            feed.reconnected()
        if subscribe is not None:
            websocket.send(subscribe)
        for received_ns, raw in messages(websocket, stop):
            feed.feed(raw, received_ns)  # a message that waited in a queue of yours is as old as it is


def follow(url: str, feed: Feed, stop: threading.Event, subscribe: str | None = None) -> None:
    """Feed what `url` sends until `stop`; a connection that cannot be made, ends or falls silent is made anew."""
    delay_s = FIRST_DELAY_S
    while not stop.is_set():
        received = feed.received
        try:
            receive(url, feed, stop, subscribe)
        except (OSError, ConnectionClosed, InvalidHandshake) as error:  # TimeoutError is an OSError
            # Only a message shows that the venue is back: one that accepts and closes at once is not hammered.
            delay_s = FIRST_DELAY_S if feed.received > received else min(2 * delay_s, LONGEST_DELAY_S)
            log.warning("not connected (%s: %s); next try within %.1f s", type(error).__name__, error, delay_s)
            stop.wait(delay_s * random.uniform(0.5, 1.0))  # not all clients of a venue at the same moment


if __name__ == "__main__":
    from command_line import parse, run_thread

    run_thread(follow, parse(__doc__))

"""The one process that feeds a named engine; any other process of the machine reads it by `pricecore.attach(NAME)`.

Start it twice: the second one stands by while the first one writes, and takes over when that is gone, killed or not.
Run it: `python shared_feed.py URL --format binance --name md`.
"""

import asyncio
import logging

from websockets_feed import follow

from pricecore import PriceEngine, SegmentInUseError
from pricecore.feeds import Feed

log = logging.getLogger("feed")
STAND_BY_S = 0.2  # how often a process that stands by tries


async def next_writer(name: str) -> PriceEngine:
    """Return the engine of this name, as soon as no other process writes it."""
    reason = ""
    while True:
        try:
            return PriceEngine(name)  # goes on with the prices, symbols and sequence of the one before
        except SegmentInUseError as error:
            if reason != str(error):  # which names the process
                reason = str(error)
                log.info("standing by: %s", reason)
        await asyncio.sleep(STAND_BY_S)


async def write(
    name: str, url: str, venue: str, prefix: str = "", subscribe: str | None = None, stale_after_s: float = 5.0
) -> None:
    """Feed what `url` sends into the engine of this name, until cancelled."""
    with await next_writer(name) as engine, Feed(engine, venue, prefix, stale_after_s) as feed:
        log.info("writing %r", name)
        await follow(url, feed, subscribe)


if __name__ == "__main__":
    from command_line import parse, until_told

    options = parse(__doc__)
    settings = options.prefix, options.subscribe, options.stale_after_s
    asyncio.run(until_told(write(options.name, options.url, options.format, *settings)))

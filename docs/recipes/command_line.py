"""What the recipes share to run from a shell: options, alarm, shutdown and report. No part of what you paste."""

import argparse
import asyncio
import json
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict

from pricecore import PriceEngine
from pricecore.feeds import Feed


def parse(description: str) -> argparse.Namespace:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--format", default="binance")
    parser.add_argument("--prefix", default="", help="put before every symbol as it is, for example BINANCE:")
    parser.add_argument("--subscribe", help="sent on every new connection, as the venue wants it")
    parser.add_argument("--stale-after-s", type=float, default=5.0)
    parser.add_argument("--symbol", help="plain_thread.py: the symbol whose price is shown once a second")
    parser.add_argument("--port", type=int, default=8000, help="fastapi_service.py: where the service listens")
    parser.add_argument("--name", default="md", help="shared_feed.py: the name under which other processes read")
    return parser.parse_args()


def make_feed(engine: PriceEngine, options: argparse.Namespace) -> Feed:
    return Feed(engine, options.format, options.prefix, options.stale_after_s, on_stale=warn)


def warn(symbols: list[str]) -> None:
    """Tell of stale symbols; runs in a thread of the feed's own."""
    logging.getLogger("feed").warning("stale: %s", ", ".join(symbols) or "the whole feed, before its first price")


def report(engine: PriceEngine, feed: Feed) -> None:
    last = {update.symbol: update.price for update in map(engine.get, engine.symbols()) if update is not None}
    print(json.dumps({"counts": asdict(feed.counts), "prices": last}), flush=True)


def cancel_when_told() -> None:
    """Let Ctrl-C and SIGTERM cancel the task that calls this."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def until_told(work: Awaitable[None]) -> None:
    """Run something until Ctrl-C or SIGTERM."""
    cancel_when_told()
    with suppress(asyncio.CancelledError):
        await work
    logging.getLogger("feed").info("stopped")


async def run(follow: Callable[[str, Feed, str | None], Awaitable[None]], options: argparse.Namespace) -> None:
    """Run a feed until Ctrl-C or SIGTERM, then print what came."""
    cancel_when_told()
    with PriceEngine() as engine, make_feed(engine, options) as feed:
        try:
            await follow(options.url, feed, options.subscribe)
        except asyncio.CancelledError:
            logging.getLogger("feed").info("stopped")
        report(engine, feed)


def run_thread(follow: Callable[[str, Feed, threading.Event, str | None], None], options: argparse.Namespace) -> None:
    """As `run`, with the feed in a thread; this one reads prices."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with PriceEngine() as engine, make_feed(engine, options) as feed:
        thread = threading.Thread(target=follow, args=(options.url, feed, stop, options.subscribe))
        thread.start()
        while thread.is_alive() and not stop.wait(1.0):
            if options.symbol in engine:
                print(options.symbol, engine.price(options.symbol), flush=True)
        thread.join()
        report(engine, feed)

"""The bundled capture as a venue sent it, and what a plain reader makes of messages, without pricecore."""

import gzip
import json
from collections.abc import Iterable

from helpers.sources import PACKAGE

ACK = b'{"result":null,"id":1}'
GARBAGE = (b"", b"<html>502</html>", b'{"e":"trade","s":', b"\xff\xfe\x00\x01", b'{"stream":"x","data":"\xc3"}')
"""Text frames that are no message: empty, a proxy's page, half of one, no UTF-8, no UTF-8 inside."""


def capture(name: str = "binance_spot") -> list[bytes]:
    """Return the messages of one of the bundled files, without their receive times."""
    with gzip.open(PACKAGE / "data" / f"{name}.gz") as lines:
        return [line.rstrip(b"\n").partition(b" ")[2] for line in lines]


def events(messages: Iterable[bytes]) -> Iterable[dict]:
    """Yield the event of every message that holds one."""
    for message in messages:
        try:
            content = json.loads(message)
        except ValueError:
            continue
        yield content.get("data", content)


def last_trades(messages: Iterable[bytes]) -> dict[str, float]:
    """Return the price of each symbol's last trade."""
    return {event["s"]: float(event["p"]) for event in events(messages) if event.get("e") == "trade"}


def last_quotes(messages: Iterable[bytes]) -> dict[str, tuple[float, float]]:
    """Return bid and ask of each symbol's last quote; spot's quotes name no event."""
    return {
        event["s"]: (float(event["b"]), float(event["a"]))
        for event in events(messages)
        if "s" in event and event.get("e", "bookTicker") == "bookTicker"
    }


def count_priced(messages: Iterable[bytes]) -> int:
    """Return how many messages are a trade or a quote."""
    return sum("s" in event and event.get("e", "bookTicker") in ("trade", "bookTicker") for event in events(messages))

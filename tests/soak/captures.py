"""What a soak plays: recorded messages of venues, or the sample that comes with the package."""

from pathlib import Path
from typing import NamedTuple

from pricecore.feeds.capture import Capture, timed_messages
from pricecore.feeds.sample import SAMPLE_FILES

_RECORDED = (
    ("spot", "binance", "binance_spot/btcusdt_20240808.gz"),
    ("spot", "binance", "binance_spot/ethusdt_20240808.gz"),
    ("usdm", "binance", "binance_usdm/btcusdt_20240808.gz"),
    ("usdm", "binance", "binance_usdm/ethusdt_20240808.gz"),
    ("delivery", "binance", "cryptofeed/BINANCE_DELIVERY.ws.1.0.gz"),
    ("coinbase", "coinbase", "cryptofeed/COINBASE.ws.28.0.gz"),
    ("okx", "okx", "cryptofeed/OKX.ws.1.0.gz"),
    ("bybit", "bybit", "cryptofeed/BYBIT.ws.25.0.gz"),
)
MOST_MESSAGES = 60_000
"""Of each file: they stay in memory for the whole run."""


class Line(NamedTuple):
    """A connection to a venue: label of its symbols, format, and the file that is played on it."""

    label: str
    format: str
    path: str


def lines(data: Path | None) -> tuple[str, list[Line]]:
    """Return what is played, in words, and the lines: the recorded days in this folder, or else the bundled sample."""
    if data is not None:
        found = [Line(label, kind, str(data / name)) for label, kind, name in _RECORDED if (data / name).exists()]
        if found:
            return f"{len(found)} recorded captures", found
    return "bundled sample", [Line(label, "binance", str(path)) for label, path in SAMPLE_FILES]


def messages(lines: list[Line], most: int = MOST_MESSAGES) -> list[tuple[int, bytes]]:
    """Return (number of the line, message) of all lines, as if all had begun at the same moment."""
    found: list[tuple[int, int, bytes]] = []
    for number, line in enumerate(lines):
        capture = Capture(line.path)
        first_ns = None
        for (time_ns, _, message), _ in zip(timed_messages(capture.lines(), number), range(most), strict=False):
            first_ns = time_ns if first_ns is None else first_ns
            found.append((time_ns - first_ns, number, bytes(message)))
        capture.close()
    found.sort(key=lambda one: one[0])
    return [(number, message) for _, number, message in found]

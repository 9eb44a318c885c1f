"""The bundled sample of real ticks, played in a loop: a live engine for a first look at page and terminal view."""

import threading
import time
from pathlib import Path
from typing import Any, Self

from pricecore.engine.price_engine import PriceEngine
from pricecore.feeds.capture import Capture, timed_messages
from pricecore.feeds.feed import Feed

_DATA = Path(__file__).parent.parent / "data"
SAMPLE_FILES = (("spot", _DATA / "binance_spot.gz"), ("usdm", _DATA / "binance_usdm.gz"))
"""Label and path of each file; both are captures of Binance."""

SAMPLE_LABEL = "bundled sample"
"""What people see as the name of an engine that has none."""

_FORMAT = "binance"
_READ_EVERY_S = 0.25
_SLICE_NS = 20_000_000
"""Messages this close together are fed one behind the other: 50 wake-ups a second, and not one a message."""

Slice = tuple[float, list[tuple[int, bytes]]]


class SampleEngine:
    """An engine of its own that gets the sample at the speed at which it was recorded, again and again.

    Prices are the newest of the loop; each loop begins with older source times than the one before it ended with,
    hence the engine is made with ``out_of_order="apply"``.

    Parameters
    ----------
    **options
        For the engine: a name, a log.

    Attributes
    ----------
    engine : PriceEngine
        Closed by `close`.

    Raises
    ------
    OSError
        The sample is not there or cannot be read.

    Threads: one of its own feeds, and one takes what came, as a subscription called "reader"; both are daemons; `close`
    any. Cost: a megabyte for the messages, 0.5 % of a core.
    """

    def __init__(self, **options: Any) -> None:
        self._slices = _slices()
        self._stopped = threading.Event()
        self.engine = PriceEngine(on_bad="count", out_of_order="apply", **options)
        self._thread = threading.Thread(target=self._play, name="pricecore-sample", daemon=True)
        self._thread.start()
        self._reader = self.engine.subscribe(name="reader")
        self._reader.deliver(len, max_delay_s=_READ_EVERY_S)

    def close(self) -> None:
        """Stop feeding and close the engine. Threads: any. Cost: waits for the messages of one slice."""
        self._stopped.set()
        self._thread.join()
        self._reader.close()
        self.engine.close()

    def _play(self) -> None:
        feeds = [Feed(self.engine, _FORMAT, prefix=f"{label}:") for label, _ in SAMPLE_FILES]
        while not self._stopped.is_set():
            started_s = time.monotonic()
            for due_s, messages in self._slices:
                if self._stopped.wait(max(0.0, started_s + due_s - time.monotonic())):
                    break
                for number, message in messages:
                    feeds[number].feed(message)
            for feed in feeds:
                feed.reconnected()  # the venue's numbers begin anew
        for feed in feeds:
            feed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _slices() -> list[Slice]:
    """Return the messages of all files by receive time, in slices that are due so many seconds after the first."""
    messages = []
    for number, (_, path) in enumerate(SAMPLE_FILES):
        capture = Capture(path)
        messages += list(timed_messages(capture.lines(), number))
        capture.close()
    messages.sort(key=lambda record: record[0])
    slices: dict[int, list[tuple[int, bytes]]] = {}
    for time_ns, number, message in messages:
        slices.setdefault((time_ns - messages[0][0]) // _SLICE_NS, []).append((number, message))
    return [(number * _SLICE_NS / 1e9, content) for number, content in slices.items()]

"""The live line of a run on a terminal."""

import threading
import time
from collections.abc import Sequence
from typing import TextIO

from pricecore.feeds.source import Source

_INTERVAL_S = 0.25


class Progress:
    """Rewrites one line with share, lines and rates while it is entered; does nothing where there is no terminal.

    Parameters
    ----------
    sources : sequence of Source
        Their counts are read; nothing is asked of the thread that works.
    stream : text stream
        Usually stderr.

    Threads: has one of its own, a daemon.
    Cost: four short wake-ups a second.
    """

    def __init__(self, sources: Sequence[Source], stream: TextIO) -> None:
        self._sources = sources
        self._stream = stream
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._show, name="pricecore-progress", daemon=True)

    def __enter__(self) -> "Progress":
        if self._stream.isatty():
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _show(self) -> None:
        before_s, lines_before, updates_before = time.monotonic(), 0, 0
        while not self._done.wait(_INTERVAL_S):
            now_s, (lines, updates) = time.monotonic(), self._counts()
            lines_per_s = (lines - lines_before) / (now_s - before_s)
            updates_per_s = (updates - updates_before) / (now_s - before_s)
            rates = f"{lines_per_s:>9,.0f} lines/s  {updates_per_s:>9,.0f} updates/s"
            self._write(f"{self._percent()}  {lines:>11,} lines  {rates}")
            before_s, lines_before, updates_before = now_s, lines, updates
        self._write("")

    def _counts(self) -> tuple[int, int]:
        """Return lines and updates so far."""
        updates = sum(source.sink.trades + source.sink.quotes for source in self._sources)
        return sum(source.lines for source in self._sources), updates

    def _percent(self) -> str:
        size_bytes = sum(source.capture.size_bytes for source in self._sources)
        if not size_bytes:
            return "  ? %"
        return f"{sum(source.capture.position_bytes for source in self._sources) / size_bytes:5.0%}"

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()

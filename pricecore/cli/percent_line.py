"""A line on a terminal that says how much of a task is done."""

import time
from types import TracebackType
from typing import TextIO

_INTERVAL_S = 0.1
_WIDTH = 30


class PercentLine:
    """Rewrites one line with a bar, the share that is done and the time left; nothing where there is no terminal.

    Call it with what is done and the whole, in any unit. When the block ends, the line is wiped.

    Threads: one. Cost: a comparison a call, a short write ten times a second.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._start_s = time.monotonic()
        self._next_s = 0.0

    def __enter__(self) -> "PercentLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown and self._next_s:
            self._write("")

    def __call__(self, done: int, total: int) -> None:
        now_s = time.monotonic()
        if not self._shown or now_s < self._next_s:
            return
        self._next_s = now_s + _INTERVAL_S
        share = done / total if total else 1.0
        left_s = (now_s - self._start_s) * (1 - share) / share if share else float("inf")
        left = f"{left_s:,.0f} s left" if left_s < 1e6 else ""
        self._write(f"[{'#' * int(_WIDTH * share):<{_WIDTH}}] {share:4.0%}  {left}")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()

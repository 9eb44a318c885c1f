"""Ctrl-C and SIGTERM that stop a run between two lines, so that its accounts still add up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Takes both signals while it is entered.

    A signal sets `requested`. Only while `waiting` is True, which is when the run may be blocked in a read, it raises
    KeyboardInterrupt as well: so never between an update and the count of its line, and never inside the report.

    Threads: entered by the main thread, as Python asks of signal handlers.
    Cost: none while no signal comes.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.requested = False
        self.waiting = False
        self._before: list = []

    def __enter__(self) -> "Stop":
        self._before = [signal.signal(number, self._handle) for number in self.SIGNALS]
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in zip(self.SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    @contextmanager
    def waiting_for_input(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt inside the block, also one that came before it."""
        self.waiting = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self.waiting = False

    def _handle(self, number: int, frame: object) -> None:
        self.requested = True
        if self.waiting:
            self.waiting = False
            raise KeyboardInterrupt

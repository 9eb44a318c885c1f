"""A process that reads the engine by its name, and is killed and started again: `python -m soak.reader SETTINGS`."""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable

from soak.delivery import Delivery
from soak.talking import answer
from soak.worker import Problems, Worker

from pricecore import EngineView, SegmentError, WriterDiedError, attach

PATIENCE_S = 60.0
_GONE = (WriterDiedError, SegmentError)


def attached(name: str) -> EngineView:
    """Return a view of the engine as soon as there is one."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return attach(name)
        except SegmentError:
            if time.monotonic() > until_s:
                raise
        time.sleep(0.05)


class Following(Worker):
    """Takes every record, through each restart of the writer."""

    def __init__(self, view: EngineView, problems: Problems, delivery: Delivery) -> None:
        super().__init__(f"reader {delivery.name}", None, problems)
        self.view, self.delivery = view, delivery

    def work(self) -> None:
        while not self.stopped.is_set():
            try:
                self._follow()
            except SegmentError:  # of other sizes, or removed: another stream
                time.sleep(0.05)

    def _follow(self) -> None:
        with self.view.subscribe(mode="all" if self.delivery.every else "conflate") as subscription:
            self.delivery.begin(subscription)
            while not self.stopped.is_set():
                try:
                    batch = subscription.poll(4_096, 0.5)
                except WriterDiedError:  # the next writer goes on with the same stream
                    time.sleep(0.01)
                    continue
                self.delivery.take(batch, subscription, len(self.view))


class Looking(Worker):
    """Reads prices as fast as a busy service does, and judges them."""

    def __init__(self, view: EngineView, problems: Problems) -> None:
        super().__init__("reader of prices", None, problems)
        self.view, self.reads = view, 0

    def work(self) -> None:
        while not self.stopped.wait(0.01):
            with contextlib.suppress(*_GONE):
                self._look()

    def _look(self) -> None:
        for symbol in self.view.symbols()[:50]:
            for value in (self._of(self.view.price, symbol), self._of(self.view.mid, symbol)):
                if value is not None and not 0.0 < value < 1e9:
                    self.problems.add(f"reader: {symbol} at {value}")
            self.reads += 1

    def _of(self, read: Callable[[str], float], symbol: str) -> float | None:
        with contextlib.suppress(KeyError):  # trades only, or quotes only
            return read(symbol)
        return None


def main() -> None:
    """Follow until standard input ends."""
    settings = json.loads(sys.argv[1])
    problems, view = Problems(), attached(settings["name"])
    following = Following(view, problems, Delivery("reader", every=True))
    looking = Looking(view, problems)
    workers = [following, Following(view, problems, Delivery("conflating reader", every=False)), looking]
    for worker in workers:
        worker.start()

    def sample() -> dict:
        return {
            "problems": list(problems),
            "figures": following.delivery.sample()
            | {"reads": looking.reads, "python_threads": threading.active_count()},
        }

    answer({"sample": sample})
    for worker in workers:
        worker.end()


if __name__ == "__main__":
    main()

"""A thread of the soak that must not end by an error: what it raised becomes a problem of the run."""

import threading
import traceback

from pricecore import EngineClosedError, PriceEngine

MOST_PROBLEMS = 20


class Problems(list[str]):
    """What went wrong, the first of it."""

    def add(self, text: str) -> None:
        if len(self) < MOST_PROBLEMS:
            self.append(text)


class Worker(threading.Thread):
    """Runs `work` until `stop`, or until its engine is closed."""

    def __init__(self, name: str, engine: PriceEngine | None, problems: Problems) -> None:
        super().__init__(name=name, daemon=True)
        self.engine = engine
        self.problems = problems
        self.stopped = threading.Event()

    def run(self) -> None:
        try:
            self.work()
        except EngineClosedError as error:
            if self.engine is None or not self.engine.closed:
                self.problems.add(f"{self.name}: {error}")
        except Exception:
            self.problems.add(f"{self.name}: {traceback.format_exc()}")

    def work(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.stopped.set()

    def end(self, patience_s: float = 60.0) -> None:
        """Stop it and wait for it; one that does not come back is a problem."""
        self.stop()
        self.join(patience_s)
        if self.is_alive():
            self.problems.add(f"{self.name} does not end within {patience_s:.0f} s")

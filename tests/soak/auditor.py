"""A process that reads the log while it is written, from the first record on: `python -m soak.auditor SETTINGS`."""

import json
import sys
import time
from pathlib import Path

from soak.chunks import Chunks
from soak.talking import answer
from soak.worker import Problems, Worker

from pricecore import EventLog, LogNotFoundError

PATIENCE_S = 60.0


def opened(folder: Path) -> EventLog:
    """Return the log as soon as there is one."""
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return EventLog.open(folder)
        except LogNotFoundError:
            if time.monotonic() > until_s:
                raise
        time.sleep(0.05)


class Auditing(Worker):
    """Follows the log and keeps a checksum of each chunk of what it gives."""

    def __init__(self, log: EventLog, problems: Problems) -> None:
        super().__init__("auditor", None, problems)
        self.log, self.chunks = log, Chunks()
        self.gaps: set[tuple[int, int, str]] = set()

    def work(self) -> None:
        while not self.stopped.is_set():
            holes = len(self.chunks.holes)
            for records in self.log.tail(start=self.chunks.last + 1, timeout_s=1.0):
                self.chunks.add(records)
                if len(self.chunks.holes) > holes:
                    holes = len(self.chunks.holes)
                    self._look_for_gaps()
                if self.stopped.is_set():
                    return

    def _look_for_gaps(self) -> None:
        """Before retention removes the file that tells of it."""
        self.log.refresh()
        self.gaps |= {(gap.first_sequence, gap.last_sequence, gap.reason) for gap in self.log.gaps}


def main() -> None:
    """Follow until standard input ends."""
    settings = json.loads(sys.argv[1])
    problems = Problems()
    auditing = Auditing(opened(Path(settings["log"])), problems)
    auditing.start()

    def sample() -> dict:
        return {
            "last": auditing.chunks.last,
            "problems": list(problems),
            "chunks": auditing.chunks.take(),
            "holes": list(auditing.chunks.holes),
            "gaps": sorted(auditing.gaps),
        }

    answer({"sample": sample})
    auditing.end()


if __name__ == "__main__":
    main()

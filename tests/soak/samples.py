"""The samples of a run, in a CSV file as they come."""

import csv
import math
from pathlib import Path


class Samples:
    """Writes a row at a time; the first one has all columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", newline="")
        self._writer: csv.DictWriter | None = None

    def add(self, row: dict[str, float]) -> None:
        """Append a row; a figure that there was not in the first one is left out, one that is missing stays empty."""
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row), restval="", extrasaction="ignore")
            self._writer.writeheader()
        self._writer.writerow({name: f"{value:.10g}" for name, value in row.items() if not math.isnan(value)})
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def read(self) -> dict[str, list[float]]:
        """Return all columns; NaN where there was nothing."""
        with self.path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name] or math.nan) for row in rows] for name in rows[0]} if rows else {"t_s": []}

"""What `pricecore replay` shows: a line while it runs, and the report."""

import json
import math
import time
from types import TracebackType
from typing import Self, TextIO

import numpy as np
from numpy.typing import NDArray

from pricecore.cli.price_table import count_line, price_of, price_table
from pricecore.engine.price_engine import PriceEngine
from pricecore.eventlog.event_log import EventLog

_INTERVAL_S = 0.25
_PRICE, _QUOTE = 0, 1


class Seen:
    """Counts the records that went in, and shows it on a terminal.

    Parameters
    ----------
    log : EventLog
    stream : text stream
        Usually stderr.

    Threads: one. Cost: a pass over the kinds and times of each block; a line four times a second.
    """

    def __init__(self, log: EventLog, stream: TextIO) -> None:
        self.records = self.trades = self.quotes = self.first_sequence = self.last_sequence = 0
        self.first_ns = self.last_ns = 0
        self.wall_s = 0.0
        self._end = max(log.last_sequence, 1)
        self._stream = stream if stream.isatty() else None
        self._started_s = self._shown_s = time.monotonic()
        self._shown_records = 0

    def __enter__(self) -> Self:
        self._started_s = self._shown_s = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_s = time.monotonic() - self._started_s
        self._write("")

    def count(self, records: NDArray[np.void]) -> None:
        """Count one block."""
        kinds = records["kind"]
        times = records["received_ns"][kinds <= _QUOTE]
        if len(times):
            self.first_ns = self.first_ns or int(times[0])
            self.last_ns = int(times[-1])
        self.trades += int(np.count_nonzero(kinds == _PRICE))
        self.quotes += int(np.count_nonzero(kinds == _QUOTE))
        self.records += len(records)
        self.first_sequence = self.first_sequence or int(records["sequence"][0])
        self.last_sequence = int(records["sequence"][-1])
        if self._stream is not None and time.monotonic() - self._shown_s >= _INTERVAL_S:
            self._show()

    def _show(self) -> None:
        now_s = time.monotonic()
        rate = (self.records - self._shown_records) / (now_s - self._shown_s)
        self._write(f"{self.last_sequence / self._end:5.0%}  {self.records:>11,} records  {rate:>11,.0f} records/s")
        self._shown_s, self._shown_records = now_s, self.records

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()


def summarise(
    log: EventLog, engine: PriceEngine, seen: Seen, speed: float, interrupted: bool, damage: str
) -> dict[str, object]:
    """Return all figures of a replay as plain values; what is not there is None.

    Threads: any.
    Cost: one pass over the symbols.
    """
    ring_sequence = engine.metrics().ring.sequence
    return {
        "log": str(log.path),
        "records": seen.records,
        "trades": seen.trades,
        "quotes": seen.quotes,
        "first_sequence": seen.first_sequence or None,
        "last_sequence": seen.last_sequence or None,
        "kept_sequence": bool(seen.records) and ring_sequence == seen.last_sequence,
        "gaps": [gap._asdict() for gap in log.gaps],
        "torn": None if log.torn is None else log.torn._asdict(),
        "symbols": len(engine),
        "speed": None if math.isinf(speed) else speed,
        "recorded_s": (seen.last_ns - seen.first_ns) / 1e9,
        "wall_s": seen.wall_s,
        "records_per_s": seen.records / seen.wall_s if seen.wall_s > 0 else 0.0,
        "interrupted": interrupted,
        "damage": damage or None,
        "prices": [price_of(engine, symbol) for symbol in engine.symbols()],
    }


def as_json(summary: dict) -> str:
    """Return the summary as one JSON object on one line."""
    return json.dumps(summary, allow_nan=False)


def as_text(summary: dict) -> str:
    """Return the summary for people."""
    ended = "stopped early" if summary["interrupted"] else "stopped by damage" if summary["damage"] else "done"
    speed = f", at {summary['speed']:g} times the speed of the recording" if summary["speed"] else ""
    lines = [
        f"pricecore replay: {ended}, {summary['log']} in {summary['wall_s']:.3f} s{speed}",
        "",
        count_line("records", summary["records"], f"{summary['records_per_s']:,.0f} /s"),
        count_line("trades", summary["trades"]),
        count_line("quotes", summary["quotes"]),
        count_line("symbols", summary["symbols"]),
        *_sequences(summary),
        f"  {'recorded':<20}{summary['recorded_s']:>14,.3f}   seconds between the first and the last",
    ]
    return "\n".join([*lines, "", *price_table(summary["prices"])])


def _sequences(summary: dict) -> list[str]:
    """Return which sequences went in, and which are missing."""
    lines = []
    if summary["records"]:
        kept = "as recorded" if summary["kept_sequence"] else "others in this engine"
        lines.append(count_line("first sequence", summary["first_sequence"]))
        lines.append(count_line("last sequence", summary["last_sequence"], kept))
    lines += [
        count_line("missing", gap["last_sequence"] - gap["first_sequence"] + 1, f"from {gap['first_sequence']:,} on")
        for gap in summary["gaps"]
    ]
    if summary["torn"]:
        lines.append(count_line("torn tail, bytes", summary["torn"]["size_bytes"], "left out"))
    return lines

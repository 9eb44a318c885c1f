"""`pricecore run --log DIR`: which lines are in the log, and where a run goes on that was interrupted."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress

from pricecore.cli.run_warnings import warn
from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import LogReadOnlyError
from pricecore.eventlog.layout import MAX_POSITION_BYTES
from pricecore.feeds.source import Source

_EVERY_S = 0.1
_DIGITS = 20  # of a count of lines


class OtherSourcesError(ValueError):
    """The log was written from other files than those given."""


class RunLog:
    """Marks the lines that are taken in the engine's log, and passes over those that the log has.

    Parameters
    ----------
    engine : PriceEngine
        With a log, or without: then nothing is done.
    sources : sequence of Source
        Opened, nothing taken yet.

    Raises
    ------
    OtherSourcesError
        The log comes from other files, or these have too long names.

    Threads: the one that takes the lines. Cost: a mark ten times a second.
    """

    def __init__(self, engine: PriceEngine, sources: Sequence[Source]) -> None:
        self._log = engine.log
        self._sources = sources
        self._before = [0] * len(sources)
        self._marked_s = time.monotonic()
        if self._log is None:
            return
        if len(self._position()) + len(sources) * _DIGITS > MAX_POSITION_BYTES:  # before a line is taken
            raise OtherSourcesError(f"{len(sources)} files are too many for one log: their names fill 4,096 bytes")
        if self._log.source_position:
            self._go_on(self._log.source_position)

    def _names(self) -> list[str]:
        return [f"{source.label}={source.path}" if source.label else source.path for source in self._sources]

    def _go_on(self, position: bytes) -> None:
        """Pass over the lines that come before the position."""
        try:
            known = json.loads(position)
            names, lines = list(known["files"]), [int(count) for count in known["lines"]]
        except (ValueError, TypeError, KeyError):
            raise OtherSourcesError(
                f"the log's source position {position!r:.80} is not one of `pricecore run`"
            ) from None
        if names != self._names() or len(lines) != len(names):
            raise OtherSourcesError(
                f"the log was written from {', '.join(names)}; give the same files in the same order, or another --log"
            )
        self._before = [source.records.skip(count) for source, count in zip(self._sources, lines, strict=True)]
        if sum(self._before):
            warn(f"{sum(self._before):,} lines are in the log already: goes on behind them")

    def mark(self) -> None:
        """Say which lines are taken, when it is time to say so again."""
        if self._log is not None and time.monotonic() - self._marked_s >= _EVERY_S:
            self.mark_now()

    def mark_now(self) -> None:
        """Say which lines are taken."""
        if self._log is None:
            return
        self._marked_s = time.monotonic()
        try:
            self._log.mark(self._position())
        except LogReadOnlyError:  # which the log has warned of; the run goes on, and its report says so again
            self._log = None

    def _position(self) -> bytes:
        lines = [before + source.lines for before, source in zip(self._before, self._sources, strict=True)]
        return json.dumps({"files": self._names(), "lines": lines}).encode()

    def finish(self) -> None:
        """Mark the end and wait until all of it is durable, or the log has failed."""
        self.mark_now()
        if self._log is not None:
            with suppress(LogReadOnlyError):
                self._log.wait_durable()

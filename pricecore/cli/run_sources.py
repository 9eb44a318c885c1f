"""The sources of a run: opened, and taken to their end."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing

from pricecore.cli.progress import Progress
from pricecore.cli.run_log import RunLog
from pricecore.cli.run_options import Input
from pricecore.cli.run_warnings import warn, warn_of_start
from pricecore.cli.stop import Stop
from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import FormatError
from pricecore.feeds.archive import is_archive, members
from pricecore.feeds.capture import Capture, Content
from pricecore.feeds.csv_tables import Options, with_symbol
from pricecore.feeds.formats import UNKNOWN
from pricecore.feeds.handover import Handover
from pricecore.feeds.pace import Pace
from pricecore.feeds.source import Source


class Sources:
    """Opens the files of a run.

    Parameters
    ----------
    engine : PriceEngine
        Receives the updates.
    format_name : str or None
        The format of all files; None to recognise it.
    files : ExitStack
        Closes them.

    Threads: the main thread.
    Cost: reads the first lines of each file.
    """

    def __init__(self, engine: PriceEngine, format_name: str | None, files: ExitStack) -> None:
        self.opened: list[Source] = []
        self._engine = engine
        self._format_name = format_name
        self._files = files
        self._owners: dict[str, str] = {}

    def open_all(self, inputs: Iterable[Input], stop: Stop) -> None:
        """Open all files before anything of them is applied; those opened so far when `stop` is requested.

        Raises
        ------
        OSError, FormatError
            A file cannot be read, or is not in its format; the message names it.
        """
        for wanted in inputs:
            try:
                with stop.waiting_for_input():  # a pipe may be silent
                    self._open(wanted)
            except KeyboardInterrupt:
                return
            except FormatError as error:
                raise FormatError(f"{wanted.path}: {error}") from None
        warn_of_start(self.opened)

    def _open(self, wanted: Input) -> None:
        if not is_archive(wanted.path):
            self._add(Capture(wanted.path), wanted, wanted.options)
            return
        before = len(self.opened)
        for member in members(wanted.path):
            self._add(member, wanted, with_symbol(wanted.options, member.part))
        if all(source.format is UNKNOWN for source in self.opened[before:]):
            raise FormatError("the zip archive holds no CSV and no capture in a known format")

    def _add(self, content: Content, wanted: Input, options: Options) -> None:
        on_new = None if wanted.label else self._owner_check(str(wanted.path))  # members of an archive belong together
        number = len(self.opened)
        source = Source(content, number, self._engine, wanted.label, self._format_name, on_new, options)
        self.opened.append(self._files.enter_context(closing(source)))

    def _owner_check(self, path: str) -> Callable[[str], None]:
        """Return a check for each new symbol of an unlabelled file: has another such file brought it already?"""

        def check(symbol: str) -> None:
            owner = self._owners.setdefault(symbol, path)
            if owner not in (path, ""):
                self._owners[symbol] = ""  # warned of once is enough
                warn(f"{symbol} comes from both {owner} and {path}; LABEL=FILE keeps them apart")

        return check


def ingest(
    sources: Sequence[Source], engine: PriceEngine, limit: int | None, speed: float, stop: Stop, log: RunLog
) -> float:
    """Take the lines of all sources in order of receive time; return the time it took in seconds.

    Ends early after `limit` lines, or between two lines when `stop` is requested.

    Raises
    ------
    Exception
        What the reader thread ran into.
    """
    handover = Handover(engine.pool, [source.records for source in sources], engine.pool.capacity)
    pace = None if speed == float("inf") else Pace(speed, lambda: stop.requested, _warn_of_step)
    wait_until_due = None if pace is None else pace.wait_until_due
    left = sys.maxsize if limit is None else limit
    started_s = time.perf_counter()
    with Progress(sources, sys.stderr):
        handover.start()
        try:
            while left and not handover.finished and not stop.requested:
                left -= handover.take(sources, left, wait_until_due)
                log.mark()
        finally:
            for source in sources:
                source.capture.interrupt()
            handover.stop()
        log.finish()
    wall_s = time.perf_counter() - started_s
    if pace is not None and not pace.timed and any(source.lines for source in sources):
        warn("--speed without effect: no line has a time")
    return wall_s


def _warn_of_step(seconds: float) -> None:
    warn(f"a line is due {seconds / 3600:,.1f} hours after the one before it: waits of more than an hour are left out")

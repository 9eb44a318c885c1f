"""Files of market data of any format: plain, gzip, zip; recognised, decoded and counted as `pricecore run` does it."""

from contextlib import ExitStack, closing
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path

from fuzz.harness import Reader, demand, outcome_of, own_folder
from fuzz.target_feed import check_prices
from pricecore import PriceEngine
from pricecore.errors import FormatError
from pricecore.feeds.archive import is_archive, members
from pricecore.feeds.csv_tables import Options
from pricecore.feeds.formats import FORMATS
from pricecore.feeds.source import Source

MAX_RECORDS = 512
DAY = date(2024, 8, 9)
MAPPED = {"price": "1", "time": "2:ms"}


def check(data: bytes) -> None:
    """Write the rest to a file, and read it as the first bytes say."""
    reader = Reader(data)
    asked = reader.number(1)
    names = [None, *sorted(FORMATS)]
    options = reader.number(1)
    with own_folder() as folder, ExitStack() as open_files:
        path = folder / "file"
        path.write_bytes(reader.rest())
        make = PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=1, on_bad="count", max_future_s=None)
        engine = open_files.enter_context(make)
        sources = []
        for content in contents_of(path):
            make_source = partial(Source, content, 0, engine, "X", names[asked % len(names)], None, options_of(options))
            source = outcome_of(make_source, FormatError, OSError)
            if not isinstance(source, Source):
                return
            sources.append(open_files.enter_context(closing(source)))  # members of an archive are closed together
        for source in sources:
            read(source)
        check_prices(engine)


def options_of(flags: int) -> Options:
    return Options(
        symbol="ONE" if flags & 1 else "",
        day=DAY if flags & 2 else None,
        zone="America/New_York" if flags & 4 else "",
        mapped=MAPPED if flags & 8 else None,
    )


def contents_of(path: Path) -> list[object]:
    """Return what is to be read: the file, or the members of an archive."""
    found = outcome_of(lambda: members(path) if is_archive(path) else [path], FormatError, OSError)
    return found if isinstance(found, list) else []


def read(source: Source) -> None:
    """Read one source to its end, or to a limit."""
    taken = 0
    for time_ns, number, line in islice(source.records, MAX_RECORDS):
        demand(isinstance(time_ns, int) and number == 0, "a record says when, and of which source", time_ns)
        source.take(line)
        taken += 1
    demand(source.lines == taken, "each line is priced, ignored or malformed", source.lines, taken)

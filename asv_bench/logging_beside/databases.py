"""The same records into SQLite, LMDB and a plain file of structs: in groups of 1,000, not synced, and read back."""

import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from across_processes.report import Row
from numpy.typing import NDArray

from pricecore import EventLog

from .records import names, prices

GROUP = 1_000


def rows(folder: Path, quick: bool) -> Iterator[Row]:
    count = 100_000 if quick else 1_000_000
    groups = np.split(prices(count, 1_001), range(GROUP, count, GROUP))
    ours = rates(count, lambda: write_log(folder / "log", groups), lambda: read_log(folder / "log"))
    for name, write, read in rivals():
        theirs = rates(count, lambda: write(folder / name, groups), lambda: read(folder / name))  # noqa: B023
        yield Row("append, groups of 1,000", "M/s", ours[0], name, theirs[0])
        yield Row("read all", "M/s", ours[1], name, theirs[1])


def rates(count: int, write: Callable[[], object], read: Callable[[], int]) -> tuple[float, float]:
    """Return millions of records a second, written and read."""
    begin = time.perf_counter()
    write()
    written = time.perf_counter()
    found = read()
    ended = time.perf_counter()
    if found < count:
        raise RuntimeError(f"{found} of {count} records came back")
    return count / (written - begin) / 1e6, count / (ended - written) / 1e6


def rivals() -> Iterator[tuple[str, Callable, Callable]]:
    yield "SQLite WAL", write_sqlite, read_sqlite
    try:
        import lmdb  # noqa: F401

        yield "LMDB", write_lmdb, read_lmdb
    except ImportError:
        pass
    yield "file of structs", write_structs, read_structs


def write_log(path: Path, groups: list[NDArray[np.void]]) -> None:
    with EventLog.writer(path) as log:
        log.append(names())
        for group in groups:
            log.append(group)


def read_log(path: Path) -> int:
    with EventLog.open(path) as log:
        return sum(len(records) for records in log.updates())


def write_sqlite(path: Path, groups: list[NDArray[np.void]]) -> None:
    with sqlite3.connect(path) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        database.execute(
            "create table records (sequence integer primary key, symbol_id, timestamp_ns, received_ns, price, volume)"
        )
        for group in groups:
            columns = (group[name].tolist() for name in COLUMNS)
            database.executemany("insert into records values (?, ?, ?, ?, ?, ?)", zip(*columns, strict=True))
            database.commit()


COLUMNS = ("sequence", "symbol_id", "timestamp_ns", "received_ns", "price", "volume")


def read_sqlite(path: Path) -> int:
    with sqlite3.connect(path) as database:
        return sum(1 for _ in database.execute("select * from records order by sequence"))


def write_lmdb(path: Path, groups: list[NDArray[np.void]]) -> None:
    import lmdb

    with lmdb.open(str(path), map_size=1 << 32, sync=False) as database:
        for group in groups:
            with database.begin(write=True) as transaction:
                for record in group:
                    transaction.put(struct.pack(">Q", record["sequence"]), record.tobytes(), append=True)


def read_lmdb(path: Path) -> int:
    import lmdb

    with lmdb.open(str(path), readonly=True, lock=False) as database, database.begin() as transaction:
        return sum(1 for _ in transaction.cursor())


RECORD = struct.Struct("<QIHHqqdddd")


def write_structs(path: Path, groups: list[NDArray[np.void]]) -> None:
    with path.open("wb") as file:
        for group in groups:
            for record in group.tolist():
                file.write(RECORD.pack(*record))
            file.flush()


def read_structs(path: Path) -> int:
    return sum(1 for _ in RECORD.iter_unpack(path.read_bytes()))

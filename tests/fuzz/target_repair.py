"""A damaged log repaired: what is good stays, what comes out is a log, and a writer can go on with it."""

from pathlib import Path

import numpy as np

from fuzz.folders import write_folder
from fuzz.harness import demand, outcome_of, own_folder
from fuzz.target_log import VOID, damaged_logs, read_log
from pricecore import RECORD_DTYPE, EventLog
from pricecore.errors import LogCorruptError, LogNotFoundError, LogReadOnlyError, PricecoreError
from pricecore.eventlog.log_writer import LogWriter
from pricecore.eventlog.repairing import RepairReport, repair
from pricecore.eventlog.verifying import VerifyReport


def check(data: bytes) -> None:
    """Repair the log of an input, read it, and write behind it."""
    with own_folder() as folder:
        write_folder(folder, data)
        report, records = read_log(folder)
        before = contents(folder)
        done = outcome_of(lambda: repair(folder), LogCorruptError, LogNotFoundError, LogReadOnlyError)
        if not isinstance(done, RepairReport):
            demand(contents(folder) == before, "a repair that is refused changes nothing", done)
            return
        if isinstance(report, VerifyReport) and report.ok:
            demand(contents(folder) == before, "nothing is changed in a log that is good")
        demand(before_is_kept(before, contents(folder), done), "what was there before is kept", done.kept)
        is_good = isinstance(report, VerifyReport) and not damaged_logs(report)
        check_repaired(folder, records if is_good else None, done)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def before_is_kept(before: dict[str, bytes], after: dict[str, bytes], done: RepairReport) -> bool:
    """Whether every log file and snapshot of before stands somewhere, under its own name or that of a copy."""
    kept = set(after.values())
    return all(content in kept for name, content in before.items() if not name.endswith((".index", ".tmp")))


def check_repaired(folder: Path, records: bytes | None, done: RepairReport) -> None:
    """A repair leaves nothing to do, or says what; the records of a log whose files were good stay what they are."""
    report, after = read_log(folder)
    assert isinstance(report, VerifyReport)
    demand(report.damages == done.remaining, "the repair says what is still wrong", report.damages, done)
    if done.remaining:
        return
    demand(report.records == done.records, "the repair says how many records are good", report, done)
    demand(records in (None, after), "records of good log files stay what they are")
    again = repair(folder)
    demand(not again.damages and not again.kept, "a second repair has nothing to do", again)
    check_writing(folder, after)


def check_writing(folder: Path, records: bytes | None) -> None:
    """A writer opens the log, adds a record and a position, and closes it: all is good, and all before is there."""
    writer = outcome_of(lambda: EventLog.writer(folder), PricecoreError)
    if not isinstance(writer, LogWriter):
        return  # names that are not UTF-8, or twice: what no engine can have written
    with writer:
        added = np.zeros(1, RECORD_DTYPE)
        added["sequence"], added["kind"] = writer.next_sequence, VOID
        writer.append(added)
        writer.mark(b"fuzzed")
    report, after = read_log(folder)
    assert isinstance(report, VerifyReport)
    demand(report.ok, "a log that was written to is good", report)
    demand(after is not None and records is not None and after.startswith(records), "a writer keeps what is there")

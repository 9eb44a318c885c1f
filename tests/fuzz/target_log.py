"""The files of a log: verified, opened, read from the start, sought and followed; nothing of it changes a file."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from fuzz.folders import write_folder
from fuzz.harness import MAX_NAME_BYTES, Broken, demand, outcome_of, own_folder
from pricecore import EventLog
from pricecore.errors import LogCorruptError, LogNotFoundError, PricecoreError
from pricecore.eventlog.verifying import VerifyReport, verify

VOID = 255
Look = Callable[[EventLog, list[np.ndarray]], None]


def check(data: bytes) -> None:
    """Read the log of an input in every way there is."""
    with own_folder() as folder:
        files = write_folder(folder, data)
        before = {path: path.read_bytes() for path in files}
        read_log(folder, check_all)
        demand({path: path.read_bytes() for path in files} == before, "reading changes no file")


def read_log(folder: Path, look: Look | None = None) -> tuple[VerifyReport | None, bytes | None]:
    """Return what `verify` says, and all records, None: they cannot be read to the end; `look` sees more of a log."""
    report = outcome_of(lambda: verify(folder), LogNotFoundError)
    wrong = damaged_logs(report) if isinstance(report, VerifyReport) else []
    records = records_in(folder, look, bool(wrong))
    if isinstance(report, VerifyReport):
        demand(wrong or records is not None, "what verify calls good can be read", report)
        if records is not None and not wrong:
            demand(report.records == len(records) // 64, "verify counts the records that reading gives", report)
        return report, records
    demand(records is None, "what is no log cannot be read")
    return None, None


def damaged_logs(report: VerifyReport) -> list[str]:
    """Return the log files with damage: that of a snapshot keeps nobody from reading."""
    return [damage.file for damage in report.damages if damage.file.endswith(".log")]


def records_in(folder: Path, look: Look | None, is_damaged: bool) -> bytes | None:
    """Return the bytes of all records; None: it is damaged."""
    log = outcome_of(lambda: EventLog.open(folder), LogCorruptError, LogNotFoundError)
    if not isinstance(log, EventLog):
        return None
    with log:
        blocks = outcome_of(lambda: list(log), LogCorruptError)
        if isinstance(blocks, LogCorruptError):
            return None
        assert isinstance(blocks, list)
        check_order(log, blocks)
        if look is not None:
            # Files that overlap are read on from the first one, or begun with the second.
            error = outcome_of(lambda: look(log, blocks), LogCorruptError, *([Broken] if is_damaged else []))
            demand(error is None or is_damaged, "a good log can be read from any place", error)
        return joined(blocks)


def check_all(log: EventLog, blocks: list[np.ndarray]) -> None:
    """What else an open log can be asked."""
    demand(len(log) == sum(map(len, blocks)), "len says how many records there are", len(log))
    check_names(log, blocks)
    check_places(log, joined(blocks))
    check_state(log)


def check_order(log: EventLog, blocks: list[np.ndarray]) -> None:
    """Each sequence comes once, ascending; what is missing is named by a gap."""
    gaps = {gap.first_sequence: gap.last_sequence for gap in log.gaps}
    due = log.first_sequence
    for block in blocks:
        demand(len(block), "no block is empty")
        while due in gaps and block["sequence"][0] > due:
            due = gaps[due] + 1
        expected = np.arange(due, due + len(block), dtype=np.uint64)
        demand(np.array_equal(block["sequence"], expected), "sequences ascend by one", due, block["sequence"][:3])
        due += len(block)


def check_names(log: EventLog, blocks: list[np.ndarray]) -> None:
    """Names are those that the stream introduces, and updates name none but these."""
    names = outcome_of(log.symbols, LogCorruptError)
    if isinstance(names, LogCorruptError):  # not UTF-8
        return
    assert isinstance(names, list)
    demand(all(1 <= len(name.encode()) <= MAX_NAME_BYTES for name in names), "a name has 1 to 48 bytes", names)
    for block in blocks:
        ids = block["symbol_id"][block["kind"] != VOID]
        demand(int(ids.max(initial=0)) < max(len(names), 1), "a record names a symbol that there is", ids)
    for records in log.updates(kinds="price"):
        demand(set(records["kind"].tolist()) == {0}, "updates yields what is asked for")


def check_places(log: EventLog, records: bytes) -> None:
    """From a place in the middle, by sequence and by time, comes what stands there; and so by `tail`."""
    whole = np.frombuffer(records, np.uint8).reshape(-1, 64)
    sequences = whole[:, :8].copy().view(np.uint64).ravel()
    demand(joined(log.tail(follow=False, start=log.first_sequence)) == records, "tail gives what iterating gives")
    for start in (log.first_sequence, log.last_sequence // 2, log.last_sequence):
        expected = whole[sequences >= start].tobytes()
        demand(joined(log.blocks(start)) == expected, "blocks(start) begins there", start)
    middle = whole[len(whole) // 2] if len(whole) else None
    if middle is not None:
        since = int(middle[24:32].copy().view(np.int64)[0])
        found = joined(log.blocks(np.datetime64(since, "ns"))) if since > -(2**63) else b""
        demand(records.endswith(found), "blocks(time) gives an end of the stream", since)


def joined(blocks: Iterable[np.ndarray]) -> bytes:
    return b"".join(block.tobytes() for block in blocks)


def check_state(log: EventLog) -> None:
    """The state behind the last record has the names of the log, and no more prices than symbols."""
    state = outcome_of(lambda: log.state_at(sequence=log.last_sequence), PricecoreError)
    if isinstance(state, PricecoreError):
        return
    demand(len(state.symbols) == len(state.prices), "a row for each symbol")
    demand(state.sequence <= log.last_sequence, "the state is not ahead of its log", state.sequence)

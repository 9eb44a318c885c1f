"""A snapshot of a log: read, written again, and loaded into a state and into a segment."""

import numpy as np

from fuzz.folders import write_folder
from fuzz.harness import demand, outcome_of, own_folder
from pricecore.errors import LogCorruptError, SymbolTableFullError
from pricecore.eventlog.restoring import restore_segment
from pricecore.eventlog.snapshots import Snapshot, newest_good, read_snapshot, write_snapshot
from pricecore.eventlog.state import State, copy_state
from pricecore.primitives.segment import Segment

LOG_ID = bytes(16)


def check(data: bytes) -> None:
    """Read the first snapshot of an input."""
    with own_folder() as folder:
        for path in write_folder(folder, data):
            if path.suffix != ".snapshot":
                continue
            snapshot = outcome_of(lambda path=path: read_snapshot(path), LogCorruptError)
            newest_good(folder, data[17:33].ljust(16, b"\0"))
            if isinstance(snapshot, Snapshot):
                check_position(snapshot, path.read_bytes())
                check_snapshot(snapshot)


def check_position(snapshot: Snapshot, content: bytes) -> None:
    size_bytes = int.from_bytes(content[60:64], "little")
    begin = 128 + 192 * len(snapshot.records)
    demand(size_bytes <= 4_096, "a position has a limit", size_bytes)
    demand(snapshot.position == content[begin : begin + size_bytes], "the position is what stands there")


def check_snapshot(snapshot: Snapshot) -> None:
    demand(snapshot.sequence <= snapshot.last_sequence < 1 << 61, "its sequences are sequences")
    with own_folder() as folder:
        again = read_snapshot(write_snapshot(folder, snapshot, LOG_ID), LOG_ID)
    demand(facts(again) == facts(snapshot), "written again it is the same", facts(snapshot)[1:])
    check_state(snapshot)
    check_segment(snapshot)


def facts(snapshot: Snapshot) -> tuple[object, ...]:
    """Return all that a snapshot says."""
    return (snapshot.records.tobytes(), *(vars(snapshot)[name] for name in sorted(vars(snapshot)) if name != "records"))


def check_state(snapshot: Snapshot) -> None:
    """What the reader calls good can be loaded, unless a name or a sequence comes twice, and comes out as it was."""
    state = State()
    error = outcome_of(lambda: state.load(snapshot.stream(), snapshot.sequence), LogCorruptError)
    if error is not None:
        twice = ("another symbol has", "its sequence is not above")
        demand(any(text in str(error) for text in twice), "a good snapshot can be loaded", error)
        return
    demand(state.records().tobytes() == snapshot.records.tobytes(), "a state holds what was loaded")
    demand(len(state.symbols()) == len(snapshot.records) == len(state.prices()), "a row for each symbol")


def check_segment(snapshot: Snapshot) -> None:
    segment = Segment(1024, 1024, 1, 1)
    errors = (LogCorruptError, SymbolTableFullError)
    call = lambda: restore_segment(segment, snapshot.stream(), (), snapshot.last_sequence)  # noqa: E731
    if outcome_of(call, *errors) is None:
        found = copy_state(segment)
        demand(np.array_equal(found.view(np.uint8), snapshot.records.view(np.uint8)), "a segment holds what was loaded")

"""EventLog against a plain list, through every way a log grows, shrinks and breaks."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from models.log_model import RECORD, START_NS, LogModel

from pricecore import EventLog
from pricecore.eventlog.files import sequences_of
from pricecore.eventlog.layout import file_name
from pricecore.eventlog.log_index import write_index
from pricecore.eventlog.verifying import verify

times = st.integers(0, 50)


class LogMachine(RuleBasedStateMachine):
    """Writes with the model, reads with an EventLog that stays open, and compares."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp()) / "log"
        self.model = LogModel(self.folder)
        self.log = EventLog.open(self.folder)
        self.oldest = 1
        self.sealed: list[int] = []

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()
            shutil.rmtree(self.folder.parent)

    @rule(size=st.integers(1, 40), received=times, spread=st.integers(0, 9))
    def write(self, size: int, received: int, spread: int) -> None:
        for k in range(size):
            if not self.model.symbols or (k == 3 and len(self.model.symbols) < 5):
                self.model.symbol(f"S{len(self.model.symbols)}")
                continue
            symbol_id = k % len(self.model.symbols)
            time_ns = START_NS + 100 * received + k * spread % 7
            (self.model.price, self.model.quote)[k % 2](symbol_id, float(k), received_ns=time_ns)
        self.model.write(b"p%d" % received if spread == 1 else b"")

    @rule()
    def mark(self) -> None:
        self.model.mark(b"mark")

    def turn(self) -> None:
        """Remember which file is sealed now; one that holds nothing has no name of its own."""
        first = int(self.model.path.stem)
        if self.model.next_sequence > first:
            self.sealed.append(first)

    @precondition(lambda self: self.model.next_sequence > int(self.model.path.stem))
    @rule()
    def rotate(self) -> None:
        self.turn()
        self.model.begin()

    @precondition(lambda self: self.model.next_sequence > int(self.model.path.stem))
    @rule(count=st.integers(1, 9), named=st.booleans())
    def lose(self, count: int, named: bool) -> None:
        self.turn()
        names = [f"L{len(self.model.symbols)}"] if named and len(self.model.symbols) < 8 else []
        self.model.gap(count, names=names)

    @precondition(lambda self: self.sealed)
    @rule(data=st.data())
    def index(self, data) -> None:
        write_index(self.folder / file_name(data.draw(st.sampled_from(self.sealed)), "log"))

    @precondition(lambda self: len(self.sealed) > 1)
    @rule()
    def trim(self) -> None:
        first = self.sealed.pop(0)
        (self.folder / file_name(first, "log")).unlink()
        (self.folder / file_name(first, "index")).unlink(missing_ok=True)
        self.oldest = sequences_of(self.folder, "log")[0]

    def expected(self, wanted=lambda fields: True) -> list[int]:
        fields = [RECORD.unpack(record) for record in self.model.records]
        return [field[0] for field in fields if field[0] >= self.oldest and wanted(field)]

    @rule(start=st.integers(0, 300), length=st.integers(0, 100))
    def read_sequences(self, start: int, length: int) -> None:
        self.log.refresh()
        found = sequences(self.log.blocks(start, start + length))
        assert found == self.expected(lambda field: start <= field[0] < start + length)

    @rule(start=times, length=times)
    def read_times(self, start: int, length: int) -> None:
        self.log.refresh()
        low, high = START_NS + 100 * start, START_NS + 100 * (start + length)
        found = sequences(self.log.updates(start=np.datetime64(low, "ns"), stop=np.datetime64(high, "ns")))
        assert found == self.expected(lambda field: field[2] <= 1 and low <= field[5] < high)

    @invariant()
    def reads_as_the_list_says(self) -> None:
        if not hasattr(self, "log"):
            return
        self.log.refresh()
        found = b"".join(block.tobytes() for block in self.log)
        kept = [record for record in self.model.records if RECORD.unpack(record)[0] >= self.oldest]
        assert found == b"".join(kept)
        assert len(self.log) == len(kept)
        assert self.log.symbols() == [record[16:].rstrip(b"\0").decode() for record in self.model.symbols]
        assert [gap[:2] for gap in self.log.gaps] == [gap[:2] for gap in self.model.gaps if gap[0] >= self.oldest]
        assert (self.log.source_position, self.log.last_sequence) == (self.model.position, self.model.next_sequence - 1)
        assert verify(self.folder).ok


def sequences(blocks) -> list[int]:
    return [int(sequence) for block in blocks for sequence in block["sequence"]]


TestLog = LogMachine.TestCase
TestLog.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)

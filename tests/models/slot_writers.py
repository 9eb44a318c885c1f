"""The writers of the slot protocol, one access to shared memory per step.

A thread is a program whose methods are its steps: a step makes its access and returns the name of the next step.
"""

from models.explore import Violation
from models.slot_memory import DONE, HELD, SEQUENCE, WRITING, Record, Registers


class SingleWriter:
    """`update`, once for each timestamp: slot, order check, ticket, cell, store, stamp, free."""

    first_step = "load_a"
    is_writer = True

    def __init__(self, name: str, *timestamps: int, ring_is_read: bool = False):
        self.name = name
        self.timestamps = timestamps
        self.ring_is_read = ring_is_read  # else the cell, which nobody looks at, is filled in one step

    def record(self, me: Registers) -> Record:
        return Record(me.sequence, self.timestamps[me.row], f"{self.name}{me.row}")

    def load_a(self, memory, me):
        me.a = memory.words[0]
        return "load_b"

    def load_b(self, memory, me):
        me.b = memory.words[1]
        return "load_a" if self.is_busy(me.a) or self.is_busy(me.b) else "take_slot"

    def is_busy(self, word: int) -> bool:
        return bool(word & (WRITING | HELD))

    def older_copy(self, me: Registers) -> int:
        return 0 if me.a & SEQUENCE <= me.b & SEQUENCE else 1

    def take_slot(self, memory, me):
        me.copy = self.older_copy(me)
        if memory.words[me.copy] != self.word_before(me):
            return "load_a"
        memory.words[me.copy] |= WRITING
        return "check_order"

    def word_before(self, me: Registers) -> int:
        return me.b if me.copy else me.a

    def is_out_of_order(self, memory, me) -> bool:
        return self.timestamps[me.row] < memory.payloads[1 - me.copy][0].timestamp

    def check_order(self, memory, me):
        return "refuse" if self.is_out_of_order(memory, me) else "load_ticket"

    def refuse(self, memory, me):
        self.count_refused(memory, me)
        memory.words[me.copy] = self.word_before(me)
        return self.next_row(me)

    def count_refused(self, memory, me) -> None:
        if self.timestamps[me.row] >= memory.newest.timestamp:
            raise Violation(f"{self.record(me)} refused though {memory.newest} is not newer")
        memory.refused += 1

    def load_ticket(self, memory, me):
        me.sequence = memory.ticket + 1
        return "check_lap"

    def check_lap(self, memory, me):
        return "take_ticket" if memory.cell_is_free(me.sequence) else "let_go"

    def let_go(self, memory, me):
        memory.words[me.copy] = self.word_before(me)
        me.a = me.b = me.copy = me.sequence = 0
        return "load_a"

    def take_ticket(self, memory, me):
        if memory.ticket != me.sequence - 1:
            return "load_ticket"
        memory.ticket += 1
        return "fill_first"

    def fill_first(self, memory, me):
        return self.fill(memory, me, self.record(me), "store_first")

    def fill(self, memory, me, record: Record, then: str) -> str:
        """Write the cell's words, a step each where the ring is read."""
        cell = memory.cells[memory.cell(me.sequence)]
        if self.ring_is_read and cell[0] != record:
            cell[0] = record
            return me.step
        cell[:] = record, record
        return then

    def store_first(self, memory, me):
        memory.payloads[me.copy][0] = self.record(me)
        return "store_second"

    def store_second(self, memory, me):
        memory.payloads[me.copy][1] = self.record(me)
        return "store_word"

    def store_word(self, memory, me):
        memory.store(me.copy, me.sequence)
        return "publish"

    def publish(self, memory, me):
        memory.publish(me.sequence)
        return "free"

    def free(self, memory, me):
        memory.words[me.copy] = me.sequence
        return self.next_row(me)

    def next_row(self, me: Registers) -> str:
        me.a = me.b = me.copy = me.sequence = 0
        me.row += 1
        return "load_a" if me.row < len(self.timestamps) else DONE


class BatchWriter(SingleWriter):
    """`update_many`: all tickets first, then each row; a row waits for its cell before it takes the slot."""

    first_step = "load_tickets"

    def load_tickets(self, memory, me):
        me.sequence = memory.ticket + 1
        return "take_tickets"

    def take_tickets(self, memory, me):
        if memory.ticket != me.sequence - 1:
            return "load_tickets"
        memory.ticket += len(self.timestamps)
        return "await_cell"

    def await_cell(self, memory, me):
        return "load_a" if memory.cell_is_free(me.sequence) else "await_cell"

    def check_order(self, memory, me):
        if me.sequence < max(me.a, me.b):
            return "pass_by"
        return "refuse" if self.is_out_of_order(memory, me) else "fill_first"

    def pass_by(self, memory, me):
        memory.words[me.copy] = self.word_before(me)
        return "fill_passed"

    def fill_passed(self, memory, me):
        return self.fill(memory, me, self.record(me), "publish_unstored")

    def refuse(self, memory, me):
        self.count_refused(memory, me)
        memory.words[me.copy] = self.word_before(me)
        return "fill_void"

    def fill_void(self, memory, me):
        return self.fill(memory, me, Record(me.sequence, 0, ""), "publish_unstored")

    def publish_unstored(self, memory, me):
        memory.publish(me.sequence)
        return self.next_row(me)

    def next_row(self, me: Registers) -> str:
        me.a = me.b = me.copy = 0
        me.row += 1
        me.sequence += 1
        if me.row < len(self.timestamps):
            return "await_cell"
        me.sequence = 0
        return DONE

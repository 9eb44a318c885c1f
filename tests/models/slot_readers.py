"""The readers of the slot protocol, one access to shared memory per step, and what each of them is promised."""

from models.explore import Violation
from models.slot_memory import DONE, HELD, NOTHING, SEQUENCE, WRITING, Record


class SlotReader:
    """`get`, once; since it may begin at any moment, its promises hold for every read of a sequence of reads.

    Its `sequence` register is a ghost: the newest record stored when the read began.
    """

    first_step = "load_a"
    is_writer = False

    def __init__(self, name: str):
        self.name = name

    def load_a(self, memory, me):
        me.sequence = memory.newest.sequence
        me.a = memory.words[0]
        return "load_b"

    def load_b(self, memory, me):
        me.b = memory.words[1]
        complete = self.complete_copies((me.a, me.b))
        if complete:
            me.copy = max(complete, key=lambda copy: (me.a, me.b)[copy] & SEQUENCE)
            me.a, me.b = (me.a, me.b)[me.copy] & SEQUENCE, 0
            return "copy_first"
        is_missing = (me.a | me.b) & ~WRITING == 0
        return self.accept(memory, me, NOTHING) if is_missing else self.repeat(memory, me)

    def complete_copies(self, words) -> list[int]:
        return [copy for copy, word in enumerate(words) if word & SEQUENCE and not word & WRITING]

    def copy_first(self, memory, me):
        me.b = memory.payloads[me.copy][0]
        return "copy_second"

    def copy_second(self, memory, me):
        me.b = (me.b, memory.payloads[me.copy][1])
        return "check_word"

    def check_word(self, memory, me):
        return self.judge(memory, me) if self.is_unchanged(memory, me) else self.repeat(memory, me)

    def is_unchanged(self, memory, me) -> bool:
        return memory.words[me.copy] & ~HELD == me.a

    def judge(self, memory, me) -> str:
        first, second = me.b
        if first != second or first.sequence != me.a:
            raise Violation(f"torn record accepted as sequence {me.a}: {first}, {second}")
        return self.accept(memory, me, first)

    def repeat(self, memory, me) -> str:
        if memory.newest.sequence > 0 and not self.complete_copies(memory.words):
            raise Violation("a read waits for a writer that may never go on")
        if memory.newest.sequence == me.sequence:
            raise Violation("a read repeats though no write was completed since it began")
        me.a = me.b = me.copy = 0
        return "load_a"

    def accept(self, memory, me, record: Record) -> str:
        if record.sequence < me.sequence:
            raise Violation(f"read {record}, older than sequence {me.sequence} that stood there when the read began")
        me.a = me.b = me.copy = me.sequence = 0
        return DONE


class RingReader:
    """A reader of the ring that may be lapped: takes one sequence, or learns that it is not there, or is lost."""

    first_step = "load_stamp"
    is_writer = False

    def __init__(self, name: str, sequence: int):
        self.name = name
        self.sequence = sequence

    def load_stamp(self, memory, me):
        return "copy_first" if memory.stamps[memory.cell(self.sequence)] == self.sequence else DONE

    def copy_first(self, memory, me):
        me.a = memory.cells[memory.cell(self.sequence)][0]
        return "copy_second"

    def copy_second(self, memory, me):
        me.b = memory.cells[memory.cell(self.sequence)][1]
        return "check_ticket"

    def check_ticket(self, memory, me):
        if not self.was_lapped(memory) and (me.a != me.b or me.a not in memory.published):
            raise Violation(f"torn record taken from the ring as sequence {self.sequence}: {me.a}, {me.b}")
        me.a = me.b = 0
        return DONE

    def was_lapped(self, memory) -> bool:
        return memory.ticket >= self.sequence + len(memory.stamps)

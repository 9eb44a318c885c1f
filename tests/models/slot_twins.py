"""Broken twins of the slot protocol's threads: each has one plausible mistake that the checker must find."""

from models.slot_memory import NOTHING, SEQUENCE, WRITING, Record
from models.slot_protocol import Successor
from models.slot_readers import RingReader, SlotReader
from models.slot_writers import BatchWriter, SingleWriter


class WriterThatIgnoresHeld(SingleWriter):
    def is_busy(self, word):
        return bool(word & WRITING)


class WriterThatTakesTheNewerCopy(SingleWriter):
    def older_copy(self, me):
        return 1 - super().older_copy(me)


class WriterWithoutCompareAndSwap(SingleWriter):
    def take_slot(self, memory, me):
        me.copy = self.older_copy(me)
        memory.words[me.copy] = self.word_before(me) | WRITING
        return "check_order"


class WriterWithoutReleaseFence(SingleWriter):
    """Its first payload word is seen before the word that says WRITING."""

    def load_b(self, memory, me):
        step = super().load_b(memory, me)
        return "store_early" if step == "take_slot" else step

    def store_early(self, memory, me):
        early = Record(memory.ticket + 1, self.timestamps[me.row], f"{self.name}{me.row}")
        memory.payloads[self.older_copy(me)][0] = early
        return "take_slot"


class WriterThatWaitsForTheLapWithTheSlotHeld(SingleWriter):
    def check_lap(self, memory, me):
        return "take_ticket"

    def take_ticket(self, memory, me):
        step = super().take_ticket(memory, me)
        return "await_lap" if step == "fill_first" else step

    def await_lap(self, memory, me):
        return "fill_first" if memory.cell_is_free(me.sequence) else "await_lap"


class WriterThatOverwritesTheLap(SingleWriter):
    def check_lap(self, memory, me):
        return "take_ticket"


class WriterThatPublishesBeforeItStores(SingleWriter):
    def fill_first(self, memory, me):
        return self.fill(memory, me, self.record(me), "publish")

    def publish(self, memory, me):
        memory.publish(me.sequence)
        return "store_first"

    def store_word(self, memory, me):
        memory.store(me.copy, me.sequence)
        return "free"


class WriterThatFreesBeforeItPublishes(SingleWriter):
    def store_word(self, memory, me):
        memory.store(me.copy, me.sequence)
        memory.words[me.copy] = me.sequence
        return "publish"

    def publish(self, memory, me):
        memory.publish(me.sequence)
        return self.next_row(me)


class BatchThatStoresWithoutALookAtTheSequence(BatchWriter):
    def check_order(self, memory, me):
        return "refuse" if self.is_out_of_order(memory, me) else "fill_first"


class BatchThatForgetsTheVoid(BatchWriter):
    def refuse(self, memory, me):
        super().refuse(memory, me)
        return self.next_row(me)


class BatchThatWaitsForItsCellWithTheSlotHeld(BatchWriter):
    def await_cell(self, memory, me):
        return "load_a"

    def check_order(self, memory, me):
        return super().check_order(memory, me) if memory.cell_is_free(me.sequence) else "check_order"


class ReaderWithoutRecheck(SlotReader):
    def is_unchanged(self, memory, me):
        return True


class ReaderWithoutAcquireFence(SlotReader):
    """Its second look at the word is done before the payload is copied."""

    def load_b(self, memory, me):
        step = super().load_b(memory, me)
        return "check_early" if step == "copy_first" else step

    def check_early(self, memory, me):
        return "copy_first" if self.is_unchanged(memory, me) else self.repeat(memory, me)

    def copy_second(self, memory, me):
        super().copy_second(memory, me)
        return self.judge(memory, me)


class ReaderThatIgnoresWriting(SlotReader):
    def is_unchanged(self, memory, me):
        return memory.words[me.copy] & SEQUENCE == me.a


class ReaderThatWaitsForTheWriter(SlotReader):
    """As with a plain sequence lock: a word that says WRITING makes it repeat."""

    def complete_copies(self, words):
        return [] if any(word & WRITING for word in words) else super().complete_copies(words)


class ReaderThatSeesNothingInPassing(SlotReader):
    """When both copies change under its two loads it reports that there is no record."""

    def repeat(self, memory, me):
        return self.accept(memory, me, NOTHING)


class RingReaderThatIgnoresTheLap(RingReader):
    def was_lapped(self, memory):
        return False


class RepairWithoutVoid(Successor):
    def find_unpublished(self, memory, me):
        return self.end_repair(memory, me)


class RepairThatVoidsHeldRecords(Successor):
    def fill_held(self, memory, me):
        return "clear_held"


class RepairThatLeavesTornCopies(Successor):
    def empty_copy(self, memory, me):
        memory.words[me.copy] &= ~WRITING
        return self.next_copy(me)


class RepairThatEmptiesToZero(Successor):
    """A slow reader sees one copy before a repair and the other after the next: nothing in either."""

    def empty_copy(self, memory, me):
        memory.words[me.copy] = 0
        return self.next_copy(me)


class RepairThatCopiesTheIntactRecord(Successor):
    """The word comes back after another payload stood under it: a slow reader cannot tell."""

    def empty_copy(self, memory, me):
        if not memory.words[1 - me.copy]:
            return super().empty_copy(memory, me)
        memory.payloads[me.copy] = list(memory.payloads[1 - me.copy])
        return "heal_word"

    def heal_word(self, memory, me):
        memory.words[me.copy] = memory.words[1 - me.copy]
        return self.next_copy(me)

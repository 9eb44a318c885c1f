"""Shared memory of the slot protocol's model: one symbol and kind, and a ring of a few cells.

Two copies (word and two payload words each), a ticket counter, cells (stamp and two payload words). A payload word
holds the whole record, so two that differ are a torn record. Beside the memory stand ghosts that no thread reads, only
the properties: what each ticket was published as, the newest record stored, and how many updates were refused.
"""

from typing import NamedTuple

from models.explore import Violation

WRITING = 1 << 63
HELD = 1 << 62
EMPTIED = 1 << 61  # by repair; not 0, so that a reader who sees both copies in passing never takes it for "no record"
SEQUENCE = EMPTIED - 1
DONE, KILLED, OFF = "done", "killed", "off"


class Record(NamedTuple):
    sequence: int
    timestamp: int
    update: str  # whose it is; empty: VOID


NOTHING = Record(0, 0, "")


class Memory:
    """Shared memory and ghosts, thawed from a state so that a step can change it."""

    __slots__ = ("cells", "newest", "payloads", "published", "refused", "stamps", "ticket", "words")

    def __init__(self, words, payloads, ticket, stamps, cells, published, newest, refused):
        self.words = list(words)
        self.payloads = [list(words) for words in payloads]
        self.ticket = ticket
        self.stamps = list(stamps)
        self.cells = [list(words) for words in cells]
        self.published = published
        self.newest = newest
        self.refused = refused

    def freeze(self) -> tuple:
        return (
            tuple(self.words),
            tuple(map(tuple, self.payloads)),
            self.ticket,
            tuple(self.stamps),
            tuple(map(tuple, self.cells)),
            self.published,
            self.newest,
            self.refused,
        )

    @classmethod
    def empty(cls, capacity: int) -> "Memory":
        blank = (NOTHING, NOTHING)
        return cls((0, 0), (blank, blank), 0, (0,) * capacity, (blank,) * capacity, (), NOTHING, 0)

    def cell(self, sequence: int) -> int:
        return (sequence - 1) % len(self.stamps)

    def cell_is_free(self, sequence: int) -> bool:
        """Whether the cell's previous lap is published, so that the owner of `sequence` may fill it."""
        return self.stamps[self.cell(sequence)] == max(sequence - len(self.stamps), 0)

    def publish(self, sequence: int) -> None:
        """Stamp the cell; each ticket exactly once, whole, and on top of its previous lap."""
        first, second = self.cells[self.cell(sequence)]
        if not first == second or first.sequence != sequence:
            raise Violation(f"ticket {sequence} published with the cell holding {first}, {second}")
        if not self.cell_is_free(sequence):
            raise Violation(f"ticket {sequence} published twice or on an unpublished lap")
        self.stamps[self.cell(sequence)] = sequence
        self.published = tuple(sorted((*self.published, first)))

    def store(self, copy: int, sequence: int) -> None:
        """Make a copy readable, still held; stored sequences and times of a symbol only go up."""
        record = self.payloads[copy][0]
        if sequence <= self.newest.sequence:
            raise Violation(f"sequence {sequence} stored after {self.newest.sequence}")
        if record.timestamp < self.newest.timestamp:
            raise Violation(f"time {record.timestamp} stored after {self.newest.timestamp}")
        self.words[copy] = sequence | HELD
        self.newest = record

    def check(self) -> None:
        """With no writer under way: every ticket is published, and slot and ring end with the same record."""
        if [record.sequence for record in self.published] != list(range(1, self.ticket + 1)):
            raise Violation(f"{self.ticket} tickets, published: {self.published}")
        if any(word & (WRITING | HELD) for word in self.words):
            raise Violation(f"a copy is left taken: {[hex(word) for word in self.words]}")
        sequences = [word & SEQUENCE for word in self.words]
        stored = self.payloads[sequences.index(max(sequences))] if any(sequences) else [NOTHING, NOTHING]
        replayed = max((record for record in self.published if record.update), default=NOTHING)
        if stored != [replayed, replayed] or replayed != self.newest:
            raise Violation(f"the slot ends with {stored}, the ring with {replayed}, the last stored is {self.newest}")


class Registers:
    """What a thread knows itself: next step, row, the words it loaded, its copy and its sequence."""

    __slots__ = ("a", "b", "copy", "row", "sequence", "step")

    def __init__(self, step, row=0, a=0, b=0, copy=0, sequence=0):
        self.step = step
        self.row = row
        self.a = a
        self.b = b
        self.copy = copy
        self.sequence = sequence

    def freeze(self) -> tuple:
        return (self.step, self.row, self.a, self.b, self.copy, self.sequence)

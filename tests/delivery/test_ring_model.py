"""The ring's own functions against a model, step by step: any order of claims, stores, stamps, voids and reads.

One thread plays all writers, so that every interleaving that hypothesis thinks of happens exactly as written.
"""

import pytest
from helpers.rooms import native_module
from hypothesis import given, settings
from hypothesis import strategies as st
from models.ring_model import TicketModel

READERS = 3

which = st.integers(0, 63)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.sampled_from([1, 1, 1, 2, 3, 8, 20])),
        st.tuples(st.just("claim ready"), st.sampled_from([1, 1, 2])),
        st.tuples(st.just("fill"), which),
        st.tuples(st.just("publish"), which),
        st.tuples(st.just("publish"), which),
        st.tuples(st.just("void"), which),
        st.tuples(st.just("publish all"), which),
        st.tuples(st.just("limit"), st.integers(0, 20)),
        st.tuples(st.just("read"), st.integers(0, READERS * 10 - 1)),
    ),
    max_size=60,
)


def words(sequence, void):
    """The record that native/stream.pyx makes of a sequence."""
    return [sequence, *([255 << 32] + [0] * 6 if void else [sequence * 8 + i for i in range(1, 8)])]


class Both:
    """The real ring and the model of it, which do the same; `open` are the tickets not published yet."""

    def __init__(self, capacity):
        self.box = native_module("stream").RingBox(capacity)
        self.model = TicketModel(capacity)
        self.open = []
        self.positions = [0] * READERS
        self.lost = [0] * READERS

    def claim(self, n, ready=False):
        first = self.model.claim(n, ready)
        assert self.box.claim(n, ready) == first
        assert self.box.sequence == self.model.taken
        if isinstance(first, int):
            self.open += range(first, first + n)

    def writable(self):
        """Return the open tickets whose cells are free: the owners of the others wait."""
        return [sequence for sequence in self.open if self.model.is_free(sequence)]

    def fill(self, pick):
        self.box.fill(self.writable()[pick % len(self.writable())])

    def publish(self, pick, void=False):
        sequence = self.writable()[pick % len(self.writable())]
        self.model.publish(sequence, void)
        self.box.publish(sequence, void)
        self.open.remove(sequence)

    def limit(self, above):
        """A consumer holds the ring; its position never goes back."""
        self.model.limit = max(self.model.limit or 0, self.model.taken + above)
        self.box.limit(self.model.limit)

    def read(self, reader, n):
        position, found, lost = self.model.read(self.positions[reader], n)
        expected = (position, [words(*record) for record in found], lost)
        assert self.box.copy(self.positions[reader], n) == expected
        assert lost + len(found) == position - self.positions[reader]
        self.positions[reader] = position
        self.lost[reader] += lost

    def do(self, verb, number):
        if verb.startswith("claim"):
            self.claim(number, verb == "claim ready")
        elif verb == "limit":
            self.limit(number)
        elif verb == "read":
            self.read(number % READERS, 1 + number // READERS)
        elif verb == "publish all":
            while self.writable():
                self.publish(number)
        elif self.writable() and verb == "fill":
            self.fill(number)
        elif self.writable():
            self.publish(number, void=verb == "void")


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([1, 2, 4, 8]), steps)
def test_any_order_of_steps_gives_what_the_model_gives(capacity, steps):
    both = Both(capacity)
    for verb, number in steps:
        both.do(verb, number)
        assert both.box.stamps() == both.model.stamps
    both.do("publish all", 0)
    assert both.open == [], "a ticket's owner waits for ever"
    for reader in range(READERS):
        both.read(reader, 100)
        assert both.positions[reader] == both.model.taken


@pytest.mark.parametrize("capacity", [1, 4])
def test_owner_of_the_lowest_ticket_never_waits(capacity):
    both = Both(capacity)
    both.claim(5 * capacity)
    while both.open:
        assert both.writable()[0] == both.open[0]
        both.publish(0)


def test_half_filled_cell_of_a_later_lap_is_never_delivered():
    both = Both(2)
    for _ in range(2):
        both.claim(1)
        both.publish(0)
    both.claim(1)
    both.fill(0)  # over the record of sequence 1
    both.read(0, 10)
    assert (both.positions[0], both.lost[0]) == (2, 1)

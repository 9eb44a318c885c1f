"""The slot's own functions against a model, step by step: what a reader gets between any two steps of a writer."""

from helpers.rooms import native_module
from hypothesis import given, settings
from hypothesis import strategies as st

WRITING, HELD = 1 << 63, 1 << 62
UPDATES = {
    "whole": ["take", "tear", "store", "free"],
    "untorn": ["take", "store", "free"],
    "put back": ["take", "restore"],
}


class SlotModel:
    """Two copies by turns: the older one is written, the newer one can always be read."""

    def __init__(self):
        self.copies = [0, 0]
        self.bits = 0
        self.target = 0

    def words(self):
        return tuple(word | (self.bits if i == self.target else 0) for i, word in enumerate(self.copies))

    def newest(self):
        """Return the sequence that a reader gets; 0: none."""
        other = self.copies[1 - self.target]
        return other if self.bits & WRITING else max(self.copies)

    def take(self, sequence):
        self.target = 0 if self.copies[0] <= self.copies[1] else 1
        self.bits = WRITING

    def tear(self, sequence):
        pass

    def store(self, sequence):
        self.copies[self.target] = sequence
        self.bits = HELD

    def free(self, sequence):
        self.bits = 0

    restore = free


def step(box, verb, sequence):
    """Do one step of the real slot."""
    if verb in ("take", "restore"):
        getattr(box, verb)()
    else:
        getattr(box, verb)(sequence)


def check(box, model):
    newest = model.newest()
    record = [newest, *(newest * 8 + i for i in range(1, 8))] if newest else None
    assert box.words() == model.words()
    assert box.get() == record
    for i in range(1, 8):
        assert box.get_word(i) == (record[i] if record else None)
        assert box.get_word_at_rest(i) == (record[i] if record and not model.bits else None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(UPDATES)), st.integers(1, 100)), max_size=12))
def test_reader_gets_the_model_s_record_between_any_two_steps(updates):
    box, model, sequence = native_module("stream").SlotBox(), SlotModel(), 0
    check(box, model)
    for kind, ahead in updates:
        sequence += ahead
        newest = model.newest()
        for verb in UPDATES[kind]:
            step(box, verb, sequence)
            getattr(model, verb)(sequence)
            check(box, model)
        assert model.newest() == (newest if kind == "put back" else sequence)

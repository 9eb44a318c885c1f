"""The slot alone: words and bits step by step, then writers and readers without the GIL, then broken twins of them."""

import time

import pytest
from helpers.rooms import native_module
from helpers.threads import at_once, run_threads, tries
from hypothesis import given, settings
from hypothesis import strategies as st

WRITING, HELD, EMPTIED = 1 << 63, 1 << 62, 1 << 61


@pytest.fixture(scope="module")
def native():
    return native_module("stream")


def record(sequence):
    return [sequence, *(sequence * 8 + i for i in range(1, 8))]


def test_an_empty_slot_has_nothing_to_read(native):
    box = native.SlotBox()
    assert (box.get(0), box.get(1), box.get_word(4)) == (None, None, None)


def test_records_are_written_to_the_two_copies_in_turn(native):
    box = native.SlotBox()
    seen = []
    for sequence in (1, 2, 5, 9):
        assert box.put(sequence)
        seen.append(box.words())
        assert box.get() == record(sequence)
        assert box.get_word(4) == sequence * 8 + 4
    assert seen == [(1, 0), (1, 2), (5, 2), (5, 9)]


def test_price_and_quote_do_not_meet(native):
    box = native.SlotBox()
    box.put(3, kind=1)
    assert (box.get(0), box.get(1)) == (None, record(3))
    box.put(4, kind=0)
    assert (box.get(0), box.get(1)) == (record(4), record(3))
    assert (box.words(0), box.words(1)) == ((4, 0), (3, 0))


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), max_size=40))
def test_the_highest_sequence_wins_and_a_refused_write_leaves_no_trace(sequences):
    box = native_module("stream").SlotBox()
    newest = 0
    for sequence in sequences:
        before = box.words()
        stored = box.put(sequence)
        assert stored == (sequence >= newest)
        newest = max(newest, sequence)
        if not stored:
            assert box.words() == before
        assert box.get() == record(newest)


@pytest.mark.parametrize("copy", [0, 1])
@pytest.mark.parametrize(
    ("left", "sequence"),
    [
        (WRITING, 8),  # the other copy is what there is
        (4 | WRITING, 8),
        (9 | HELD, 9),  # complete, though its writer still holds it
        (EMPTIED, 8),
        (EMPTIED | WRITING, 8),
        (0, 8),
    ],
    ids=["first write", "being written", "held", "emptied", "taken again", "empty"],
)
def test_a_reader_takes_the_newest_complete_copy_beside_a_writer(native, copy, left, sequence):
    box = native.SlotBox()
    for number in (7, 8) if copy == 0 else (8,):
        box.put(number)
    if left & HELD:
        box.put(9)  # the copy of 7, or the empty one
    assert 8 in box.words()
    box.set_word(1 - box.words().index(8), left)
    assert box.get() == record(sequence)
    assert box.get_word(7) == sequence * 8 + 7
    assert box.get_word_at_rest(7) == (None if left else sequence * 8 + 7)  # that takes nothing from between two writes


@pytest.mark.parametrize("words", [(0, 0), (WRITING, 0), (0, WRITING)])
def test_a_slot_whose_first_write_is_under_way_has_nothing_to_read(native, words):
    box = native.SlotBox()
    box.set_word(0, words[0])
    box.set_word(1, words[1])
    assert (box.get(), box.get_word(4), box.get_word_at_rest(4)) == (None, None, None)


@pytest.mark.parametrize("copy", [0, 1])
def test_the_copy_that_a_repair_emptied_is_written_next(native, copy):
    box = native.SlotBox()
    box.put(5)
    box.put(6)
    box.set_word(copy, EMPTIED)
    kept = (6, 5)[copy]
    assert box.get() == record(kept)
    assert box.put(7)
    assert box.words() == ((7, 6), (5, 7))[copy]
    assert box.get() == record(7)


def test_a_write_put_back_on_an_emptied_copy_keeps_the_mark(native):
    box = native.SlotBox()
    box.put(5)
    box.put(6)
    box.set_word(0, EMPTIED)
    assert not box.put(2)
    assert box.words() == (EMPTIED, 6)


def meanwhile(call, *steps):
    """Run a call that cannot end before the steps; check before each of them that it has not ended."""
    ended = []

    def body(index):
        if index == 0:
            result = call()
            ended.append(result)
            return result
        for step in steps:
            time.sleep(0.01)
            assert not ended, f"it did not wait: {ended}"
            step()
        return None

    return run_threads(2, body)[0]


@pytest.mark.parametrize("copy", [0, 1])
@pytest.mark.parametrize("bits", [WRITING, HELD], ids=["being written", "held"])
def test_a_writer_waits_while_either_copy_has_an_owner(native, copy, bits):
    box = native.SlotBox()
    box.put(7)
    box.put(8)
    word = box.words()[copy]
    box.set_word(copy, word | bits)
    assert meanwhile(lambda: box.put(9), lambda: box.set_word(copy, word))
    assert box.words() == (9, 8)


@pytest.mark.parametrize(
    ("puts", "words", "then"),
    [
        ((7, 8, 9), (7 | WRITING, 8 | WRITING), (9, 8 | WRITING)),  # seen before and after another writer's turn
        ((7, 8), (WRITING, 8 | WRITING), (WRITING, 8)),
        ((7, 8), (EMPTIED, 8 | WRITING), (EMPTIED, 8)),
        ((7, 8, 9), (EMPTIED | WRITING, 8 | WRITING), (9 | HELD, 8 | WRITING)),
        ((8,), (WRITING, EMPTIED), (8, EMPTIED)),  # seen in its first write, and after a repair of the other
        ((8,), (EMPTIED | WRITING, EMPTIED), (8, EMPTIED)),
    ],
    ids=["both taken", "first and taken", "emptied", "emptied and taken", "first and emptied", "emptied twice"],
)
@pytest.mark.parametrize("read", ["get", "get_word"])
def test_two_copies_in_work_mean_look_again_and_not_missing(native, puts, words, then, read):
    box = native.SlotBox()
    for sequence in puts:
        box.put(sequence)
    for copy in (0, 1):
        box.set_word(copy, words[copy])
    newest = max(word & (EMPTIED - 1) for word in then if not word & WRITING)
    call = box.get if read == "get" else lambda: box.get_word(5)
    got = meanwhile(call, lambda: [box.set_word(copy, then[copy]) for copy in (0, 1)])
    assert got == (record(newest) if read == "get" else newest * 8 + 5)


def race(native, writers, readers):
    """Run writers (keywords of write_slot) beside readers (callables of module and box).

    Return (box, restored, readings).
    """
    box = native.SlotBox(len(writers), len(readers))

    def body(index):
        if index < len(writers):
            return native.write_slot(box, **writers[index])
        return readers[index - len(writers)](native, box)

    results = run_threads(len(writers) + len(readers), body)
    return box, sum(results[: len(writers)]), results[len(writers) :]


FAST, SLOW = 300_000, 5_000
RACES = {
    "one writer": [{"count": FAST}],
    "two writers": [{"count": FAST}] * 2,
    "two writers with chunks of tickets": [{"count": FAST, "chunk": 8}] * 2,
    "a single and a batch": [{"count": FAST}, {"count": FAST, "chunk": 64}],
    "two that take their time": [{"count": SLOW, "pauses": 20}] * 2,
    "two that take their time, with chunks": [{"count": SLOW, "pauses": 20, "chunk": 8}] * 2,
}
READERS = [
    lambda native, box: native.read_slot(box),
    lambda native, box: native.read_slot(box, pauses=3),
    lambda native, box: native.read_slot(box, pauses=30),
    lambda native, box: native.read_word(box, 4),
]


@pytest.mark.parametrize("writers", RACES.values(), ids=RACES.keys())
def test_no_reader_sees_a_torn_an_older_or_no_record(native, writers):
    reads = [0] * len(READERS)
    while not all(reads):  # a round may be over before a reader got a core
        box, restored, readings = race(native, writers, READERS)
        assert [reading[1:] for reading in readings] == [(0, 0, 0)] * len(READERS)
        reads = [before + reading[0] for before, reading in zip(reads, readings, strict=True)]
        assert not any(word & (WRITING | HELD) for word in box.words())
        if all("chunk" not in kind for kind in writers):
            assert restored == 0
            assert box.sequence == sum(kind["count"] for kind in writers)
            assert sorted(box.words()) == [box.sequence - 1, box.sequence]
            assert box.get() == record(box.sequence)


@pytest.mark.stress
@pytest.mark.slow
@pytest.mark.parametrize("writers", [1, 3, 8])
def test_many_writers_and_readers_for_long(native, writers):
    kinds = [{"count": 1_000_000, "chunk": 8 * (i % 2)} for i in range(writers)]
    _, _, readings = race(native, kinds, READERS * 2)
    assert [reading[1:] for reading in readings] == [(0, 0, 0)] * len(READERS) * 2


TWINS = {
    "a reader that does not look again": ([{"count": FAST}], {"pauses": 20, "broken": 1}),
    "a writer that does not mark the copy": ([{"count": SLOW, "pauses": 20, "broken": 1}], {"pauses": 30}),
    "writers that do not take turns": ([{"count": SLOW, "pauses": 20, "broken": 2}] * 2, {}),
}


@at_once
@pytest.mark.parametrize(("writers", "reader"), TWINS.values(), ids=TWINS.keys())
def test_a_broken_twin_is_caught(native, writers, reader):
    for _ in tries():
        _, _, readings = race(native, writers, [lambda native, box: native.read_slot(box, **reader)] * 2)
        if any(sum(reading[1:]) for reading in readings):
            return
    pytest.fail("nobody noticed")

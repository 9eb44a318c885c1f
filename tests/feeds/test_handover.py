"""The reader thread: every line once, in order; nothing is lost when it ends early, and nothing hangs."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore import BufferPool
from pricecore.feeds.handover import Handover
from pricecore.feeds.lines import CaptureStamp, Lines
from pricecore.feeds.tally import Tally

FOREVER = 1 << 62


class Taken(list):
    """A source that keeps its messages."""

    def tally(self):
        return Tally(lambda message: self.append(message) or 1)


def lines_of(number, texts, chunk_bytes=1 << 16):
    content = b"".join(text + b"\n" for text in texts)
    chunks = (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))
    return Lines(chunks, number, CaptureStamp())


def take_rest(handover, tallies):
    taken = 0
    while not handover.finished:
        taken += handover.take(tallies, FOREVER)
    return taken


def take_all(handover, tallies):
    handover.start()
    taken = take_rest(handover, tallies)
    assert handover.stop()
    return taken


@settings(deadline=None, max_examples=40)
@given(
    times=st.lists(st.lists(st.integers(0, 5)).map(sorted), max_size=5),
    capacity=st.integers(1, 8),
    buffers=st.integers(1, 4),
    chunk_bytes=st.integers(1, 20),
)
def test_lines_come_by_time_and_ties_in_the_order_of_the_sources(times, capacity, buffers, chunk_bytes):
    pool = BufferPool(buffers, 4)
    taken = Taken()
    sources = [
        lines_of(number, [b"%d %d.%d" % (time, number, i) for i, time in enumerate(own)], chunk_bytes)
        for number, own in enumerate(times)
    ]
    expected = [(time, number, i) for number, own in enumerate(times) for i, time in enumerate(own)]
    assert take_all(Handover(pool, sources, capacity), [taken.tally()] * len(times)) == len(expected)
    assert taken == [b"%d.%d" % (number, i) for _, number, i in sorted(expected)]
    assert pool.stats().outstanding == 0


def test_a_source_whose_times_go_back_keeps_its_order():
    taken = Taken()
    sources = [lines_of(0, [b"9 a", b"1 b", b"5 c"]), lines_of(1, [b"3 d", b"2 e"])]
    take_all(Handover(BufferPool(), sources), [taken.tally()] * 2)
    assert taken == [b"d", b"e", b"a", b"b", b"c"]


def test_long_lines_and_many_lines_come_through_unchanged():
    pool = BufferPool(8, 64)
    texts = [b"%d" % i + b"x" * (i % 300) for i in range(5_000)] + [b"y" * 3_000_000, b"end"]
    taken = Taken()
    take_all(Handover(pool, [lines_of(0, texts)], 16), [taken.tally()])
    assert taken == texts
    assert pool.stats().outstanding == 0
    assert pool.stats().dropped > 0


def test_a_limit_is_exact():
    taken = Taken()
    handover = Handover(BufferPool(), [lines_of(0, [b"%d" % i for i in range(100)])], 32)
    handover.start()
    left = 7
    while left:
        left -= handover.take([taken.tally()], left)
    assert handover.stop()
    assert taken == [b"%d" % i for i in range(7)]


@pytest.mark.parametrize("limit", [0, -1, -(1 << 63)])
def test_a_limit_below_one_is_refused_and_takes_nothing(limit):
    pool, taken = BufferPool(1_000, 16), Taken()
    handover = Handover(pool, [lines_of(0, [b"%d" % i for i in range(500)])], 512)
    handover.start()
    while pool.stats().outstanding < 500:  # far more than are taken at once
        time.sleep(0.001)
    with pytest.raises(ValueError, match=f"a limit of {limit} lines"):
        handover.take([taken.tally()], limit)
    assert taken == []
    assert take_rest(handover, [taken.tally()]) == 500
    assert handover.stop()


@pytest.mark.parametrize("taken_before", [0, 1, 100])
def test_stopping_early_gives_every_buffer_back(taken_before):
    pool = BufferPool(16, 64)

    def endless():
        while True:
            yield b"line\n" * 50

    handover = Handover(pool, [Lines(endless(), 0)], 8)
    handover.start()
    tally = Tally(lambda message: 0)
    while tally.lines < taken_before:
        handover.take([tally], FOREVER)
    while pool.stats().outstanding < 8:  # the source has no end: the queue fills up
        time.sleep(0.001)
    assert handover.stop()
    assert pool.stats().outstanding == 0


def test_an_error_of_the_reader_is_raised_after_the_lines_before_it():
    def failing():
        yield b"1 a\n2 b\nhalf"
        raise RuntimeError("the disk is gone")

    pool, taken = BufferPool(), Taken()
    handover = Handover(pool, [Lines(failing(), 0, CaptureStamp())])
    handover.start()
    with pytest.raises(RuntimeError, match="the disk is gone"):
        take_rest(handover, [taken.tally()])
    assert taken == [b"a", b"b"]
    assert handover.stop()
    assert pool.stats().outstanding == 0


def test_an_error_of_a_source_leaves_no_buffer_behind():
    def decode(message):
        raise KeyboardInterrupt

    pool = BufferPool()
    handover = Handover(pool, [lines_of(0, [b"x"] * 300)])
    handover.start()
    with pytest.raises(KeyboardInterrupt):
        take_rest(handover, [Tally(decode)])
    assert handover.stop()
    assert pool.stats().outstanding == 0


def test_what_is_read_is_handed_over_before_the_reader_waits_for_more():
    more = threading.Event()

    def slow():
        yield b"1 a\n"
        assert more.wait(60)
        yield b"2 b\n"

    taken = Taken()
    handover = Handover(BufferPool(), [Lines(slow(), 0, CaptureStamp())])
    handover.start()
    while not taken:
        handover.take([taken.tally()], FOREVER)
    assert taken == [b"a"]
    more.set()
    take_rest(handover, [taken.tally()])
    assert taken == [b"a", b"b"]


def test_lines_that_are_not_due_when_it_stops_are_dropped():
    pool, taken = BufferPool(), Taken()
    handover = Handover(pool, [lines_of(0, [b"%d m" % time for time in range(1, 100)])])
    handover.start()
    count = 0
    while not count:
        count = handover.take([taken.tally()], FOREVER, lambda time_ns: time_ns < 4)
    assert count == len(taken) == 3
    assert handover.stop()
    assert pool.stats().outstanding == 0


def test_a_handover_that_never_started_can_be_stopped():
    assert Handover(BufferPool(), []).stop()


def test_no_sources_are_finished_at_once():
    assert take_all(Handover(BufferPool(), []), []) == 0


def test_sources_must_carry_their_own_number():
    with pytest.raises(ValueError, match="source 0"):
        Handover(BufferPool(), [lines_of(1, [])])
    with pytest.raises(ValueError, match="source 0"):
        Handover(BufferPool(), [[b"line"]])

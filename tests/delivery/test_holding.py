"""Consumers that hold the ring: nothing is lost, nothing is overwritten, and who leaves holds nobody up."""

from pathlib import Path

import pytest
from helpers.native import build_native
from helpers.threads import at_once, run_threads, tries

WAIT, RAISE, SKIP = 0, 1, 2
MISSING_REREAD, FASTEST = 1, 2
FOR_EVER = 1 << 60


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    return build_native(Path(__file__).parents[1] / "native" / "holding.pyx", tmp_path_factory.mktemp("holding"))


@pytest.fixture
def box(native):
    return native.HoldingBox(4)


def test_nobody_holds_a_ring_without_consumers(box):
    assert box.limit is None
    assert [box.publish(3), box.publish(3)] == [1, 4]


def test_consumer_starts_behind_the_newest_ticket(box):
    box.publish(3)
    assert box.register(0, "log") == 0
    assert (box.limit, box.copy(0, 8)) == (7, ([], None))
    box.publish(2)
    assert box.copy(0, 8) == ([4, 5], None)


def test_ring_is_full_when_the_consumer_is_a_ring_behind(box):
    box.register(0, "log")
    assert [box.publish(3), box.publish(2), box.publish(1), box.publish(1)] == [1, None, 4, None]
    assert box.blocked(1) == ("log", 0)
    assert box.copy(0, 1) == ([1], None)
    assert [box.blocked(1), box.publish(2), box.publish(1)] == [None, None, 5]
    assert box.copy(0, 9) == ([2, 3, 4, 5], None)


def test_slowest_of_several_decides(box):
    box.register(0, "slow")
    box.publish(2)
    box.register(1, "fast")
    box.publish(2)
    assert box.copy(1, 9)[0] == [3, 4]
    assert (box.limit, box.blocked(1)) == (4, ("slow", 0))
    box.copy(0, 1)
    assert (box.limit, box.publish(1)) == (5, 5)


def test_leaving_lets_the_ring_go_to_the_next_slowest(box):
    box.register(0, "slow")
    box.publish(4)
    box.register(1, "other")
    box.leave(0)
    assert (box.limit, box.publish(4), box.publish(1)) == (8, 5, None)
    box.leave(1)
    box.leave(1)
    assert (box.limit, box.publish(4)) == (None, 9)


def test_name_and_cursor_are_free_again_after_leaving(box):
    assert [box.register(i, f"c{i}") for i in range(16)] == [0] * 16
    assert box.register(0, "c7") == 1
    box.leave(7)
    assert box.register(7, "c3") == 1
    assert box.register(7, "c7") == 0


def test_seventeenth_consumer_finds_no_place(native, box):
    for i in range(16):
        box.register(i, f"c{i}")
    assert box.register(15, "one more") == 2


def test_one_that_skips_holds_nothing_and_learns_the_exact_gap(box):
    box.register(0, "view", SKIP)
    assert box.limit is None
    box.publish(3)
    assert box.copy(0, 2) == ([1, 2], None)
    for _ in range(3):
        box.publish(2)
    assert box.copy(0, 9) == ([6, 7, 8, 9], (3, 5))
    assert (box.lost(0), box.copy(0, 9)) == (3, ([], None))


def test_one_that_skips_does_not_hold_back_beside_one_that_waits(box):
    box.register(0, "view", SKIP)
    box.register(1, "log")
    box.publish(4)
    assert box.blocked(1) == ("log", 0)
    box.copy(1, 4)
    assert box.publish(1) == 5
    assert box.copy(0, 9) == ([2, 3, 4, 5], (1, 1))


def test_records_are_read_in_place_up_to_the_end_of_the_ring(box):
    box.register(0, "log")
    box.publish(3)
    assert (box.peek(0, 9), box.peek(0, 2)) == ([1, 2, 3], [1, 2])
    box.advance(0, 2)
    box.publish(3)
    assert box.peek(0, 9) == [3, 4]
    box.advance(0, 2)
    assert box.peek(0, 9) == [5, 6]


def test_only_published_records_are_seen(box):
    box.register(0, "log")
    box.publish(1)
    box.claim(1)
    assert (box.peek(0, 9), box.copy(0, 9)) == ([1], ([1], None))
    assert box.copy(0, 9) == ([], None)


@pytest.mark.stress
@pytest.mark.parametrize("capacity", [8, 64])
@pytest.mark.parametrize("in_place", [False, True])
def test_two_consumers_get_every_record_once_from_four_writers(native, capacity, in_place):
    total = 200_000
    box = native.HoldingBox(capacity, 6)
    box.register(0, "one")
    box.register(1, "two")

    def work(index):
        if index < 4:
            return native.write(box, total, [1, 1, 3, 8][index])
        return native.follow(box, index - 4, total, [1, 16][index - 4], in_place)

    *written, one, two = run_threads(6, work)
    assert sum(written) == box.sequence >= total
    for read, misplaced, torn, lost in (one, two):
        assert (misplaced, torn, lost) == (0, 0, 0)
        assert total <= read <= box.sequence


@pytest.mark.stress
@pytest.mark.parametrize("pauses", [0, 300])
def test_registering_beside_writers_leaves_no_hole(native, pauses):
    box = native.HoldingBox(8, 4)

    def work(index):
        if index < 2:
            return native.write(box, FOR_EVER, [1, 5][index])
        return native.come_and_go(box, index - 2, 20_000 if pauses == 0 else 2_000, 5, pauses)

    *_, one, two = run_threads(4, work)
    assert one[1:] == two[1:] == (0, 0, 0)
    assert one[0] or two[0]


@at_once
@pytest.mark.stress
def test_registering_without_a_second_look_at_the_ticket_is_caught(native):
    for _ in tries():
        box = native.HoldingBox(8, 2)

        def work(index, box=box):
            if index == 0:
                return native.write(box, FOR_EVER)
            return native.come_and_go(box, 0, 100, 5, 1_000, MISSING_REREAD)

        if run_threads(2, work)[1][3]:
            return
    pytest.fail("nothing was lost")


@at_once
@pytest.mark.stress
def test_limit_of_the_fastest_consumer_is_caught(native):
    for _ in tries():
        box = native.HoldingBox(8, 3)
        box.register(0, "slow")
        box.register(1, "fast")

        def work(index, box=box):
            if index == 0:
                return native.write(box, 10_000)
            return native.follow(box, index - 1, 10_000, 8, False, 10_000 if index == 1 else 0, FASTEST)

        if run_threads(3, work)[1][3]:
            return
    pytest.fail("nothing was lost")

"""When a line is due, by a clock that the test moves."""

import pytest

from pricecore.feeds import pace
from pricecore.feeds.pace import Pace, parse_speed

SECOND_NS = 10**9


class Clock:
    def __init__(self):
        self.now_s = 100.0
        self.slept_s = []

    def monotonic(self):
        return self.now_s

    def sleep(self, seconds):
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 3.0), (10.0, 0.3), (0.5, 6.0)])
def test_lines_come_as_far_apart_as_they_were_received(clock, speed, seconds):
    wait = Pace(speed, lambda: False).wait_until_due
    assert [wait(time_ns) for time_ns in (5 * SECOND_NS, 6 * SECOND_NS, 8 * SECOND_NS)] == [True] * 3
    assert clock.now_s - 100.0 == pytest.approx(seconds)


def test_a_late_line_and_one_without_a_time_are_due_at_once(clock):
    wait = Pace(1.0, lambda: False).wait_until_due
    assert all(wait(time_ns) for time_ns in (0, 5 * SECOND_NS, 0, 4 * SECOND_NS))
    clock.now_s += 10.0
    assert wait(9 * SECOND_NS)
    assert clock.slept_s == []


def test_a_wait_ends_when_it_is_stopped(clock):
    wait = Pace(1.0, lambda: clock.now_s > 105.0).wait_until_due
    assert wait(1)
    assert not wait(3600 * SECOND_NS)
    assert clock.now_s == pytest.approx(105.1, abs=0.11)
    assert not wait(0)


HOUR_NS = 3_600 * SECOND_NS


def test_a_step_of_more_than_an_hour_is_passed_over_and_told_once(clock):
    told_s = []
    wait = Pace(2.0, lambda: False, told_s.append).wait_until_due
    times_ns = (1, 1 + SECOND_NS, 1 + 9 * HOUR_NS, 1 + 9 * HOUR_NS + SECOND_NS, 1 << 62, (1 << 62) + SECOND_NS)
    assert all(wait(time_ns) for time_ns in times_ns)
    assert clock.now_s - 100.0 == pytest.approx(1.5)
    assert told_s == [pytest.approx(4.5 * 3_600, rel=1e-3)]


def test_lines_after_an_absurd_time_keep_their_pace(clock):
    wait = Pace(1.0, lambda: False).wait_until_due
    assert all(wait(time_ns) for time_ns in (HOUR_NS, 1 << 62, HOUR_NS, HOUR_NS + 5 * SECOND_NS))
    assert clock.now_s - 100.0 == pytest.approx(5.0)


def test_a_step_of_an_hour_is_waited_for(clock):
    assert all(map(Pace(1.0, lambda: False).wait_until_due, (SECOND_NS, SECOND_NS + HOUR_NS)))
    assert clock.now_s - 100.0 == pytest.approx(3_600.0)


@pytest.mark.parametrize(("text", "speed"), [("max", float("inf")), ("realtime", 1.0), ("x10", 10.0), ("0.5", 0.5)])
def test_speeds(text, speed):
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "x0", "fast", "-1", "10x", "nan"])
def test_what_is_no_speed(text):
    with pytest.raises(ValueError, match="is none of max, realtime, x10"):
        parse_speed(text)

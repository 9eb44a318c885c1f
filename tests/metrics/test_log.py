"""The throttled log: one message a key and interval, nothing forgotten."""

import logging
import os

import pytest
from helpers.threads import run_threads

from pricecore.metrics import log
from pricecore.metrics.log import MAX_KEYS, ThrottledLogger


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return ThrottledLogger(clock=clock)


def test_first_message_of_a_key_is_logged_as_a_warning_of_pricecore(throttle, caplog):
    assert throttle.warn("volume", "volume is %s", -1)
    assert caplog.record_tuples == [("pricecore", logging.WARNING, "volume is -1")]


def test_second_message_within_the_interval_is_left_out(throttle, clock, caplog):
    throttle.warn("volume", "first")
    clock.now_s += 0.999
    assert not throttle.warn("volume", "second")
    assert caplog.messages == ["first"]


def test_next_message_says_how_many_were_left_out(throttle, clock, caplog):
    throttle.warn("volume", "first")
    for _ in range(123):
        throttle.warn("volume", "more")
    clock.now_s += 1.0
    assert throttle.warn("volume", "next at %d%%", 80)
    assert caplog.messages == ["first", "next at 80% (and 123 more in the last 1.0 s)"]


def test_message_after_a_quiet_interval_counts_nothing(throttle, clock, caplog):
    for _ in range(3):
        throttle.warn("volume", "alone")
        clock.now_s += 5
    assert caplog.messages == ["alone"] * 3


def test_count_starts_again_after_it_was_told(throttle, clock, caplog):
    for _ in range(3):
        throttle.warn("volume", "a")
        throttle.warn("volume", "b")
        clock.now_s += 1.0
    assert caplog.messages == ["a", *["a (and 1 more in the last 1.0 s)"] * 2]


def test_percent_sign_without_arguments_is_text(throttle, clock, caplog):
    throttle.warn("table", "80% full")
    throttle.warn("table", "80% full")
    clock.now_s += 2
    throttle.warn("table", "90% full")
    assert caplog.messages == ["80% full", "90% full (and 1 more in the last 2.0 s)"]


def test_keys_do_not_throttle_each_other(throttle, caplog):
    throttle.warn("volume", "a")
    throttle.warn("future", "b")
    assert caplog.messages == ["a", "b"]


def test_left_out_message_is_not_formatted(throttle):
    class Dear:
        def __str__(self):
            raise AssertionError("formatted")

    throttle.warn("volume", "first")
    throttle.warn("volume", "%s", Dear())


def test_clock_that_stands_still_logs_once(throttle, caplog):
    for _ in range(1_000):
        throttle.warn("volume", "x")
    assert len(caplog.messages) == 1


def test_keys_are_forgotten_oldest_first_when_there_are_too_many(throttle, caplog):
    for key in range(MAX_KEYS + 1):
        throttle.warn(key, "new")
    caplog.clear()
    assert not throttle.warn(1, "remembered")
    assert throttle.warn(0, "forgotten, hence new")


def test_record_names_the_place_of_the_call(throttle, caplog):
    throttle.warn("volume", "here")
    assert caplog.records[0].filename == "test_log.py"


def test_threads_lose_no_message_and_log_one(throttle, clock, caplog):
    threads, each = 4, 2_000
    run_threads(threads, lambda _: [throttle.warn("volume", "x") for _ in range(each)])
    assert len(caplog.messages) == 1
    clock.now_s += 1
    throttle.warn("volume", "y")
    assert caplog.messages[1] == f"y (and {threads * each - 1} more in the last 1.0 s)"


def test_handler_that_warns_again_does_not_hang(throttle, caplog):
    class Echo(logging.Handler):
        def emit(self, record):
            throttle.warn("echo", "from the handler")

    echo = Echo()
    logging.getLogger("pricecore").addHandler(echo)
    try:
        throttle.warn("volume", "x")
    finally:
        logging.getLogger("pricecore").removeHandler(echo)
    assert sorted(caplog.messages) == ["from the handler", "x"]


def test_package_has_one_logger_without_a_handler():
    assert logging.getLogger("pricecore").handlers == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_child_of_a_fork_can_warn_while_the_parent_held_the_lock(caplog):
    with log._throttle._lock:
        child = os.fork()
        if child == 0:
            code = 0 if log._throttle._lock.acquire(timeout=5) else 1
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

"""The thread helper itself: an error in a thread, or a thread that hangs, must fail the test that started it."""

import threading

import pytest
from helpers.threads import run_threads


def test_results_come_back_in_order_of_the_threads():
    assert run_threads(4, lambda i: i * i) == [0, 1, 4, 9]


def test_an_error_in_one_thread_is_raised():
    def fail_in_the_third(index):
        if index == 2:
            raise ZeroDivisionError("third")

    with pytest.raises(ZeroDivisionError, match="third"):
        run_threads(4, fail_in_the_third)


def test_a_thread_that_hangs_is_a_timeout():
    forever = threading.Event()
    with pytest.raises(TimeoutError, match="1 of 2 threads"):
        run_threads(2, lambda i: forever.wait() if i else None, timeout_s=0.2)
    forever.set()

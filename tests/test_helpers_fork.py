"""The helper that forks: results come back, errors and deaths are told, a child that hangs ends."""

import os
import time

import pytest
from helpers.fork import run_in_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_result_of_the_child_comes_back():
    assert run_in_child(lambda: {"pid": os.getpid()})["pid"] != os.getpid()


def test_error_of_the_child_is_raised_with_its_traceback():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_in_child(lambda: 1 / 0)


def test_death_of_the_child_is_told():
    with pytest.raises(RuntimeError, match="exit code 3"):
        run_in_child(lambda: os._exit(3))


def test_child_that_does_not_answer_is_ended():
    with pytest.raises(TimeoutError, match="did not answer"):
        run_in_child(lambda: time.sleep(60), timeout_s=0.2)

"""When a signal interrupts, and when it only asks to stop."""

import os
import signal

import pytest

from pricecore.cli.stop import Stop


@pytest.mark.parametrize("number", Stop.SIGNALS)
def test_a_signal_asks_to_stop_and_interrupts_nothing(number):
    with Stop() as stop:
        os.kill(os.getpid(), number)
        assert stop.requested


@pytest.mark.parametrize("number", Stop.SIGNALS)
def test_a_signal_interrupts_a_wait_for_input(number):
    with Stop() as stop:
        with pytest.raises(KeyboardInterrupt), stop.waiting_for_input():
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # the wait is over
        assert stop.requested


def test_a_signal_before_the_wait_interrupts_it_too():
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), stop.waiting_for_input():
            raise AssertionError("waited")


def test_the_handlers_from_before_come_back():
    before = [signal.getsignal(number) for number in Stop.SIGNALS]
    with Stop():
        assert [signal.getsignal(number) for number in Stop.SIGNALS] != before
    assert [signal.getsignal(number) for number in Stop.SIGNALS] == before

"""The engine that lives on the bundled sample."""

import threading

import pytest

pytest.importorskip("msgspec", reason="no msgspec for this interpreter")

from helpers.waiting import until

from pricecore.errors import EngineClosedError
from pricecore.feeds.pace import Pace
from pricecore.feeds.sample_engine import SampleEngine, _records


def test_an_engine_on_the_sample_is_live_at_once():
    with SampleEngine() as sample:
        until(lambda: len(sample.engine) == 4)
        assert sorted(symbol[:5] for symbol in sample.engine.symbols()) == ["spot:", "spot:", "usdm:", "usdm:"]
        until(lambda: sample.engine.metrics().messages_processed > 100)
        assert sample.engine.metrics().errors == 0


def test_the_sample_is_played_again_and_nothing_of_the_second_round_is_dropped(monkeypatch):
    monkeypatch.setattr(Pace, "wait_until_due", lambda pace, time_ns: not pace._stopped())
    updates_a_round = 3_189
    with SampleEngine() as sample:
        until(lambda: sample.engine.metrics().messages_processed > 2 * updates_a_round)
        assert sample.engine.metrics().out_of_order == 0


def test_messages_of_both_files_are_played_in_order_of_receive_time():
    times = [record[0] for record in _records()]
    assert len(times) == 3_599
    assert times == sorted(times)


def test_its_thread_ends_with_it():
    sample = SampleEngine()
    sample.close()
    assert "pricecore-sample" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(EngineClosedError):
        sample.engine.update("A", 1.0)

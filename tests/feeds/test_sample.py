"""The sample that is played in a loop."""

from helpers.waiting import until

from pricecore.feeds import sample
from pricecore.feeds.sample import SampleEngine


def test_the_sample_is_played_again_and_again_without_an_error(monkeypatch):
    sliced = sample._slices()
    monkeypatch.setattr(sample, "_slices", lambda: [(due_s / 1e3, messages) for due_s, messages in sliced])
    with SampleEngine() as playing:
        until(lambda: playing.engine.metrics().messages_processed > 3 * 3_189)
        metrics = playing.engine.metrics()
        assert sorted(playing.engine.symbols()) == ["spot:BTCUSDT", "spot:ETHUSDT", "usdm:BTCUSDT", "usdm:ETHUSDT"]
    assert (metrics.errors, metrics.out_of_order) == (0, 0)


def test_the_sample_keeps_its_time():
    sliced = sample._slices()
    dues_s = [due_s for due_s, _ in sliced]
    assert dues_s == sorted(dues_s)
    assert dues_s[0] == 0.0
    assert 6.5 < dues_s[-1] < 7.5
    assert sum(len(messages) for _, messages in sliced) == 3_599


def test_closing_stops_the_thread_and_closes_the_engine():
    playing = SampleEngine()
    playing.close()
    assert playing.engine.closed
    assert not playing._thread.is_alive()

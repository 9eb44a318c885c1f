"""Where decoders hand prices on: what is counted, and under which name."""

from math import nan

import pytest
from helpers.prices import Recorder

from pricecore import EngineClosedError, PriceEngine
from pricecore.feeds import MalformedError, Sink
from pricecore.feeds.intake import Guard


def test_a_trade_is_handed_on_under_the_engines_name_and_counted():
    recorder = Recorder()
    sink = Sink(recorder, prefix="X:")
    assert sink.trade("A", 1.5) == sink.trade("A", 2.5, 3.0, 10**18, 0.5) == 1
    assert recorder.trades == [("X:A", 1.5, 0.0, 0, None), ("X:A", 2.5, 3.0, 10**18, 0.5)]
    assert (sink.trades, sink.quotes) == (2, 0)


def test_a_quote_is_handed_on_under_the_engines_name_and_counted():
    recorder = Recorder()
    sink = Sink(recorder, "L")
    assert sink.quote("A", 1.5, 2.5) == sink.quote("A", 1.5, 2.5, 3.0, 4.0, 10**18) == 1
    assert recorder.quotes == [("L:A", 1.5, 2.5, 0.0, 0.0, 0), ("L:A", 1.5, 2.5, 3.0, 4.0, 10**18)]
    assert (sink.trades, sink.quotes) == (0, 2)


@pytest.mark.parametrize("hand_on", [lambda sink: sink.trade("", 1.5), lambda sink: sink.quote("", 1.5, 2.5)])
def test_a_price_without_a_symbol_is_malformed_whatever_the_prefix(hand_on):
    recorder = Recorder()
    sink = Sink(recorder, prefix="X:")
    with pytest.raises(MalformedError, match="without a symbol"):
        hand_on(sink)
    assert (recorder.trades, recorder.quotes, sink.trades, sink.quotes) == ([], [], 0, 0)


@pytest.mark.parametrize("guarded", [True, False])
def test_what_the_engine_never_took_is_not_counted(guarded):
    with PriceEngine() as engine:
        sink = Sink(Guard(engine) if guarded else engine)
        with pytest.raises(TypeError):
            sink.trade("A", "1.5")
    with pytest.raises(EngineClosedError):
        sink.quote("A", 1.5, 2.5)
    assert (sink.trades, sink.quotes) == (0, 0)


def test_a_guard_counts_what_an_engine_refuses():
    with PriceEngine() as engine:
        guard = Guard(engine)
        sink = Sink(guard)
        prices = [sink.trade("A", 1.0, 0.0, 10**18), sink.trade("A", 1.0, 0.0, 10**18 - 1), sink.trade("A", -1.0)]
        sink.quote("A", nan, nan)
        assert prices == [1, 1, 1]
        assert (guard.stored, guard.out_of_order) == (1, 1)
        assert guard.refused == {"price_not_positive": 1, "no_side": 1}


@pytest.mark.parametrize("make", [lambda: Sink.__new__(Sink), lambda: Guard.__new__(Guard), lambda: Guard(None)])
def test_neither_is_made_without_an_engine(make):
    with pytest.raises((TypeError, AttributeError)):
        make()


def test_a_guard_wants_a_real_handle():
    class Odd:
        def writer(self):
            return None

    with pytest.raises(TypeError, match="returned None"):
        Guard(Odd())

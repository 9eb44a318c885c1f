"""What `pricecore perf-test` compares with: a Python engine that does the same work, timed in the same rounds."""

import math

import pytest

from pricecore import PriceEngine
from pricecore.perftest import measure_beside
from pricecore.perftest.beside import PythonEngine

TIME_NS = 1_700_000_000_000_000_000


def test_the_python_engine_stores_publishes_counts_and_times():
    engine = PythonEngine()
    assert engine.update("A", 100.0, 1.0, TIME_NS, 0.5)
    assert engine.update("A", 101.0, 2.0, TIME_NS, math.nan)
    assert engine.prices["A"][:3] == (101.0, 2.0, TIME_NS)
    assert [row[:3] for row in engine.stream] == [(1, "A", 100.0), (2, "A", 101.0)]
    assert engine.processed == len(engine.latencies_ns) == 2


def test_the_python_engine_drops_what_is_older():
    engine = PythonEngine()
    engine.update("A", 100.0, 1.0, TIME_NS, 0.5)
    assert not engine.update("A", 101.0, 1.0, TIME_NS - 1, 0.5)
    assert engine.prices["A"][0] == 100.0


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ((-1.0, 1.0, 0.5), "price"),
        ((math.nan, 1.0, 0.5), "price"),
        ((1.0, -1.0, 0.5), "volume"),
        ((1.0, 1.0, math.inf), "change_24h"),
    ],
)
def test_the_python_engine_refuses_what_ours_refuses(figures, named):
    price, volume, change = figures
    with pytest.raises(ValueError, match=named):
        PythonEngine().update("A", price, volume, TIME_NS, change)


def test_every_update_of_the_comparison_is_stored():
    with PriceEngine() as engine:
        beside = measure_beside(engine)
        metrics = engine.metrics()
    assert metrics.messages_processed == metrics.messages_received > 0
    assert metrics.out_of_order == 0
    assert 0 < beside.dict_ns < beside.python_ns
    assert beside.update_ns > 0

"""`PriceMap`: the store alone, against a dict, with bad input, and with many threads."""

import math
import threading
import time

import numpy as np
import pytest
from helpers.threads import run_threads
from hypothesis import given, settings
from hypothesis import strategies as st
from models.engine_model import PRICE, EngineModel, Row

from pricecore import SNAPSHOT_DTYPE, InvalidUpdateError, PriceMap, PriceUpdate, SymbolTableFullError

NAN, INF = math.nan, math.inf
TIME = 1_723_075_200_000_000_000

prices = st.one_of(st.floats(0.5, 1e6), st.floats(0.5, 1e6), st.sampled_from([NAN, INF, 0.0, -1.0]))
volumes = st.one_of(st.floats(0, 1e6), st.sampled_from([-1.0, NAN]))
changes = st.one_of(st.just(NAN), st.floats(-99, 99), st.just(-INF))
times = st.one_of(st.just(0), st.integers(TIME, TIME + 5), st.sampled_from([1, -1, 2**63, 2**63 - 1]))
symbols = st.sampled_from(["A", "B", "C", "é" * 24, "", "x" * 49, "\ud800"])
updates = st.builds(
    lambda symbol, *rest: Row(PRICE, symbol, (*rest[:3], 0.0), rest[3]), symbols, prices, volumes, changes, times
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(updates, max_size=60))
def test_any_sequence_of_updates_does_what_the_model_does(rows):
    """The rules are the engine's, but times are not compared and no time is in the future."""
    store, model = PriceMap(1_024), EngineModel(2**63 - 1, drop=False)
    sequence = 0
    for row in rows:
        price, volume, change, _ = row.figures
        try:
            store.update(row.symbol, price, volume, row.timestamp_ns, change)
            outcome = "stored"
        except InvalidUpdateError as error:
            outcome = error.reason
        assert outcome == model.update(row)
        sequence += outcome == "stored"
        if outcome == "stored":
            assert store.get(row.symbol).sequence == sequence
    assert store.symbols() == model.symbols
    assert len(store) == len(model.symbols)
    snapshot = store.snapshot()
    for symbol_id, symbol in enumerate(model.symbols):
        wanted, found = model.stored[symbol, PRICE], store.get(symbol)
        np.testing.assert_array_equal(found[1:5], (*wanted.figures[:2], wanted.timestamp_ns, wanted.figures[2]))
        assert symbol in store
        assert (snapshot["symbol_id"][symbol_id], snapshot["price"][symbol_id]) == (symbol_id, found.price)


def test_update_and_get_speak_of_the_same_trade():
    store = PriceMap()
    before_ns = time.time_ns()
    assert store.update("A", 1.0, 2.0, TIME, 3.0) is None
    trade = store.get("A")
    assert isinstance(trade, PriceUpdate)
    assert trade._replace(received_ns=0) == ("A", 1.0, 2.0, TIME, 3.0, 0, 1)
    assert before_ns <= trade.received_ns <= time.time_ns()


def test_get_of_what_is_not_there_returns_the_default():
    store = PriceMap()
    assert store.get("A") is None
    assert store.get("A", 5) == store.get("\ud800", default=5) == 5
    assert "A" not in store
    assert None not in store


def test_older_time_is_applied():
    store = PriceMap()
    store.update("A", 1.0, timestamp_ns=TIME)
    store.update("A", 2.0, timestamp_ns=TIME - 1)
    assert store.get("A").price == 2.0


def test_snapshot_has_the_contracts_type_and_no_quotes():
    store = PriceMap()
    store.update("A", 1.0)
    rows = store.snapshot()
    assert rows.dtype == SNAPSHOT_DTYPE
    assert np.isnan([rows["bid"][0], rows["ask"][0]]).all()


@pytest.mark.parametrize("arguments", [("A", "1.0"), ("A", None), (None, 1.0), (b"A", 1.0), ("A", 1.0, 0.0, 1.5)])
def test_wrong_types_raise_type_errors_and_leave_nothing(arguments):
    store = PriceMap()
    with pytest.raises(TypeError):
        store.update(*arguments)
    assert len(store) == 0


def test_full_map_refuses_new_symbols_and_keeps_the_old():
    store = PriceMap(max_symbols=1)
    for i in range(1_024):
        store.update(f"S{i}", 1.0)
    with pytest.raises(SymbolTableFullError, match=r"'NEW'.*max_symbols"):
        store.update("NEW", 1.0)
    store.update("S0", 2.0)
    assert (len(store), store.get("S0").price) == (1_024, 2.0)


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (2**40, ValueError), ("9", TypeError)])
def test_bad_size_is_named(value, error):
    with pytest.raises(error, match="max_symbols") as caught:
        PriceMap(value)
    assert str(value) in str(caught.value)


@pytest.mark.stress
def test_threads_lose_nothing_and_read_nothing_torn():
    store = PriceMap()
    stop = threading.Event()
    names = ["A", "B", "C"]

    def write(_):
        for i in range(10_000):
            x = 1.0 + i
            store.update(names[i % 3], x, 2 * x, 0, 3 * x)

    def read(_):
        last = dict.fromkeys(names, 0)
        while not stop.is_set():
            for name in names:
                trade = store.get(name)
                if trade:
                    assert (trade.volume, trade.change_24h) == (2 * trade.price, 3 * trade.price)
                    assert trade.sequence >= last[name]
                    last[name] = trade.sequence
            rows = store.snapshot()
            rows = rows[~np.isnan(rows["price"])]
            assert np.array_equal(rows["volume"], 2 * rows["price"])

    done = []

    def body(index):
        try:
            return (write if index < 3 else read)(index)
        finally:
            done.append(index)
            if index >= 3 or len(done) == 3:
                stop.set()

    run_threads(5, body)
    assert max(store.get(name).sequence for name in names) == 30_000


def test_threads_that_add_the_same_symbols_agree():
    store = PriceMap()
    run_threads(4, lambda i: [store.update(f"S{k}", 1.0 + i) for k in range(1_000)])
    assert len(store) == len(set(store.symbols())) == 1_000
    assert max(store.get(f"S{k}").sequence for k in range(1_000)) == 4_000

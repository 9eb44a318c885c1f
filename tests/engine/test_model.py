"""The engine against a plain-Python model: any sequence of operations gives the same prices, stream and accounts."""

import math
import time

import numpy as np
import pytest
from helpers.same_as_model import assert_same_accounts, assert_same_stored, assert_same_stream
from hypothesis import given, settings
from hypothesis import strategies as st
from models.engine_model import PRICE, QUOTE, EngineModel, Row

from pricecore import InvalidUpdateError, PriceEngine

NAN, INF = math.nan, math.inf
TIME = 1_723_075_200_000_000_000
LATEST = time.time_ns()

good_symbols = st.sampled_from(["A", "B", "Ω:C", "x" * 48])
symbols = st.one_of(good_symbols, good_symbols, good_symbols, st.sampled_from(["", "x" * 49, "\ud800"]))
prices = st.one_of(
    st.floats(0.5, 1e6), st.floats(0.5, 1e6), st.floats(0.5, 1e6), st.sampled_from([NAN, INF, -INF, 0.0, -1.0, 5e-324])
)
sizes = st.one_of(st.just(0.0), st.just(0.0), st.floats(0, 1e9), st.sampled_from([-1.0, NAN, INF]))
changes = st.one_of(st.just(NAN), st.floats(-99, 99), st.sampled_from([INF]))
near_times = st.integers(TIME, TIME + 5)
times = st.one_of(st.just(0), near_times, near_times, near_times, st.sampled_from([1, -1, 10**17, 2**63 - 1]))
any_times = st.one_of(times, st.sampled_from([2**63, -(2**63) - 1]))


def trades(symbol=symbols, timestamp=times):
    figures = st.tuples(prices, sizes, changes, st.just(0.0))
    return st.builds(Row, st.just(PRICE), symbol, figures, timestamp)


good_prices, good_sizes, absent, nothing = st.floats(0.5, 1e6), st.floats(0, 1e9), st.just(NAN), st.just(0.0)
quote_figures = st.one_of(
    st.tuples(good_prices, good_prices, good_sizes, good_sizes),
    st.tuples(good_prices, absent, good_sizes, nothing),
    st.tuples(absent, good_prices, nothing, good_sizes),
    st.tuples(st.one_of(prices, absent), st.one_of(prices, absent), sizes, sizes),
)
never = st.just(False)


def quotes(symbol=symbols, timestamp=times, partial=never):
    return st.builds(Row, st.just(QUOTE), symbol, quote_figures, timestamp, partial)


operations = st.one_of(
    st.tuples(st.just("single"), trades(timestamp=any_times)),
    st.tuples(st.just("single"), quotes(timestamp=any_times, partial=st.booleans())),
    st.tuples(st.just("batch"), st.lists(trades(), max_size=150)),
    st.tuples(st.just("batch"), st.lists(quotes(), max_size=8)),
    st.tuples(st.just("by ids"), st.lists(trades(good_symbols), max_size=100)),
    st.tuples(st.just("by ids"), st.lists(quotes(good_symbols), max_size=8)),
    st.tuples(st.just("register"), good_symbols),
    st.tuples(st.just("reset"), st.none()),
)


def update_one(engine, row):
    """Apply a row to the engine; return what the model returns."""
    a, b, c, d = row.figures
    try:
        if row.kind == PRICE:
            stored = engine.update(row.symbol, a, b, row.timestamp_ns, c)
        else:
            stored = engine.update_quote(row.symbol, a, b, c, d, row.timestamp_ns, row.partial)
    except InvalidUpdateError as error:
        return error.reason
    return "stored" if stored else "late"


def update_batch(engine, keys, rows):
    a, b, c, d = ([row.figures[k] for row in rows] for k in range(4))
    moments = [row.timestamp_ns for row in rows]
    if rows and rows[0].kind == QUOTE:
        return engine.update_quotes(keys, a, b, c, d, moments)
    return engine.update_many(keys, a, b, moments, c)


def step(engine, model, name, what):
    """Do one operation on both; their answers agree."""
    if name == "single":
        assert update_one(engine, what) == model.update(what)
    elif name == "batch":
        assert update_batch(engine, [row.symbol for row in what], what) == model.update_batch(what)
    elif name == "by ids":
        for row in what:
            assert engine.register(row.symbol) == model.register(row.symbol)
        ids = np.array([engine.symbol_id(row.symbol) for row in what], np.int32)
        assert update_batch(engine, ids, what) == model.update_batch(what)
    elif name == "register":
        assert engine.register(what) == model.register(what)
    else:
        engine.reset_stats()
        model.reset_stats()


just_a = st.just("A")
single_updates_of_a = st.one_of(
    trades(just_a), quotes(just_a, partial=st.booleans()), quotes(just_a, partial=st.booleans())
).map(lambda row: ("single", row))


def run_steps(steps, **options):
    drop, positive = options["out_of_order"] == "drop", not options["allow_nonpositive"]
    model = EngineModel(LATEST, drop, positive)
    with PriceEngine(max_symbols=1_024, ring_capacity=1_024, latency_window=1_000, pool_buffers=1, **options) as engine:
        for name, what in steps:
            step(engine, model, name, what)
            assert_same_accounts(engine, model)
        assert_same_stored(engine, model)
        assert_same_stream(engine, model)


every_option = pytest.mark.parametrize(
    ("out_of_order", "allow_nonpositive"), [("drop", False), ("apply", False), ("drop", True)]
)


@every_option
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(operations, min_size=10, max_size=30))
def test_any_sequence_of_operations_does_what_the_model_does(steps, out_of_order, allow_nonpositive):
    run_steps(steps, out_of_order=out_of_order, allow_nonpositive=allow_nonpositive)


@every_option
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(single_updates_of_a, min_size=10, max_size=40))
def test_any_sequence_of_updates_of_one_symbol_does_what_the_model_does(steps, out_of_order, allow_nonpositive):
    run_steps(steps, out_of_order=out_of_order, allow_nonpositive=allow_nonpositive)

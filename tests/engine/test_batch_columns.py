"""`update_many` judges 64 rows a column at a time, and row by row where one of them is bad: all as the model does.

The model knows no chunks. So bad rows stand wherever a chunk begins, ends or is left over.
"""

import math
import time

import numpy as np
import pytest
from helpers.same_as_model import assert_same_accounts, assert_same_stored, assert_same_stream
from hypothesis import given, settings
from hypothesis import strategies as st
from models.engine_model import PRICE, EngineModel, Row

from pricecore import PriceEngine

NAN, INF = math.nan, math.inf
TIME = 1_723_075_200_000_000_000
NOW = time.time_ns()
S = 1_000_000_000
LENGTHS = [1, 63, 64, 65, 127, 128, 129, 1_000]
SYMBOLS = ["A", "B", "C", "Ω:D", "x" * 48]

NOTEWORTHY = {
    "price": [NAN, INF, -INF, 0.0, -0.0, -1.0, 5e-324, -5e-324, 1.7976931348623157e308],
    "volume": [NAN, INF, -INF, -0.0, -5e-324, 0.0, 1.7976931348623157e308],
    "change": [NAN, INF, -INF, -1e300, 0.0],
    "time": [
        0, 1, -1, -(2**63), 10**17, 10**17 + 1, TIME, TIME - 1, NOW + 30 * S, NOW + 3_600 * S, 2**63 - 1
    ],
}  # fmt: skip


def odd_rows(length):
    """Strategy of rows that are something else: where, in which column, and what; most stand at a chunk's edge."""
    edges = sorted({i for i in (0, 1, 62, 63, 64, 65, 126, 127, 128, length - 2, length - 1) if 0 <= i < length})
    return st.tuples(
        st.one_of(st.sampled_from(edges), st.integers(0, length - 1)),
        st.sampled_from([(name, value) for name, values in NOTEWORTHY.items() for value in values]),
    )


def good_columns(length, seed):
    """Return columns of good rows, whose times go on, and now and then back."""
    chance = np.random.default_rng(seed)
    return {
        "symbol": chance.integers(0, len(SYMBOLS), length).astype(np.int32),
        "price": chance.uniform(0.5, 100.0, length),
        "volume": chance.uniform(0.0, 100.0, length),
        "change": chance.uniform(-50.0, 50.0, length),
        "time": TIME + 10 * np.arange(length) - np.where(chance.random(length) < 0.1, 200, 0),
    }


@st.composite
def batches(draw, length):
    """Columns of one batch; None: not given."""
    columns = good_columns(length, draw(st.integers(0, 2**32)))
    for row, (name, value) in draw(st.lists(odd_rows(length), max_size=4)):
        columns[name][row] = value
    for name in draw(st.sets(st.sampled_from(["volume", "change", "time"]))):
        columns[name] = None
    return columns


def rows_of(columns):
    """Return the rows as the model takes them."""
    length = len(columns["symbol"])
    standing_for = {"volume": 0.0, "change": NAN, "time": 0}
    full = {
        name: [standing_for[name]] * length if column is None else column.tolist() for name, column in columns.items()
    }
    figures = zip(full["price"], full["volume"], full["change"], [0.0] * length, strict=True)
    return [
        Row(PRICE, SYMBOLS[symbol], four, timestamp_ns)
        for symbol, four, timestamp_ns in zip(full["symbol"], figures, full["time"], strict=True)
    ]


def update_many(engine, columns, by, as_list):
    symbols = columns["symbol"] if by == "ids" else [SYMBOLS[i] for i in columns["symbol"]]
    others = [columns[name] for name in ("price", "volume", "time", "change")]
    if as_list:
        others = [column if column is None else column.tolist() for column in others]
    return engine.update_many(symbols, *others)


OPTIONS = [
    {"out_of_order": "drop"},
    {"out_of_order": "apply"},
    {"allow_nonpositive": True},
    {"max_future_s": None},
]


def model_of(options):
    latest_ns = 2**63 - 1 if "max_future_s" in options else NOW + 60 * S
    return EngineModel(
        latest_ns, drop=options.get("out_of_order") != "apply", positive="allow_nonpositive" not in options
    )


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("by", ["ids", "names"])
@settings(max_examples=25, deadline=None)
@given(data=st.data(), options=st.sampled_from(OPTIONS), as_list=st.booleans())
def test_batch_with_odd_rows_anywhere_does_what_the_model_does(by, length, data, options, as_list):
    model = model_of(options)
    with PriceEngine(
        max_symbols=1_024, ring_capacity=1_024, latency_window=1_000, pool_buffers=1, **options
    ) as engine:  # fmt: skip
        if by == "ids":
            for symbol in SYMBOLS:
                assert engine.register(symbol) == model.register(symbol)
        for columns in data.draw(st.lists(batches(length), min_size=1, max_size=2)):
            assert update_many(engine, columns, by, as_list) == model.update_batch(rows_of(columns))
            assert_same_accounts(engine, model)
        assert_same_stored(engine, model)
        assert_same_stream(engine, model)


@pytest.mark.parametrize("length", LENGTHS[:-1])
@pytest.mark.parametrize(
    ("name", "which"), [(name, which) for name, some in NOTEWORTHY.items() for which in range(len(some))]
)
def test_one_odd_row_first_in_the_middle_or_last_is_told_from_its_neighbours(name, which, length):
    model = model_of({})
    with PriceEngine(max_symbols=1_024, ring_capacity=1_024, latency_window=1_000, pool_buffers=1) as engine:
        for row in {0, length // 2, length - 1}:
            columns = good_columns(length, seed=row)
            columns[name][row] = NOTEWORTHY[name][which]
            assert update_many(engine, columns, "names", as_list=False) == model.update_batch(rows_of(columns))
            assert_same_accounts(engine, model)
        assert_same_stored(engine, model)
        assert_same_stream(engine, model)


def test_chunk_of_bad_rows_leaves_nothing_for_the_next_one(engine):
    rows = 256
    prices, times = np.arange(1.0, rows + 1), np.full(rows, TIME)
    prices[:64], times[:64] = NAN, 0
    assert engine.update_many(["A"] * rows, prices, None, times) == rows - 64
    assert engine.metrics().errors_by_reason == {"price_not_finite": 64}
    got = engine.get("A")
    assert (got.price, got.volume, got.timestamp_ns) == (256.0, 0.0, TIME)
    assert math.isnan(got.change_24h)

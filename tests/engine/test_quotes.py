"""Best bid and ask: sides that are absent, kept or crossed, and what the ring says of them."""

import math

import pytest
from helpers.stream import CROSSED, NO_SOURCE_TIME, ONE_SIDED, QUOTE, of_kind, records_of

from pricecore import InvalidUpdateError, Quote

NAN = math.nan
TIME = 1_723_075_200_000_000_000


def sides(quote):
    return [None if math.isnan(side) else side for side in quote[1:3]] + list(quote[3:5])


def last_quote(engine):
    return of_kind(records_of(engine), QUOTE)[-1]


def test_quote_stores_every_figure(engine):
    assert engine.update_quote("A", 9.5, 10.5, 3.0, 4.0, TIME) is True
    quote = engine.quote("A")
    assert quote._replace(received_ns=0) == Quote("A", 9.5, 10.5, 3.0, 4.0, TIME, 0, 2)
    assert quote.received_ns > TIME


def test_quote_takes_its_arguments_by_name(engine):
    engine.update_quote(symbol="A", bid=1.0, ask=2.0, bid_size=3.0, ask_size=4.0, timestamp_ns=0, partial=False)
    assert engine.quote("A")[1:6] == (1.0, 2.0, 3.0, 4.0, 0)


def test_record_in_the_ring_has_the_figures_of_the_quote(engine):
    engine.update_quote("A", 9.5, 10.5, 3.0, 4.0, TIME)
    record, stored = last_quote(engine), engine.quote("A")
    assert (record["sequence"], record["received_ns"]) == (stored.sequence, stored.received_ns)
    assert (record["flags"], record["timestamp_ns"], record["symbol_id"]) == (0, TIME, 0)
    assert record[["bid", "ask", "bid_size", "ask_size"]].tolist() == (9.5, 10.5, 3.0, 4.0)


@pytest.mark.parametrize(
    ("bid", "ask", "timestamp_ns", "flags"),
    [
        (9.0, 10.0, TIME, 0),
        (9.0, 10.0, 0, NO_SOURCE_TIME),
        (10.0, 10.0, TIME, 0),
        (10.5, 10.0, TIME, CROSSED),
        (10.5, 10.0, 0, CROSSED | NO_SOURCE_TIME),
        (NAN, 10.0, TIME, ONE_SIDED),
        (10.0, NAN, TIME, ONE_SIDED),
        (NAN, 10.0, 0, ONE_SIDED | NO_SOURCE_TIME),
    ],
)
def test_flags_in_the_ring_say_what_is_odd_about_a_quote(engine, bid, ask, timestamp_ns, flags):
    assert engine.update_quote("A", bid, ask, timestamp_ns=timestamp_ns)
    assert last_quote(engine)["flags"] == flags
    engine.update_quotes(["A"], [bid], [ask], timestamps_ns=[timestamp_ns])
    assert last_quote(engine)["flags"] == flags


def test_crossed_quote_is_stored_as_it_came(engine):
    engine.update_quote("A", 11.0, 10.0)
    assert engine.quote("A")[1:3] == (11.0, 10.0)
    assert engine.mid("A") == 10.5


def test_absent_side_reads_as_nan_with_size_zero(engine):
    engine.update_quote("A", 9.0, NAN, bid_size=2.0)
    assert sides(engine.quote("A")) == [9.0, None, 2.0, 0.0]
    assert math.isnan(engine.mid("A"))


def test_absent_side_replaces_a_stored_one_unless_partial(engine):
    engine.update_quote("A", 9.0, 10.0, 1.0, 2.0)
    engine.update_quote("A", 9.5, NAN, 3.0)
    assert sides(engine.quote("A")) == [9.5, None, 3.0, 0.0]


@pytest.mark.parametrize(
    ("bid", "ask", "bid_size", "ask_size", "expected"),
    [
        (9.5, NAN, 3.0, 0.0, [9.5, 10.0, 3.0, 2.0]),
        (NAN, 10.5, 0.0, 4.0, [9.0, 10.5, 1.0, 4.0]),
        (9.5, 10.5, 3.0, 4.0, [9.5, 10.5, 3.0, 4.0]),
    ],
)
def test_partial_quote_keeps_price_and_size_of_the_absent_side(engine, bid, ask, bid_size, ask_size, expected):
    engine.update_quote("A", 9.0, 10.0, 1.0, 2.0)
    assert engine.update_quote("A", bid, ask, bid_size, ask_size, partial=True)
    assert sides(engine.quote("A")) == expected
    assert last_quote(engine)[["bid", "ask", "bid_size", "ask_size"]].tolist() == tuple(expected)


def test_partial_quote_of_a_symbol_without_one_is_one_sided(engine):
    engine.update_quote("A", NAN, 10.0, partial=True)
    assert sides(engine.quote("A")) == [None, 10.0, 0.0, 0.0]
    assert last_quote(engine)["flags"] == ONE_SIDED | NO_SOURCE_TIME


def test_two_partial_quotes_make_a_whole_one(engine):
    engine.update_quote("A", 9.0, NAN, 1.0, timestamp_ns=TIME, partial=True)
    engine.update_quote("A", NAN, 10.0, 0.0, 2.0, timestamp_ns=TIME, partial=True)
    assert sides(engine.quote("A")) == [9.0, 10.0, 1.0, 2.0]
    assert last_quote(engine)["flags"] == 0


def test_partial_quote_that_crosses_what_is_kept_is_flagged(engine):
    engine.update_quote("A", 9.0, 10.0, timestamp_ns=TIME)
    engine.update_quote("A", 10.5, NAN, timestamp_ns=TIME, partial=True)
    assert last_quote(engine)["flags"] == CROSSED


def test_partial_quote_carries_its_own_time(engine):
    engine.update_quote("A", 9.0, 10.0, timestamp_ns=TIME)
    engine.update_quote("A", 9.5, NAN, partial=True)
    assert engine.quote("A").timestamp_ns == 0
    assert last_quote(engine)["flags"] == NO_SOURCE_TIME


@pytest.mark.parametrize("partial", [False, True])
def test_quote_without_any_side_is_refused_also_when_partial(engine, partial):
    engine.update_quote("A", 9.0, 10.0)
    with pytest.raises(InvalidUpdateError, match="needs a bid or an ask") as caught:
        engine.update_quote("A", NAN, NAN, partial=partial)
    assert caught.value.reason == "no_side"
    assert engine.quote("A")[1:3] == (9.0, 10.0)


def test_negative_quotes_are_taken_where_allowed(make_engine):
    engine = make_engine(allow_nonpositive=True)
    assert engine.update_quote("SPREAD", -1.5, 0.0)
    assert (engine.quote("SPREAD")[1:3], engine.mid("SPREAD")) == ((-1.5, 0.0), -0.75)


def test_mid_of_the_largest_doubles_does_not_overflow(engine):
    engine.update_quote("A", 1.7e308, 1.7e308)
    assert engine.mid("A") == 1.7e308


def test_quotes_and_trades_of_a_symbol_do_not_touch_each_other(engine):
    engine.update("A", 5.0, volume=1.0)
    engine.update_quote("A", 9.0, 10.0)
    assert (engine.price("A"), engine.mid("A")) == (5.0, 9.5)
    engine.update("A", 6.0)
    assert engine.quote("A")[1:3] == (9.0, 10.0)


@pytest.mark.parametrize("partial", ["many truths", "missing"])
def test_partial_that_is_neither_true_nor_false_raises_and_leaves_nothing(engine, partial):
    import numpy as np
    import pandas as pd

    odd = np.array([True, False]) if partial == "many truths" else pd.NA
    with pytest.raises((TypeError, ValueError)):
        engine.update_quote("NEW", 9.0, 10.0, partial=odd)
    assert (len(engine), engine.metrics().ring.sequence) == (0, 0)

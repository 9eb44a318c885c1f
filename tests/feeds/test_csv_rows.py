"""CSV with named columns into a real engine."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.feeds.csv_rows import open_rows, recognises
from pricecore.feeds.sink import MALFORMED, FormatError, Sink

NOON_NS = 1_693_915_200 * 10**9


@pytest.fixture
def engine():
    with PriceEngine(on_bad="count") as engine:
        yield engine


def feed(engine, *lines):
    """Feed the lines; return for each the number of prices it gave, or None when it was malformed."""
    records, apply = open_rows(iter(lines), 0, Sink(engine))
    outcomes = []
    for _, _, row in records:
        try:
            outcomes.append(apply(row))
        except MALFORMED:
            outcomes.append(None)
    return outcomes


def test_a_row_with_a_price_is_an_update(engine):
    header = b"symbol,price,volume,timestamp,change_24h"
    assert feed(engine, header, b"A,1.5,10,2023-09-05T12:00:00Z,-2.5") == [0, 1]
    stored = engine.get("A")
    assert (stored.price, stored.volume, stored.timestamp_ns, stored.change_24h) == (1.5, 10.0, NOON_NS, -2.5)


def test_a_row_with_sides_is_a_quote(engine):
    header = b"symbol,bid,ask,bid_size,ask_size,time"
    assert feed(engine, header, b"A,1.5,1.6,10,20,1693915200") == [0, 1]
    stored = engine.quote("A")
    assert (stored.bid, stored.ask, stored.bid_size, stored.ask_size) == (1.5, 1.6, 10.0, 20.0)
    assert stored.timestamp_ns == NOON_NS


def test_a_row_may_give_both(engine):
    assert feed(engine, b"symbol,price,bid,ask", b"A,1.5,1.4,1.6", b"B,,1,2", b"C,3,,") == [0, 2, 1, 1]
    assert engine.price("A") == 1.5
    assert engine.quote("A").ask == 1.6
    assert engine.get("B") is None
    assert engine.quote("C") is None


def test_an_empty_or_zero_side_is_absent(engine):
    assert feed(engine, b"symbol,bid,ask", b"A,,1.6", b"B,0,1.6", b"C,0,0", b"D,,") == [0, 1, 1, 0, 0]
    assert math.isnan(engine.quote("A").bid)
    assert math.isnan(engine.quote("B").bid)


@pytest.mark.parametrize(
    "header",
    [
        b"Ticker,Last Price,Qty",
        b"TICKER;LAST_PRICE;QTY",
        b'"ticker"\t"last-price"\t"qty"',
        b"\xef\xbb\xbfticker|lastPrice|qty\r",
    ],
)
def test_names_are_found_in_any_case_and_delimiter(engine, header):
    delimiter = next(sign for sign in (b",", b";", b"\t", b"|") if sign in header)
    assert feed(engine, header, delimiter.join([b"A", b"1.5", b"7"]) + b"\r") == [0, 1]
    assert engine.get("A").volume == 7.0


def test_the_name_that_stands_first_in_the_table_wins(engine):
    feed(engine, b"id,price,symbol", b"4711,1.5,A")
    assert list(engine.symbols()) == ["A"]


def test_of_two_columns_with_one_name_the_first_counts(engine):
    feed(engine, b"symbol,price,price", b"A,1.5,2.5")
    assert engine.price("A") == 1.5


def test_a_cumulative_volume_is_not_the_volume_of_a_trade(engine):
    feed(engine, b"id,price,dayVolume", b"A,1.5,68581834")
    assert engine.get("A").volume == 0.0


def test_quoted_cells_may_hold_the_delimiter(engine):
    assert feed(engine, b"symbol,price,note", b'"A,B",1.5,"say ""x"""') == [0, 1]
    assert engine.price("A,B") == 1.5


def test_blank_lines_and_the_header_are_accounted_for(engine):
    assert feed(engine, b"", b" ", b"symbol,price", b"", b"A,1", b"\r") == [0, 0, 0, 0, 1, 0]


def test_a_file_of_blank_lines_gives_nothing(engine):
    assert feed(engine, b"", b"") == [0, 0]
    assert feed(engine) == []


@pytest.mark.parametrize(
    "line",
    [b"A,1", b"A,1,2,3", b"A,one,2", b"A,1,\xff", b'"A,1,2', b'A,1,"1,234"', b"\xff", b"A,1,2,2023-09-05"],
)
def test_a_row_that_cannot_be_read_is_malformed_and_hurts_no_other(engine, line):
    assert feed(engine, b"symbol,price,volume", b"B,1,2", line, b"C,1,2") == [0, 1, None, 1]
    assert list(engine.symbols()) == ["B", "C"]


@pytest.mark.parametrize("time", [b"34200135", b"noon"])
def test_a_time_that_cannot_be_read_makes_the_row_malformed(engine, time):
    assert feed(engine, b"symbol,price,time", b"A,1," + time) == [0, None]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"A,nan", "price_not_finite"),
        (b"A,-1", "price_not_positive"),
        (b"A,0", "price_not_positive"),
        (b",1", "symbol_empty"),
    ],
)
def test_values_that_the_engine_refuses_are_its_errors(engine, row, reason):
    assert feed(engine, b"symbol,price", row) == [0, 1]
    assert engine.metrics().errors_by_reason[reason] == 1


def test_records_carry_the_time_of_their_row_or_that_of_the_row_before(engine):
    lines = [b"symbol,price,time", b"A,1,1693915200", b"A,1,", b"A,one,1693915207", b"A,1,1693915201"]
    records, _ = open_rows(iter(lines), 3, Sink(engine))
    assert [record[:2] for record in records] == [
        (0, 3),
        (NOON_NS, 3),
        (NOON_NS, 3),
        (NOON_NS, 3),
        (NOON_NS + 10**9, 3),
    ]


@pytest.mark.parametrize("header", [b"price,volume,venue", b"symbol,venue", b"1,2,3", b"x"])
def test_a_header_that_lacks_a_column_is_refused_by_naming_those_found(engine, header):
    assert not recognises(header)
    with pytest.raises(FormatError) as caught:
        feed(engine, header, b"1,2,3")
    assert f"columns found: {header.decode().replace(',', ', ')}" in str(caught.value)
    assert "known names" in str(caught.value)


@pytest.mark.parametrize("line", [b'"symbol,price', b'symbol,"price" x\r\r,"', b'\x00\r,"', bytes(range(256))])
def test_garbage_is_no_header(line):
    assert not recognises(line)


@given(st.floats(min_value=1e-9, max_value=1e15), st.floats(min_value=0, max_value=1e15))
def test_numbers_come_through_unchanged(price, volume):
    class Recorder:
        def update(self, *values):
            self.values = values

        update_quote = update

    recorder = Recorder()
    feed(recorder, b"symbol,price,volume", f"A,{price!r},{volume!r}".encode())
    assert recorder.values[:3] == ("A", price, volume)

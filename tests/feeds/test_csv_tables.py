"""CSV tables into a real engine: named columns, mapped ones, and the presets."""

import csv
import io
import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.errors import FormatError
from pricecore.feeds.csv_tables import Options, Table, csv_table, header_fits
from pricecore.feeds.formats import FORMATS
from pricecore.feeds.lines import Lines
from pricecore.feeds.rows import Columns, RowStamp
from pricecore.feeds.sink import MALFORMED, Sink

NOON_NS = 1_693_915_200 * 10**9
NAMED = Table()


@pytest.fixture
def engine():
    with PriceEngine(on_bad="count") as engine:
        yield engine


def feed(engine, *lines, table=NAMED, options=Options()):  # noqa: B008 - it is immutable
    """Feed the lines; return for each the number of prices it gave, or None when it was malformed."""
    first = next((line for line in lines if line.strip()), b"symbol,price")
    decode = table.decoder(Sink(engine), table.columns(first, options), options.symbol)
    outcomes = []
    for row in lines:
        try:
            outcomes.append(decode(row))
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


def test_records_carry_the_time_of_their_row_or_that_of_the_row_before():
    lines = b'symbol,price,time\nA,1,"1693915200"\nA,1,\nA,1\nA,one,1693915207\nA,1,never\n'
    columns = NAMED.columns(b"symbol,price,time", Options())
    seconds = [time_ns - NOON_NS for time_ns, _, _ in Lines([lines], 3, RowStamp(columns))]
    assert seconds == [-NOON_NS, 0, 0, 0, 7 * 10**9, 7 * 10**9]


@pytest.mark.parametrize("header", [b"price,volume,venue", b"symbol,venue", b"1,2,3", b"x"])
def test_a_header_that_lacks_a_column_is_refused_by_naming_those_found(engine, header):
    assert header_fits(NAMED, header) == header.startswith(b"price")  # --symbol may help
    with pytest.raises(FormatError) as caught:
        feed(engine, header, b"1,2,3")
    assert f"columns found: {header.decode().replace(',', ', ')}" in str(caught.value)
    assert "known names" in str(caught.value)


@pytest.mark.parametrize("line", [b'"symbol,price', b'symbol,"price" x\r\r,"', b'\x00\r,"', bytes(range(256))])
def test_garbage_is_no_header(line):
    assert not header_fits(NAMED, line)


@given(st.floats(min_value=1e-9, max_value=1e15), st.floats(min_value=0, max_value=1e15))
def test_numbers_come_through_unchanged(price, volume):
    class Recorder:
        def update(self, *values):
            self.values = values

        update_quote = update

    recorder = Recorder()
    feed(recorder, b"symbol,price,volume", f"A,{price!r},{volume!r}".encode())
    assert recorder.values[:3] == ("A", price, volume)


def test_a_symbol_for_all_rows_is_used_where_no_column_names_one(engine):
    options = Options(symbol="X")
    assert feed(engine, b"price,time", b"1.5,", options=options) == [0, 1]
    assert feed(engine, b"symbol,price", b"A,2.5", options=options) == [0, 1]
    assert list(engine.symbols()) == ["X", "A"]


def test_mapped_columns_are_found_by_name_and_scaled(engine):
    table = csv_table(symbol="who", price="p x 100:/100", volume="n", change="c:fraction", time="t:ms")
    assert feed(engine, b"t,n,c,p x 100,who", b"1693915200000,7,0.025,4818,A", table=table) == [0, 1]
    stored = engine.get("A")
    assert (stored.price, stored.volume, stored.timestamp_ns, stored.change_24h) == (48.18, 7.0, NOON_NS, 2.5)


def test_a_mapped_column_that_is_missing_is_named(engine):
    with pytest.raises(FormatError, match="no column p; columns found: a, b"):
        feed(engine, b"a,b", table=csv_table(symbol="a", price="p"))
    with pytest.raises(FormatError, match="no column p; columns found: a, b"):
        csv_table(["a", "b"], price="p")


def test_rows_with_prices_and_no_symbol_ask_for_the_option(engine):
    with pytest.raises(FormatError, match="--symbol"):
        feed(engine, b"1000,1.5,1.6", table=FORMATS["fx"].table)


PRESETS = {
    "equity-trade": b"27596477,488000,500,P,2000,0",
    "equity-quote": b"14400135,481800,100,0,0,P,1,0",
    "fx": b"46.2042,1284.065,1284.405",
    "futures": b"14463482,1326.5,0,usa,,0",
    "questdb": b'"timestamp","id","exchange","quoteType","price","marketHours","changePercent","dayVolume"',
}


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_recognises_its_own_rows_and_no_other(name):
    recognised = [preset for preset in PRESETS if FORMATS[preset].recognises(PRESETS[name])]
    assert recognised == [name]


@pytest.mark.parametrize("line", [b"1,2,3", b"1000,1.5,1.9", b"17,18", b"", b"999999999,1.5,1.6", b"1,2,3,4,5,6"])
def test_numbers_alone_are_no_preset(line):
    assert not any(FORMATS[preset].recognises(line) for preset in PRESETS)


def test_equity_rows_are_scaled_and_dated_in_new_york(engine):
    options = Options("AIG", date(2013, 10, 8))
    assert feed(engine, PRESETS["equity-trade"], table=FORMATS["equity-trade"].table, options=options) == [1]
    stored = engine.get("AIG")
    assert (stored.price, stored.volume) == (48.80, 500.0)
    moment = datetime(2013, 10, 8, 7, 39, 56, 477_000, ZoneInfo("America/New_York"))
    assert stored.timestamp_ns == round(moment.timestamp() * 1000) * 10**6


def test_a_row_of_one_side_leaves_the_other_as_it_was(engine):
    rows = [PRESETS["equity-quote"], b"14400135,0,0,491000,300,P,1,0"]
    assert feed(engine, *rows, table=FORMATS["equity-quote"].table, options=Options("AIG")) == [1, 1]
    quote = engine.quote("AIG")
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (48.18, 100.0, 49.10, 300.0)
    assert engine.metrics().errors == 0


def test_times_of_the_day_without_a_day_are_not_passed_on(engine):
    assert feed(engine, b"1000,1.5,1.6", table=FORMATS["fx"].table, options=Options("EURUSD")) == [1]
    assert engine.quote("EURUSD").timestamp_ns == 0


@pytest.mark.parametrize("time", [b"86400000", b"-1", b"noon"])
def test_a_time_that_is_not_of_the_day_is_malformed(engine, time):
    row = time + b",1.5,1.6"
    assert feed(engine, row, table=FORMATS["fx"].table, options=Options("EURUSD", date(2014, 5, 8))) == [None]


@given(
    st.one_of(
        st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{0,25})?", fullmatch=True),
    )
)
def test_every_number_is_read_as_python_reads_it(text):
    class Recorder:
        def update(self, *values):
            self.price = values[1]

        update_quote = update

    recorder = Recorder()
    feed(recorder, b"symbol,price", b"A," + text.encode())
    assert repr(recorder.price) == repr(float(text))


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\x00", codec="utf-8"), max_size=8), min_size=1, max_size=6)
)
def test_cells_are_those_that_the_csv_module_wrote(cells):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    assert Columns(1, {}).cells(text.getvalue().encode()) == [cell.strip(" ") for cell in cells]

"""A file on its way into the engine: recognised by content, every line accounted for."""

import gzip
from contextlib import closing

import pytest

from pricecore import EngineClosedError, PriceEngine
from pricecore.errors import FormatError
from pricecore.feeds.formats import FORMATS, find_format
from pricecore.feeds.recognise import LINES_LOOKED_AT, recognise
from pricecore.feeds.source import Source

TRADE = b'1 {"e":"trade","E":1,"s":"A","p":"1.5","q":"2","T":1723161255342}\n'


@pytest.fixture
def engine():
    with PriceEngine(on_bad="count") as engine:
        yield engine


def take_all(path, engine, **options):
    with closing(Source(path, 0, engine, **options)) as source:
        for _, _, message in source.records:
            source.take(message)
    return source


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TRADE, "binance"),
        (b'\n1 {"result":null,"id":1}\n' + TRADE, "binance"),
        (gzip.compress(TRADE), "binance"),
        (b"symbol,price\nA,1\n", "csv"),
        (b"\n\nsymbol;bid;ask\n", "csv"),
        (b'1 {"channel":"trades"}\n', "unknown"),
        (bytes(range(256)) * 9, "unknown"),
        (b"", "unknown"),
    ],
    ids=["binance", "ack first", "gzip", "csv", "blank first", "other exchange", "garbage", "empty"],
)
def test_the_format_is_told_by_the_content(tmp_path, engine, content, name):
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(content)
    assert take_all(path, engine).format.name == name


def test_no_more_is_read_than_it_takes_to_recognise_it():
    def chunks():
        yield TRADE
        raise AssertionError("a second chunk was read")

    assert recognise(chunks()).format.name == "binance"
    unknown = iter([b"{}\n"] * 1000)
    found = recognise(unknown)
    assert (found.format, found.line) == (None, b"{}")
    assert sum(1 for _ in unknown) == 1000 - LINES_LOOKED_AT
    assert sum(1 for _ in found.chunks) == LINES_LOOKED_AT


def test_a_header_below_other_lines_is_found(tmp_path, engine):
    path = tmp_path / "file"
    path.write_bytes(b"prices of a day\n\nsymbol,price\nA,1\n")
    source = take_all(path, engine)
    assert (source.format.name, source.priced, source.ignored, source.malformed) == ("csv", 1, 3, 0)


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(FormatError, match=f"unknown format 'nonesuch'; known are {', '.join(FORMATS)}"):
        find_format("nonesuch")


def test_every_line_is_priced_ignored_or_malformed(tmp_path, engine):
    path = tmp_path / "file"
    path.write_bytes(TRADE + b"2 {}\n3 {\n\n\xff\n" + TRADE)
    source = take_all(path, engine)
    assert (source.priced, source.ignored, source.malformed, source.lines) == (2, 2, 2, 6)
    assert source.first_malformed.startswith("line 3: ")


def test_lines_of_an_unknown_source_are_ignored_or_malformed(tmp_path, engine):
    path = tmp_path / "file"
    path.write_bytes(b'1 {"channel":"trades","p":"1"}\n2 [1,2]\n\nnot json\n{"half":\n')
    source = take_all(path, engine)
    assert (source.priced, source.ignored, source.malformed) == (0, 3, 2)


def test_a_refused_update_is_counted_by_the_engine_and_its_line_is_no_damage(tmp_path, engine):
    path = tmp_path / "file"
    path.write_bytes(TRADE.replace(b"1.5", b"-1.5") + TRADE)
    source = take_all(path, engine)
    assert (source.priced, source.malformed) == (2, 0)
    assert engine.metrics().errors_by_reason["price_not_positive"] == 1
    assert engine.price("A") == 1.5


def test_a_closed_engine_is_not_taken_for_a_malformed_message(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(TRADE)
    engine = PriceEngine(on_bad="count")
    engine.close()
    with closing(Source(path, 0, engine)) as source, pytest.raises(EngineClosedError):
        source.take(TRADE.partition(b" ")[2])


def test_a_csv_file_without_its_columns_is_refused_when_it_is_opened(tmp_path, engine):
    path = tmp_path / "file"
    path.write_bytes(b"when,what\n1,2\n")
    with pytest.raises(FormatError, match="columns found: when, what"):
        Source(path, 0, engine, format_name="csv")

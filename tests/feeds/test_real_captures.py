"""The recorded captures of many venues through the decoders: exact counts, found without the file's name."""

import json

import pytest
from helpers.market_data import DATA, WITHOUT_DECODER, capture, needs_data

from pricecore import PriceEngine
from pricecore.feeds.formats import FORMATS, find_format
from pricecore.feeds.sink import MALFORMED, Sink
from pricecore.feeds.source import Source

RECEIVED = {
    "BINANCE.ws.1.0": ("binance", 86),
    "BINANCE_DELIVERY.ws.1.0": ("binance", 2_291),
    "COINBASE.ws.28.0": ("coinbase", 214),
    "KRAKEN.ws.48.0": ("kraken", 10),
    "KRAKEN.ws.49.0": ("kraken", 18),
    "BYBIT.ws.25.0": ("bybit", 101),
    "BYBIT.ws.26.0": ("bybit", 150),
    "OKX.ws.1.0": ("okx", 102),
}
CONTROL = DATA / "odd" / "control_messages.jsonl"
FIXTURES = DATA / "odd" / "nautilus_fixtures"


@pytest.fixture
def take(tmp_path):
    """Take a capture under a name that says nothing; return its source and the engine's figures."""

    def take(name):
        path = tmp_path / "file"
        path.symlink_to(capture(name))
        with PriceEngine(on_bad="count") as engine:
            source = Source(path, 0, engine)
            for _, _, message in source.records:
                source.take(message)
            source.close()
            return source, engine.metrics()

    return take


@needs_data(*map(capture, RECEIVED))
@pytest.mark.parametrize("name", RECEIVED)
def test_every_price_of_a_known_venue_is_received(take, name):
    source, metrics = take(name)
    assert (source.format.name, metrics.messages_received) == RECEIVED[name]
    assert (metrics.errors, source.malformed) == (0, 0)
    assert source.sink.trades + source.sink.quotes == metrics.messages_received


@needs_data(*map(capture, RECEIVED))
@pytest.mark.parametrize("name", RECEIVED)
def test_the_numbers_of_a_whole_capture_have_no_gap(take, name):
    source, _ = take(name)
    assert [(series.gaps, series.duplicates) for series in source.sink.series if series.gaps or series.duplicates] == []


@needs_data(*map(capture, WITHOUT_DECODER))
@pytest.mark.parametrize("name", WITHOUT_DECODER)
def test_a_venue_without_a_decoder_is_read_to_its_end(take, name):
    source, metrics = take(name)
    assert source.format.name == "unknown"
    assert (metrics.messages_received, source.priced) == (0, 0)
    assert source.lines == source.ignored + source.malformed > 0


@needs_data(CONTROL, FIXTURES)
@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if row.table is None])
def test_control_messages_carry_no_price_for_any_venue(name):
    with PriceEngine(on_bad="count") as engine:
        decode = find_format(name).decoder(Sink(engine))
        messages = [json.loads(line)["raw"].encode() for line in CONTROL.read_text().splitlines()]
        messages += [path.read_bytes() for path in FIXTURES.iterdir()]
        assert len(messages) > 20
        for message in messages:
            try:
                assert decode(message) == 0, message
            except MALFORMED as error:
                raise AssertionError(f"{message!r} is malformed") from error
        assert engine.metrics().messages_received == 0

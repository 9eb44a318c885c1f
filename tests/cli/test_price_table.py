"""The symbols of a report as a table."""

from pricecore import PriceEngine
from pricecore.cli.price_table import price_of, price_table


def test_symbols_beyond_the_thirtieth_are_counted_not_shown():
    with PriceEngine(max_symbols=1024, ring_capacity=1024) as engine:
        for k in range(33):
            engine.update(f"S{k}", 1.0 + k)
        lines = price_table([price_of(engine, symbol) for symbol in engine.symbols()])
    assert len(lines) == 1 + 30 + 1
    assert lines[-1] == "  and 3 more; --json has all"


def test_no_symbol_is_said_so():
    assert price_table([]) == ["  no symbol"]

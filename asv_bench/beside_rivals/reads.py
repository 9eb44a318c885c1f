"""Reads beside a dict's, and beside the same result built by hand."""

import argparse
from collections.abc import Callable, Iterator

from across_processes.report import Row

import pricecore
from pricecore.prices.results import PriceUpdate

from .rounds import Body, medians, trades

PRICE_LIMIT = 1.6
GET_LIMIT = 2.5


def empty(symbols: list[str]) -> Body:
    def body() -> None:
        for _symbol in symbols:
            pass

    return body


def calls(read: Callable[[str], object], symbols: list[str]) -> Body:
    def body() -> None:
        for symbol in symbols:
            read(symbol)

    return body


def dict_reads(prices: dict[str, float], symbols: list[str]) -> Body:
    def body() -> None:
        for symbol in symbols:
            prices[symbol]

    return body


def built_by_hand(stored: PriceUpdate, symbols: list[str]) -> Body:
    """The figures lie ready: only the object is made."""
    _symbol, price, volume, timestamp_ns, change_24h, received_ns, sequence = stored

    def body() -> None:
        for symbol in symbols:
            PriceUpdate(symbol, price, volume, timestamp_ns, change_24h, received_ns, sequence)

    return body


def rows(args: argparse.Namespace) -> Iterator[Row]:
    updates = trades()
    symbols = [symbol for symbol, *_rest in updates]
    others = [symbol for symbol, *_rest in trades()]  # equal, but other objects
    prices = dict.fromkeys(symbols, 100.0)
    with pricecore.PriceEngine() as engine:
        for update in updates:
            engine.update(*update)
        bodies = {
            "loop": empty(symbols),
            "price": calls(engine.price, symbols),
            "dict": dict_reads(prices, symbols),
            "other price": calls(engine.price, others),
            "other dict": dict_reads(prices, others),
            "get": calls(engine.get, symbols),
            "by hand": built_by_hand(engine.get(symbols[0]), symbols),
        }
        times = medians(bodies, 10 if args.quick else 300)
    yield Row("engine.price, 1,000 symbols", "ns", times["price"], "d[s]", times["dict"], PRICE_LIMIT)
    yield Row("  of an equal str, not the same object", "ns", times["other price"], "d[s]", times["other dict"])
    yield Row("engine.get", "ns", times["get"], "the same object built by hand", times["by hand"], GET_LIMIT)

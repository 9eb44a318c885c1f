"""The calls that are counted and timed, each in a plain loop: `LOOPS[name].make()` returns `loop(n)`.

State is made once and before the loop, so that a loop costs the calls and nothing else. What a loop does depends
neither on the time nor on chance: the same n takes the same path on every run.
"""

import random
from collections.abc import Callable
from functools import cache
from itertools import islice, repeat

import pricecore

from . import cache_loops, log_loops, sharing_loops, structure_loops  # noqa: F401 - enter their loops
from .measured import LOOPS, SYMBOL, SYMBOLS, TIME_NS, Loop, Measured, columns, engine_with_symbols, measured
from .messages import TEMPLATES, known_here, numbered, venue_of

MESSAGES = 50
"""Of a feed, before their numbers begin anew."""


def distinct_latencies_ns() -> list[int]:
    """Return a full window of mostly distinct ones: 500 to 1500 ns, one in a hundred up to 100,000 ns."""
    chance = random.Random(1)
    return [chance.randrange(100_000) if i % 100 == 0 else 500 + chance.randrange(1_000) for i in range(10_000)]


@measured()
def update() -> Loop:
    call = engine_with_symbols().update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 100.25, 1.5, TIME_NS, 0.5)

    return loop


@measured()
def update_new_str() -> Loop:
    """Each symbol is a str object not seen before, as a decoder makes them."""
    call = engine_with_symbols().update
    strings = iter([f"SYM{i % 64}" for i in range(50_000)])

    def loop(n: int) -> None:
        for symbol in islice(strings, n):
            call(symbol, 100.25, 1.5, TIME_NS, 0.5)

    return loop


@measured()
def update_keywords() -> Loop:
    """The last two arguments by keyword."""
    call = engine_with_symbols().update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 100.25, 1.5, timestamp_ns=TIME_NS, change_24h=0.5)

    return loop


@measured()
def update_ints() -> Loop:
    """Whole figures as ints."""
    call = engine_with_symbols().update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 100, 2, TIME_NS, 1)

    return loop


@measured()
def update_quote() -> Loop:
    call = engine_with_symbols().update_quote

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 99.5, 100.5, 1.0, 2.0, TIME_NS)

    return loop


def batches(rows: int) -> Loop:
    call = engine_with_symbols().update_many
    ids, prices, volumes = columns(rows)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(ids, prices, volumes)

    return loop


@measured(calls=50, rows=100)
def update_many_100() -> Loop:
    return batches(100)


@measured(calls=10, rows=1_000)
def update_many_1000() -> Loop:
    return batches(1_000)


@measured(calls=2, rows=10_000)
def update_many_10000() -> Loop:
    return batches(10_000)


@measured(calls=2, rows=10_000)
def update_many_names() -> Loop:
    """10,000 rows by name: each is looked up."""
    call = engine_with_symbols().update_many
    names = [SYMBOLS[i % len(SYMBOLS)] for i in range(10_000)]
    _ids, prices, volumes = columns(10_000)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(names, prices, volumes)

    return loop


@measured()
def price() -> Loop:
    call = engine_with_symbols().price

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL)

    return loop


@measured(calls=500)
def get() -> Loop:
    call = engine_with_symbols().get

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL)

    return loop


@measured(calls=5)
def metrics() -> Loop:
    """With a full window."""
    engine = engine_with_symbols()
    for latency_ns in distinct_latencies_ns():
        engine._record_latency(latency_ns)
    call = engine.metrics

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call()

    return loop


@measured()
def price_map_update() -> Loop:
    call = pricecore.PriceMap(1_024).update

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(SYMBOL, 100.25, 1.5, TIME_NS, 0.5)

    return loop


def feed(name: str) -> Callable[[], Loop]:
    """Return what makes the loop of one kind of message: a feed decodes it and updates the engine."""

    def make() -> Loop:
        from pricecore.feeds import Feed

        source = Feed(engine_with_symbols(), venue_of(name))
        call, messages = source.feed, numbered(name, MESSAGES)

        def loop(n: int) -> None:
            """n is a multiple of MESSAGES: the numbers begin anew as they do after a new connection."""
            for _ in repeat(None, n // MESSAGES):
                source.reconnected()
                for message in messages:
                    call(message)

        return loop

    return make


for message_name in TEMPLATES:  # of all venues: asv's parameters must not depend on the version that is measured
    LOOPS[f"feed_{message_name}"] = Measured(feed(message_name), calls=MESSAGES, rows=1, library="msgspec")


def expected() -> set[str]:
    """Return the names of the loops that this version must be able to make."""
    unknown = {f"feed_{name}" for name in TEMPLATES.keys() - known_here()}
    return LOOPS.keys() - unknown


@cache
def ready(name: str) -> Loop:
    """Return the one loop of this name, made at its first use.

    Not when the module is imported: asv forks after that, and a child has none of an engine's threads.
    """
    return LOOPS[name].make()

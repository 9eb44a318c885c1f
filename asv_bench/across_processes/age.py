"""How old a price is when a reader has it in hand, while Python code updates prices without a pause.

A reader sleeps a millisecond, then wants the price. The age runs from that moment, or from the time that the price
carries if that is earlier: what a thread waits for the interpreter's lock counts, and so does an old price. View and
dict come by turns; a percentile is the median of those of the turns, so that a moment in which the machine stood still
spoils one turn.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import pricecore

from .neighbours import answer, neighbour, stamp_ns
from .report import Row, percentile

NAME = "age"
SYMBOL = "A"
PAUSE_NS = 1_000_000


def ages_ms(time_of_price: Callable[[], int], reads: int) -> list[float]:
    """Read so often; return the ages, milliseconds."""
    ages = []
    for _ in range(reads):
        due_ns = stamp_ns() + PAUSE_NS
        time.sleep(PAUSE_NS / 1e9)
        of_price_ns = time_of_price()
        ages.append((stamp_ns() - min(of_price_ns, due_ns)) / 1e6)
    return ages


def write(pipe: Connection) -> None:
    """Update until this process is killed."""
    update = pricecore.PriceEngine(NAME).update
    price = 100.0
    update(SYMBOL, price, 1.0, stamp_ns())
    pipe.send("written")
    while True:
        price += 1.0
        update(SYMBOL, price, 1.0, stamp_ns())


def ages_of_view(reads: int) -> list[float]:
    with neighbour(write), pricecore.attach(NAME) as view:
        return ages_ms(lambda: view.get(SYMBOL).timestamp_ns, reads)


def ages_in_dict(pipe: Connection, reads: int) -> None:
    """The same with a dict that another thread of this process updates."""
    store = {SYMBOL: (100.0, 1.0, stamp_ns())}

    def update() -> None:
        price = 100.0
        while True:
            price += 1.0
            store[SYMBOL] = (price, 1.0, stamp_ns())

    threading.Thread(target=update, daemon=True).start()
    pipe.send("written")
    pipe.send(ages_ms(lambda: store[SYMBOL][2], reads))
    pipe.recv()


def ages_of_dict(reads: int) -> list[float]:
    """Measured in a process of its own: its thread must not go on beside what is measured next."""
    with neighbour(ages_in_dict, reads) as pipe:
        return answer(pipe)


def rows(quick: bool) -> Iterator[Row]:
    reads, turns = (100, 2) if quick else (300, 10)
    ages = [(ages_of_view(reads), ages_of_dict(reads)) for _ in range(turns)]
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        age_ms, rival_ms = (statistics.median(percentile(turn[side], share) for turn in ages) for side in (0, 1))
        yield Row(f"age of price {name}, writer spinning", "ms", age_ms, "dict and threads in one process", rival_ms)
    yield Row("age of price p99", "ms", age_ms, limit=1.0)

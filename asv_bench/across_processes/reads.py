"""A price read from another process's engine, beside the engine of this one and a hand-made block of shared memory.

All reads are made by this process, its CPU time is counted; the writer is another one. Reads of the block are guarded
by nothing: what they return may be torn.
"""

from collections.abc import Callable, Iterator
from itertools import repeat
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from struct import Struct

import pricecore

from .neighbours import answer, ask, interleaved, neighbour
from .report import Row

NAME = "reads"
SYMBOLS = [f"SYM{i}" for i in range(64)]
SLOT = Struct("<ddqd")  # price, volume, time, change
PRICE = Struct("<d")
OFFSETS = {symbol: i * SLOT.size for i, symbol in enumerate(SYMBOLS)}
TURNS = 200
OPERATIONS = TURNS * len(SYMBOLS)


def write(pipe: Connection, block_name: str) -> None:
    """Fill an engine and the block; on "busy" write to both until the next message."""
    engine = pricecore.PriceEngine(NAME)
    block = SharedMemory(block_name)  # its memory is gone when it is
    memory, price = block.buf, 100.0
    while True:
        write_all(engine, memory, price)
        pipe.send("written")
        if pipe.recv() == "busy":
            pipe.send("writing")
            while not pipe.poll():
                price += 1.0
                write_all(engine, memory, price)
            pipe.recv()


def write_all(engine: pricecore.PriceEngine, memory: memoryview, price: float) -> None:
    for symbol in SYMBOLS:
        engine.update(symbol, price, 1.0)
        SLOT.pack_into(memory, OFFSETS[symbol], price, 1.0, 0, 0.5)


def calls(read: Callable[[str], float]) -> Callable[[], None]:
    def body() -> None:
        for symbols in repeat(SYMBOLS, TURNS):
            for symbol in symbols:
                read(symbol)

    return body


def unguarded(memory: memoryview, form: Struct) -> Callable[[], None]:
    """Read the block in the loop itself, without the cost of a function around it."""
    unpack, offsets = form.unpack_from, OFFSETS

    def body() -> None:
        for symbols in repeat(SYMBOLS, TURNS):
            for symbol in symbols:
                unpack(memory, offsets[symbol])[0]

    return body


def empty() -> None:
    for symbols in repeat(SYMBOLS, TURNS):
        for _symbol in symbols:
            pass


def measure(view: pricecore.EngineView, memory: memoryview, rounds: int) -> dict[str, float]:
    """Return the nanoseconds of each way to read, without those of the loop."""
    with pricecore.PriceEngine() as own:
        for symbol in SYMBOLS:
            own.update(symbol, 100.0, 1.0)
        bodies = {
            "loop": empty,
            "view": calls(view.price),
            "engine": calls(own.price),
            "price of the block": unguarded(memory, PRICE),
            "record of the block": unguarded(memory, SLOT),
        }
        times = interleaved(bodies, OPERATIONS, rounds)
    return {name: time - times["loop"] for name, time in times.items()}


def rows(quick: bool) -> Iterator[Row]:
    rounds = 5 if quick else 60
    block = SharedMemory(create=True, size=SLOT.size * len(SYMBOLS))
    try:
        with neighbour(write, block.name) as pipe, pricecore.attach(NAME) as view:
            idle = measure(view, block.buf, rounds)
            ask(pipe, "busy")
            busy = measure(view, block.buf, rounds)
            pipe.send("idle")
            answer(pipe)
    finally:
        block.close()
        block.unlink()
    for writer, times in (("idle", idle), ("busy", busy)):
        yield from rows_beside(times, f"view.price, writer {writer}", judged=writer == "idle")


def rows_beside(times: dict[str, float], figure: str, *, judged: bool) -> Iterator[Row]:
    limits = {"engine": 1.5, "price of the block": 0.6} if judged else {}
    rivals = {
        "engine": "engine.price in process",
        "price of the block": "shared_memory + struct, the price",
        "record of the block": "shared_memory + struct, the record",
    }
    for key, rival in rivals.items():
        yield Row(figure, "ns", times["view"], rival, times[key], limits.get(key))

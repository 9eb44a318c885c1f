"""What readers cost the writer: nothing that it executes, and little that its caches notice."""

from collections.abc import Iterator
from itertools import repeat
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks import callgrind

import pricecore

from .neighbours import ask, interleaved, neighbour
from .report import Row, Skipped

NAME = "writer"
SYMBOLS = [f"SYM{i}" for i in range(64)]
TURNS = 100
READERS = {"poll": "one reader polling", "price": "one reader calling view.price"}


def read(pipe: Connection) -> None:
    """Do as told until told otherwise: rest, work for itself, poll a conflating subscription, or read prices."""
    with pricecore.attach(NAME) as view, view.subscribe() as subscription:
        ways = {
            "rest": lambda: pipe.poll(None),
            "work": lambda: sum(range(5_000)),
            "poll": lambda: [subscription.poll(1_024) for _ in repeat(None, 50)],
            "price": lambda: [view.price(symbol) for symbol in SYMBOLS],
        }
        way = "rest"
        while True:
            pipe.send(way)
            while not pipe.poll():
                ways[way]()
            way = pipe.recv()


def updates(engine: pricecore.PriceEngine) -> None:
    update = engine.update
    for _ in repeat(None, TURNS):
        for symbol in SYMBOLS:
            update(symbol, 100.25, 1.5)


def cpu_times(rounds: int) -> dict[str, float]:
    """Return the nanoseconds of CPU time of an update beside a reader that rests, works, polls, and reads."""
    with pricecore.PriceEngine(NAME) as engine:
        updates(engine)
        with neighbour(read) as pipe:
            samples: dict[str, list[float]] = {"rest": [], "work": [], **{way: [] for way in READERS}}
            for _ in range(rounds):
                for way, times in samples.items():
                    ask(pipe, way)
                    times.append(interleaved({"": lambda: updates(engine)}, TURNS * len(SYMBOLS), 1)[""])
    return {way: sorted(times)[len(times) // 2] for way, times in samples.items()}


def rows(quick: bool) -> Iterator[Row]:
    times = cpu_times(5 if quick else 60)
    for way, reader in READERS.items():
        yield Row(f"update, {reader}", "ns", times[way], "the same reader resting", times["rest"], 1.5)
        yield Row(f"update, {reader}", "ns", times[way], "the same reader working for itself", times["work"])
    if not callgrind.is_available():
        raise Skipped("instructions are not counted: valgrind is not installed")
    counts = callgrind.count(["update_named", "update_watched"], package_folder())
    watched, alone = counts["update_watched"], counts["update_named"]
    yield Row("update, readers but nobody waiting", "instr", watched, "without readers", alone, 1.01, exact=True)


def package_folder() -> str:
    """Return where the package lies that all figures are about."""
    return str(Path(pricecore.__file__).parents[1])

"""The loops of native/races.pyx in threads, with broken twins: tests/sanitize runs each in its own interpreter."""

from pathlib import Path
from types import ModuleType

from helpers.native import load_native
from helpers.threads import run_threads
from pricecore import PriceEngine

PLAIN_PAYLOAD, RELAXED_WORD, EARLY_WORD, MISSING_TURN, RELAXED_FREE = 1, 2, 3, 4, 5
LATE_BEGIN, MISSING_LOOK, SLOWLY = 6, 7, 8
RELAXED_LOOK = 1


def together(writers: list, readers: list) -> list[tuple[int, int]]:
    """Run all at once; return what each reader counted."""
    jobs = writers + readers
    return run_threads(len(jobs), lambda i: jobs[i]())[len(writers) :]


def slot(races: ModuleType, count: int, writers: int = 2, broken: int = 0, look: int = 0) -> list:
    race = races.SlotRace(writers, 2, writers * count)
    write = lambda: races.write_slot(race, count, broken)  # noqa: E731
    return together([write] * writers, [lambda: races.read_slot(race, look)] * 2)


def ring(races: ModuleType, count: int, chunks: tuple = (1, 1), capacity: int = 64, broken: int = 0) -> list:
    race = races.RingRace(len(chunks), 2, len(chunks) * count, capacity)
    writers = [lambda chunk=chunk: races.publish_many(race, count, chunk, broken) for chunk in chunks]
    return together(writers, [lambda: races.follow(race, 16)] * 2)


def alone(races: ModuleType, count: int, rows: int = 64, broken: int = 0) -> list:
    race = races.AloneRace(4, 2, 4 * count, 256)
    singles = [lambda: races.put_singles(race, count, broken)] * 2
    batches = [lambda: races.put_batches(race, count, rows, broken)] * 2
    return together(singles + batches, [lambda: races.read_alone(race, 16)] * 2)


def repair(races: ModuleType, count: int, broken: bool = False) -> list:
    with PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=8, pool_buffers=1) as engine:
        engine.register("A")
        race = races.RepairRace(2, 2, count, 1, engine.segment)
        writers = [lambda: races.leave_updates(race, count), lambda: races.repair_many(race, count, broken)]
        return together(writers, [lambda: races.read_mended(race, 16)] * 2)


RIGHT = {
    "slot with one writer": lambda races: slot(races, 40_000, writers=1),
    "slot with three writers": lambda races: slot(races, 15_000, writers=3),
    "ring with one writer": lambda races: ring(races, 50_000, (1,)),
    "ring with two writers": lambda races: ring(races, 25_000),
    "ring with batches": lambda races: ring(races, 25_600, (64, 64)),
    "ring with singles and batches": lambda races: ring(races, 25_600, (1, 64, 16)),
    "singles that may be alone beside batches": lambda races: alone(races, 12_800),
    "slow singles that may be alone beside batches": lambda races: alone(races, 640, broken=SLOWLY),
    "repair": lambda races: repair(races, 500),
}

TWINS = {
    "slot: plain payload": lambda races: slot(races, 20_000, broken=PLAIN_PAYLOAD),
    "slot: sequence without release": lambda races: slot(races, 20_000, broken=RELAXED_WORD),
    "slot: sequence before the record": lambda races: slot(races, 20_000, broken=EARLY_WORD),
    "slot: writers do not take turns": lambda races: slot(races, 20_000, broken=MISSING_TURN),
    "slot: given away without release": lambda races: slot(races, 20_000, broken=RELAXED_FREE),
    "slot: reader does not acquire": lambda races: slot(races, 20_000, look=RELAXED_LOOK),
    "ring: plain payload": lambda races: ring(races, 20_000, broken=PLAIN_PAYLOAD),
    "ring: stamp without release": lambda races: ring(races, 20_000, broken=RELAXED_WORD),
    "ring: stamp before the record": lambda races: ring(races, 20_000, broken=EARLY_WORD),
    "ring: batches do not wait for their cell": lambda races: ring(races, 25_600, (64, 64), broken=MISSING_TURN),
    "alone: a batch begins once it has no GIL": lambda races: alone(races, 3_200, 4, broken=LATE_BEGIN),
    "alone: a single does not look for batches": lambda races: alone(races, 3_200, 4, broken=MISSING_LOOK),
    "repair: publishes without release": lambda races: repair(races, 500, broken=True),
}


def run(library: str, scenario: str) -> None:
    """Run one scenario; what the readers got is checked, what the sanitizer saw it prints by itself."""
    races = load_native(Path(library))
    if scenario in TWINS:
        TWINS[scenario](races)
        return
    read = False
    while not read:  # a round may be over before a reader got a core
        counts = RIGHT[scenario](races)
        assert all(wrong == 0 for _, wrong in counts), counts
        read = all(reads > 0 for reads, _ in counts)

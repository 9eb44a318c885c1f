"""Writers that are really killed, and what must be true of a segment that one has left."""

import mmap
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from helpers.stream import PRICE, QUOTE, SYMBOL, VOID, names_in, of_kind, records_of
from pricecore import RECORD_DTYPE, EngineView, PriceEngine

SIZES = {"max_symbols": 4_096, "ring_capacity": 1_024, "latency_window": 100, "pool_buffers": 4}
BASE = [f"S{i}" for i in range(8)]
BATCH_ROWS = 256  # some chunks, in every one each symbol several times
WRITING, HELD, EMPTIED = 1 << 63, 1 << 62, 1 << 61
PATIENCE_S = 60.0

WRITE = f"""
import os, signal, sys, threading
import numpy as np
import pricecore

def batches(engine, ids):
    x = 1.0
    while True:
        prices = np.arange(x, x + {BATCH_ROWS})
        engine.update_many(ids, prices, 2 * prices, None, 3 * prices)
        engine.update_quotes(ids, prices, 2 * prices, 3 * prices, 4 * prices)
        x += {BATCH_ROWS}

def write(name, number):
    # Two threads, one of them without the GIL, write the same symbols; every record carries its own check.
    engine = pricecore.PriceEngine(name, **{SIZES!r})
    ids = np.tile(engine.register({BASE!r}), {BATCH_ROWS // len(BASE)})
    threading.Thread(target=batches, args=(engine, ids), daemon=True).start()
    x = 0.0
    while True:
        x += 1.0
        engine.update("S0", x, 2 * x, 0, 3 * x)
        engine.update_quote("S1", x, 2 * x, 3 * x, 4 * x)
        if x % 50 == 0 and x < 500:
            engine.update(f"NEW{{number}}-{{x:.0f}}", x, 2 * x, 0, 3 * x)
            engine.update_quote(f"NEWQ{{number}}-{{x:.0f}}", x, 2 * x, 3 * x, 4 * x)
        if x == 1:
            print(os.getpid(), flush=True)
"""

# Forks a writer for every line that it is told: a fork costs milliseconds, an interpreter tenths of a second.
LAUNCH = (
    WRITE
    + """
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        write(*line.split())
    os.waitpid(pid, 0)
    print("gone", flush=True)
"""
)


def read_line(process: subprocess.Popen) -> str:
    """Return the next line that a process prints; a hang or its end is an error."""
    line = b""
    while not line.endswith(b"\n"):  # a print may come in pieces
        if not select.select([process.stdout], [], [], PATIENCE_S)[0]:
            raise TimeoutError(f"no answer within {PATIENCE_S} s")
        piece = os.read(process.stdout.fileno(), 1)
        assert piece, "the process ended"
        line += piece
    return line.decode()


@contextmanager
def python(script: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """Run a script in a second interpreter that is told lines and answers with lines; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with all that it has forked
        process.communicate()


def tell(process: subprocess.Popen, line: str) -> str:
    """Send a process a line and return its answer."""
    process.stdin.write(f"{line}\n".encode())
    return read_line(process)


def kill_writer(launcher: subprocess.Popen, pid: int) -> None:
    """Kill -9 what `tell(launcher, ...)` has started, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    answer = read_line(launcher)
    assert answer == "gone\n", answer


def contents(source: PriceEngine | EngineView) -> dict[str, tuple]:
    """Return the latest trade and quote of every symbol; NaN as None, so that equal is equal."""
    found = {}
    for name in source.symbols():
        pair = (source.get(name), source.quote(name))
        found[name] = tuple(row and tuple(None if value != value else value for value in row) for row in pair)
    return found


def check_whole(records: np.ndarray) -> None:
    """Every record agrees with itself: none is torn."""
    trades, quotes = of_kind(records, PRICE), of_kind(records, QUOTE)
    assert (trades["volume"] == 2 * trades["price"]).all()
    assert (trades["change_24h"] == 3 * trades["price"]).all()
    assert (quotes["ask"] == 2 * quotes["bid"]).all()
    assert (quotes["bid_size"] == 3 * quotes["bid"]).all()
    assert (quotes["ask_size"] == 4 * quotes["bid"]).all()
    void = of_kind(records, VOID)
    assert not void.view(np.uint64).reshape(-1, 8)[:, 2:].any()
    assert len(trades) + len(quotes) + len(void) + len(of_kind(records, SYMBOL)) == len(records)


def slots_of(engine: PriceEngine) -> np.ndarray:
    """Return the words of every slot: symbol, kind, copy, word."""
    at = engine.segment.describe()["slots"]
    words = np.frombuffer(engine.segment.view(), np.uint64, len(engine) * 32, at)
    return words.reshape(len(engine), 2, 2, 8)


def check_ring(engine: PriceEngine) -> np.ndarray:
    """Every ticket of the last lap is published, whole and in its place; return the records."""
    last = engine.metrics().ring.sequence
    records = records_of(engine)
    assert records["sequence"].tolist() == list(range(max(1, last - SIZES["ring_capacity"] + 1), last + 1))
    check_whole(records)
    assert {i: engine.symbol(i) for i in names_in(records)} == names_in(records)
    check_symbol_records(engine, records)
    return records


def check_symbol_records(engine: PriceEngine, records: np.ndarray) -> None:
    """Every symbol that was added within the lap has its record there."""
    at = engine.segment.describe()["names"]
    added = np.frombuffer(engine.segment.view(), np.uint64, len(engine) * 8, at).reshape(-1, 8)[:, 0]
    first = int(records["sequence"][0]) if len(records) else 1
    (ids,) = np.nonzero(added >= first)
    rows = records[added[ids].astype(np.int64) - first]
    assert (rows["kind"] == SYMBOL).all()
    assert (rows["symbol_id"] == ids).all()


def check_slots(engine: PriceEngine, records: np.ndarray) -> None:
    """No copy carries a bit; for each symbol and kind the newest record of the ring is that of the slot."""
    slots = slots_of(engine)
    heads = slots[..., 0]
    assert not (heads & np.uint64(WRITING | HELD)).any()
    newest = (heads & np.uint64(EMPTIED - 1)).max(axis=2)
    first = int(records["sequence"][0]) if len(records) else 1
    for kind in (PRICE, QUOTE):
        rows = of_kind(records, kind).view(RECORD_DTYPE)
        in_ring = np.zeros(len(engine), np.uint64)
        np.maximum.at(in_ring, rows["symbol_id"], rows["sequence"])
        in_lap = newest[:, kind] >= first
        assert (in_ring[in_lap] == newest[in_lap, kind]).all()
        assert not in_ring[~in_lap].any()
    for symbol_id, kind, copy in np.argwhere(((heads & np.uint64(EMPTIED - 1)) >= first) & (heads > 0)):
        words = slots[symbol_id, kind, copy]
        row = records[int(words[0]) - first]
        assert (row["symbol_id"], row["kind"]) == (symbol_id, kind)
        assert row.tobytes() == words.tobytes(), "slot and ring hold different records of one sequence"


def check_index(engine: PriceEngine) -> None:
    """The index leads to every symbol once, and nowhere else."""
    at = engine.segment.describe()["name_index"]
    index = np.frombuffer(engine.segment.view(), np.uint32, 2 * SIZES["max_symbols"], at)
    assert sorted(index[index > 0].tolist()) == list(range(1, len(engine) + 1))
    assert [engine.symbol_id(name) for name in engine.symbols()] == list(range(len(engine)))


def check_left(view: EngineView) -> tuple[dict[str, tuple], int]:
    """What a reader is promised of a writer that was killed; return prices and sequence, to be found again."""
    assert not view.alive
    left = contents(view)
    for trade, quote in left.values():
        assert trade is None or (trade[2], trade[4]) == (2 * trade[1], 3 * trade[1])
        assert quote is None or quote[2:5] == (2 * quote[1], 3 * quote[1], 4 * quote[1])
    metrics = view.metrics()
    assert metrics.messages_received == metrics.messages_processed + metrics.out_of_order + metrics.errors
    return left, metrics.ring.sequence


def check_mended(engine: PriceEngine, left: dict[str, tuple], sequence: int) -> None:
    """What the next writer finds: all of it, and nothing open."""
    assert (contents(engine), engine.metrics().ring.sequence) == (left, sequence)
    records = check_ring(engine)
    check_slots(engine, records)
    check_index(engine)
    assert engine.metrics().messages_received == 0


def check_goes_on(engine: PriceEngine, number: int) -> None:
    """It takes updates of every kind; the stream has no hole and all of them are counted."""
    sequence = engine.metrics().ring.sequence
    names, symbols = engine.symbols()[:100], len(engine)
    for i, name in enumerate(names):
        x = 1e6 + i
        assert engine.update(name, x, 2 * x, 0, 3 * x)
        assert engine.update_quote(name, x, 2 * x, 3 * x, 4 * x)
    x = np.full(len(names), 1e6 + number)
    assert engine.update_many(names, x, 2 * x, None, 3 * x) == len(names)
    assert engine.update(f"AFTER{number}", 1.0, 2.0, 0, 3.0)
    check_slots(engine, check_ring(engine))
    check_index(engine)
    metrics = engine.metrics()
    assert metrics.ring.sequence == sequence + 3 * len(names) + 1 + len(engine) - symbols
    updates = 3 * len(names) + 1
    assert metrics.messages_processed == metrics.messages_received == int(metrics.histogram.counts.sum()) == updates
    assert metrics.latency.sample_count == min(updates, SIZES["latency_window"])


@contextmanager
def held_slot(path, segment, symbol_id):
    """Hold the slot of a symbol's trade, as a writer between its ring stamp and the end of its update."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        at = segment.describe()["slots"] + symbol_id * 4 * 64
        words = np.frombuffer(memory, np.uint64, 16, at)
        newest = 8 * int(words[8] > words[0])
        words[newest] |= np.uint64(HELD)
        try:
            yield
        finally:
            words[newest] &= ~np.uint64(HELD)
            del words  # else the map cannot be closed

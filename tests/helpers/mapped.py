"""What a reading process does with an engine that another one writes: each job reads, checks, and returns its counts.

Every figure of a record follows from the first one, and prices never fall: see `BATCHES` of helpers.writers.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import pricecore
from helpers.native import load_native
from helpers.stream import PRICE, QUOTE, SYMBOL, of_kind
from pricecore.delivery.ring import RingReader


def start_job(name: str, *arguments: object) -> subprocess.Popen:
    """Start one of the functions below in a process of its own."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); from helpers.mapped import run_job; run_job(*sys.argv[2:])"
    tests = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-W", "error", "-c", script, tests, name, json.dumps(arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def results_of(jobs: Iterable[subprocess.Popen], timeout_s: float = 300.0) -> list:
    """Wait for the jobs; return what their functions returned, or fail with what one of them printed."""
    ended = [job.communicate(timeout=timeout_s) for job in jobs]
    assert not any(error for _, error in ended), "\n".join(error for _, error in ended)
    return [json.loads(output.splitlines()[-1]) for output, _ in ended]


def run_job(name: str, arguments: str) -> None:
    with pricecore.attach("md") as view:
        print(json.dumps(globals()[name](view, *json.loads(arguments))))


def read_trades(view, count: int) -> None:
    last = 0
    for _ in range(count):
        trade = view.get("A")
        assert (trade.volume, trade.change_24h) == (2 * trade.price, 3 * trade.price), trade
        assert trade.sequence >= last
        last = trade.sequence


def read_quotes(view, count: int) -> None:
    last = 0
    for _ in range(count):
        quote = view.quote("A")
        assert quote[2:5] == (2 * quote.bid, 3 * quote.bid, 4 * quote.bid), quote
        assert quote.sequence >= last
        last = quote.sequence


def read_prices(view, count: int) -> None:
    last = 0.0
    for _ in range(count):
        price = view.price("A")
        assert price >= last
        assert price == int(price)
        last = price


def read_snapshots(view, count: int) -> None:
    last = np.zeros(2)
    for _ in range(count):
        row = view.snapshot()[0]
        price, bid = float(row["price"]), float(row["bid"])
        assert (row["volume"], row["change_24h"]) == (2 * price, 3 * price), row
        assert (row["ask"], row["bid_size"], row["ask_size"]) == (2 * bid, 3 * bid, 4 * bid), row
        assert (last <= (price, bid)).all()
        last = np.array((price, bid))


def read_all_ways(view, count: int) -> int:
    """Make about `count` reads by every method."""
    for _ in range(10):
        read_trades(view, count // 30)
        read_quotes(view, count // 30)
        read_prices(view, count // 30)
        read_snapshots(view, count // 1_000)
    return count


def read_natively(view, library: str, count: int, unchecked: bool = False) -> list:
    """Return (reads, torn, older, missing) of trades, of quotes, and of single prices."""
    native = load_native(Path(library))
    symbol_id = view.symbol_id("A")
    counts = [native.read_records(view.segment, symbol_id, kind, count, unchecked) for kind in (0, 1)]
    return [*counts, native.read_prices(view.segment, symbol_id, count)]


def follow(view, start: int, enough: int) -> tuple[int, int, int]:
    """Read the stream to its end, nearly a ring at a time; say when it is enough: (delivered, lost, next sequence)."""
    reader, delivered, said, ended = RingReader(view.segment, start), 0, False, False
    while not ended:
        writer_closed = not view.alive
        before, lost = reader.next_sequence, reader.lost
        count = check_records(reader.read(1_000), before, reader.lost - lost)
        delivered += count
        ended = writer_closed and count == 0
        if delivered >= enough and not said:
            print("enough", flush=True)
            said = True
    return delivered, reader.lost, reader.next_sequence


def check_records(records: np.ndarray, wanted: int, lost: int) -> int:
    """Records come in order and whole, right behind what was lost; return how many they are."""
    first = wanted + lost
    assert np.array_equal(records["sequence"], np.arange(first, first + len(records)))
    assert np.isin(records["kind"], [PRICE, QUOTE, SYMBOL]).all()
    trades, quotes = of_kind(records, PRICE), of_kind(records, QUOTE)
    assert np.array_equal(trades["volume"], 2 * trades["price"])
    assert np.array_equal(trades["change_24h"], 3 * trades["price"])
    for name, factor in (("ask", 2), ("bid_size", 3), ("ask_size", 4)):
        assert np.array_equal(quotes[name], factor * quotes["bid"])
    for price in (trades["price"], quotes["bid"]):
        assert (np.diff(price) > 0).all()
    return len(records)

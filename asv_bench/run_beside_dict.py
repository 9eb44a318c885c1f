"""`pricecore run` on Binance captures beside the plainest program for the same job: msgspec into a dict, no engine.

    python asv_bench/run_beside_dict.py [--rounds N] [LABEL=]FILE ...

Both run in fresh processes, by turns, and report the wall time from the first line to the last; the median over the
rounds is shown. The rival merges the files by receive time as `run` does, or, in the last line, reads them one after
the other. Both count the same prices, or it is an error.
"""

import argparse
import gzip
import heapq
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from msgspec import Struct
from msgspec.json import Decoder

Line = tuple[int, int, str, bytes]


class Levels(Struct, array_like=True, gc=False):
    """Price levels, which share their letters with a best bid and ask."""


class Event(Struct, gc=False):
    """What the rival reads of a message: the fields that it stores, and no more."""

    e: str = ""
    s: str = ""
    p: float | None = None
    q: float = 0.0
    b: float | Levels | None = None
    B: float = 0.0
    a: float | Levels | None = None
    A: float = 0.0
    T: int = 0


class Envelope(Struct, gc=False):
    data: Event | None = None


def lines(number: int, label: str, path: str) -> Iterator[Line]:
    with gzip.open(path) as file:
        for line in file:
            received_ns, _, message = line.partition(b" ")
            yield int(received_ns), number, label, message


def store_all(stream: Iterator[Line]) -> int:
    """Store every price under (label, symbol); return how many there were."""
    decode = Decoder(Envelope, strict=False).decode
    trades: dict[tuple[str, str], tuple] = {}
    quotes: dict[tuple[str, str], tuple] = {}
    prices = 0
    for _, _, label, message in stream:
        event = decode(message).data
        if event is None:
            continue
        if event.e == "trade":
            trades[label, event.s] = (event.p, event.q, event.T * 1_000_000)
            prices += 1
        elif event.e in ("bookTicker", ""):
            quotes[label, event.s] = (event.b, event.a, event.B, event.A, event.T * 1_000_000)
            prices += 1
    return prices


def rival(files: list[str], *, merged: bool) -> tuple[float, int]:
    """Return the wall time in seconds and the prices stored."""
    pairs = [text.rpartition("=")[::2] for text in files]
    sources = [lines(number, label, path) for number, (label, path) in enumerate(pairs)]
    begin = time.perf_counter()
    prices = store_all(heapq.merge(*sources) if merged else (line for source in sources for line in source))
    return time.perf_counter() - begin, prices


def in_new_process(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-P", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.split(maxsplit=1)


def ours(files: list[str]) -> tuple[float, int]:
    report = json.loads(" ".join(in_new_process("-m", "pricecore", "run", *files, "--json")))
    return report["wall_s"], report["messages_received"]


def one_round(files: list[str]) -> dict[str, float]:
    """Return the seconds of each program; AssertionError when they did not do the same work."""
    figures = {"pricecore run": ours(files)}
    for name in ("merged", "one after the other"):
        wall_s, prices = in_new_process(__file__, "--rival", name, *files)
        figures[f"dict, {name}"] = float(wall_s), int(prices)
    assert len({prices for _, prices in figures.values()}) == 1, figures
    return {name: wall_s for name, (wall_s, _) in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="[LABEL=]FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rival", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rival:
        print(*rival(args.files, merged=args.rival == "merged"))
        return
    rounds = []
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
        rounds.append(one_round(args.files))
    medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    for name, wall_s in medians.items():
        print(f"{name:<28}{wall_s:>8.3f} s{medians['pricecore run'] / wall_s:>8.2f}")


if __name__ == "__main__":
    main()

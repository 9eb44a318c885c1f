"""Ratio and speed of zstd on recorded market data: records with and without their columns, messages with and without
a dictionary.

    python asv_bench/compression_figures.py [--block N] (--sample | [LABEL=]FILE ... [options of `pricecore run`])

Records are what `pricecore run --log` writes of all files together, in blocks as compressed files have them; messages
are the JSON of the captures among them, each compressed alone, with a dictionary learnt from the first tenth and
measured on the rest. The times are CPU time, MB/s are of plain bytes. `received_ns` is the engine's clock, so records
that were replayed as fast as possible become a little smaller than live ones.
"""

import argparse
import gzip
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pricecore import EventLog
from pricecore.cli.run_options import SAMPLE, split_label
from pricecore.compression import PayloadCodec
from pricecore.compression.records import ZSTD, ZSTD_COLUMNS, decode_block, encode_block
from pricecore.eventlog.joining import JOINED_RECORDS

LEVELS = (1, 3, 9)
WRONG_USE = 2
MOST_SAMPLES = 2_000
HEAD = f"{'':<44}{'level':>6}{'ratio':>8}{'compress':>12}{'expand':>12}{'each':>20}"


def records_of(arguments: Sequence[str]) -> np.ndarray:
    """Return all records of a run with these arguments."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [sys.executable, "-m", "pricecore", "run", *arguments, "--log", str(log), "--json"]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == WRONG_USE:
            sys.exit(WRONG_USE)
        return np.concatenate(list(EventLog.open(log)))


def paths_of(arguments: Sequence[str]) -> list[Path]:
    """Return the files among the arguments."""
    if "--sample" in arguments:
        return [Path(sample.path) for sample in SAMPLE]
    return [path for path in (Path(split_label(text)[1]) for text in arguments) if path.is_file()]


def messages_of(paths: Sequence[Path]) -> list[bytes]:
    """Return the JSON of the captures among these files."""
    found = []
    for path in paths:
        if path.suffix == ".zip":
            continue
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                _, brace, message = line.partition(b"{")
                if brace:
                    found.append(brace + message.rstrip())
    return found


def timed(work: Callable[[bytes], bytes], pieces: list[bytes]) -> tuple[list[bytes], float]:
    """Return the results and the CPU seconds."""
    begin_s = time.process_time()
    done = [work(piece) for piece in pieces]
    return done, time.process_time() - begin_s


def figures(plain: list[bytes], compress: Callable[[bytes], bytes], expand: Callable[..., bytes]) -> list[float]:
    """Return ratio, seconds to compress and seconds to expand; ValueError when something does not come back."""
    compress(plain[0])
    stored, compress_s = timed(compress, plain)
    back, expand_s = timed(expand, stored)
    if any(a != b for a, b in zip(plain, back, strict=True)):
        raise ValueError("what came back is not what went in")
    return [sum(map(len, plain)) / sum(map(len, stored)), compress_s, expand_s]


def row(title: str, level: int, plain: list[bytes], found: list[float], count: int, unit: str) -> str:
    """Return a line of the table; `count` is what "each" is of, with its unit."""
    ratio, compress_s, expand_s = found
    plain_mb = sum(map(len, plain)) / 1e6
    speeds = f"{plain_mb / compress_s:>7,.0f} MB/s{plain_mb / expand_s:>7,.0f} MB/s"
    each = f"{count / compress_s / 1e6:.2f} M records/s" if unit == "record" else f"{compress_s / count * 1e6:.2f} us"
    return f"{title:<44}{level:>6}{ratio:>8.2f}{speeds}{each:>20}"


def record_rows(records: np.ndarray, block: int) -> Iterator[str]:
    plain = [records[at : at + block].tobytes() for at in range(0, len(records), block)]
    for title, encoding in (("records, zstd", ZSTD), ("records, zstd of columns", ZSTD_COLUMNS)):
        for level in LEVELS:
            found = figures(plain, partial(encode_block, encoding=encoding, level=level), expander(plain, encoding))
            yield row(title, level, plain, found, len(records), "record")


def expander(plain: list[bytes], encoding: int) -> Callable[[bytes], memoryview]:
    """Return what expands these blocks one after the other."""
    lengths = map(len, plain)
    return lambda stored: decode_block(stored, encoding, next(lengths))


def message_rows(messages: list[bytes]) -> Iterator[str]:
    samples = min(len(messages) // 10, MOST_SAMPLES)
    dictionary = PayloadCodec.train(messages[:samples]).dictionary
    plain = messages[samples:]
    for title, given in (("messages, zstd", None), ("messages, zstd with a dictionary", dictionary)):
        for level in LEVELS:
            codec = PayloadCodec(level=level, dictionary=given)
            yield row(title, level, plain, figures(plain, codec.compress, codec.decompress), len(plain), "message")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--block", type=int, default=JOINED_RECORDS, help="records of a block (default 16,384)")
    args, of_run = parser.parse_known_args()
    records = records_of(of_run)
    print(f"{len(records):,} records in blocks of {args.block:,}", file=sys.stderr)
    print(HEAD)
    for line in record_rows(records, args.block):
        print(line, flush=True)
    messages = messages_of(paths_of(of_run))
    print(f"{len(messages):,} messages", file=sys.stderr)
    for line in message_rows(messages) if len(messages) >= 1_000 else ():
        print(line, flush=True)


if __name__ == "__main__":
    main()

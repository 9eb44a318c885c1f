"""Makes the sample of `pricecore run --sample` from the original captures: seven seconds of four markets.

    python ci/make_sample.py DATA_FOLDER

DATA_FOLDER holds binance_spot/ and binance_usdm/ with btcusdt_20240808.gz and ethusdt_20240808.gz, as they stand in
nkaz001/hftbacktest under examples/spot and examples/usdm. The lines are taken over untouched.
"""

import gzip
import heapq
import sys
from pathlib import Path

FIRST_NS = 1_723_161_255_000_000_000  # from here on all four markets send
LAST_NS = FIRST_NS + 7_000_000_000
SAMPLE_FOLDER = Path(__file__).parent.parent / "pricecore" / "data"


def lines_of(path: Path):
    """Yield (receive time, line) of the lines that belong to the sample."""
    with gzip.open(path) as file:
        for line in file:
            received_ns = int(line.split(b" ", 1)[0])
            if received_ns >= LAST_NS:
                return
            if received_ns >= FIRST_NS:
                yield received_ns, line


def main() -> None:
    """Write one file for spot and one for futures, each with two symbols as they were received."""
    data_folder = Path(sys.argv[1])
    for market in ("spot", "usdm"):
        captures = [data_folder / f"binance_{market}" / f"{pair}_20240808.gz" for pair in ("btcusdt", "ethusdt")]
        lines = [line for _, line in heapq.merge(*map(lines_of, captures))]
        path = SAMPLE_FOLDER / f"binance_{market}.gz"
        path.write_bytes(gzip.compress(b"".join(lines), 9, mtime=0))  # no time: the same data give the same file
        print(f"{path.name}: {len(lines):,} lines, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

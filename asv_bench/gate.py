"""Judges instruction counts: no call may take 3 % more than in the previous commit, or than in the saved baseline.

    python asv_bench/gate.py [--previous FOLDER] [--save-baseline]

FOLDER holds the previous commit's package as `pip install --target FOLDER` leaves it. The baseline's entry counts
only where interpreter, compiler and processor are those that it was made with. Exit codes: 0 within the limit,
1 beyond it, 2 nothing could be counted.
"""

import argparse
import importlib.metadata
import json
import platform
import re
import sys
from pathlib import Path

from benchmarks import callgrind
from benchmarks.loops import LOOPS

from pricecore.engine import core

LIMIT = 0.03
BASELINE = Path(__file__).parent / "baseline.json"
Counts = dict[str, float]


def first_match(pattern: bytes, content: bytes) -> str:
    found = re.search(pattern, content)
    return found[1].decode().replace("_", ".") if found else ""


def build_key() -> str:
    """Return interpreter, compilers and processor: what the compiled module itself says it was made with."""
    content = Path(core.__file__).read_bytes()
    clang, gcc = first_match(rb"clang version ([\d.]+)", content), first_match(rb"GCC: \([^)]*\) ([\d.]+)", content)
    compiler = f"clang {clang}" if clang else f"gcc {gcc}"
    cython = first_match(rb"__Pyx_Import(?:Function|Type)_(\d+_\d+_\d+)", content)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {compiler}, Cython {cython}, {platform.machine()}"


def libraries() -> dict[str, str]:
    """Return what else runs inside the counted calls."""
    return {name: importlib.metadata.version(name) for name in ("numpy", "msgspec")}


def slowdowns(now: Counts, before: Counts, label: str) -> list[str]:
    """Return a line for each call beyond the limit, and for each that is not counted any more."""
    lines = [f"FAIL {name}: in the {label}, no longer counted" for name in before.keys() - now.keys()]
    for name, count in now.items():
        known = before.get(name, count)
        if count > known * (1 + LIMIT):
            lines.append(
                f"SLOWER {name}: {count:,.1f} instructions, {count / known - 1:+.1%} on the {label}'s {known:,.1f}"
            )
    return lines


def show(now: Counts, previous: Counts, baseline: Counts) -> None:
    """Print a row for each call; a dash where there is nothing to compare with."""
    print(f"    {'instructions a call or row':<28}{'now':>12}{'on previous':>14}{'on baseline':>14}")
    for name, count in now.items():
        changes = [f"{count / other[name] - 1:+.2%}" if name in other else "-" for other in (previous, baseline)]
        print(f"    {name:<28}{count:>12,.1f}{changes[0]:>14}{changes[1]:>14}")


def saved(key: str) -> Counts:
    """Return the baseline's counts for this key; say so when it has none."""
    entry = json.loads(BASELINE.read_text()).get(key) if BASELINE.exists() else None
    if entry is None:
        print(f"SKIP baseline: none saved for {key} (--save-baseline makes one)")
        return {}
    if entry["libraries"] != libraries():
        print(f"    the baseline was made with {entry['libraries']}, here is {libraries()}")
    return entry["instructions"]


def save(key: str, now: Counts) -> None:
    entries = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    entries[key] = {"libraries": libraries(), "instructions": now}
    BASELINE.write_text(json.dumps(dict(sorted(entries.items())), indent=2) + "\n")
    print(f"saved in {BASELINE.name} for {key}; now give the reason in BASELINE.md, one line")


def judge(now: Counts, previous: Counts, baseline: Counts) -> int:
    show(now, previous, baseline)
    lines = [f"FAIL {name}: could not be made, see loops.py" for name in LOOPS.keys() - now.keys()]
    lines += slowdowns(now, previous, "previous commit") + slowdowns(now, baseline, "baseline")
    for line in lines:
        print(line)
    return 1 if lines else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--previous", metavar="FOLDER", help="the previous commit's package, installed there")
    parser.add_argument("--save-baseline", action="store_true", help="save the counts instead of judging them")
    args = parser.parse_args()
    if not callgrind.is_available():
        print("SKIP instruction counts: valgrind is not installed")
        return 2
    key = build_key()
    print(f"    {key}")
    now = callgrind.count()
    if args.save_baseline:
        save(key, now)
        return 0
    previous = callgrind.count(args.previous) if args.previous else {}
    return judge(now, previous, saved(key))


if __name__ == "__main__":
    sys.exit(main())

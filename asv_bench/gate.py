"""Judges instruction counts of the installed package: no call may take 3 % more than the saved baseline.

    python asv_bench/gate.py                          # exit code 0 within the limit, 1 beyond it
    python asv_bench/gate.py --only update,price      # these calls alone
    python asv_bench/gate.py --save-baseline REASON   # save the counts, and the reason in BASELINE.md
    python asv_bench/gate.py --explained-since COMMIT # has every change of the baseline its reason? counts nothing

The comparison with the previous commit is `asv continuous`, see ci/continuous.
"""

import argparse
import datetime
import subprocess
import sys

import baseline
from benchmarks import callgrind
from benchmarks.loops import expected

LIMIT = 0.03


def table(now: baseline.Counts, before: baseline.Counts) -> list[str]:
    """Return a row for each call; a dash where there is nothing to compare with."""
    rows = [f"    {'instructions a call or row':<28}{'now':>12}{'baseline':>12}{'change':>10}"]
    for name, count in now.items():
        known = before.get(name)
        compared = f"{known:>12,.1f}{count / known - 1:>+10.2%}" if known else f"{'-':>12}{'-':>10}"
        rows.append(f"    {name:<28}{count:>12,.1f}{compared}")
    return rows


def faults(now: baseline.Counts, before: baseline.Counts, wanted: set[str]) -> list[str]:
    """Return a line for each call that is beyond the limit, and for each that should be counted and is not."""
    lines = [f"FAIL {name}: could not be made, see benchmarks/loops.py" for name in wanted - now.keys()]
    lines += [f"FAIL {name}: in the baseline, no longer counted" for name in before.keys() - now.keys() - wanted]
    for name, count in now.items():
        known = before.get(name, count)
        if count > known * (1 + LIMIT):
            lines.append(
                f"SLOWER {name}: {count:,.1f} instructions, {count / known - 1:+.1%} on the baseline's {known:,.1f}"
            )
    return sorted(lines)


def judge(only: list[str]) -> int:
    """Count, print, compare; 1 when something is wrong."""
    key = baseline.build_key()
    print(f"    {key}")
    known = baseline.saved(key)
    now = callgrind.count(only)
    if only:
        known = {name: known[name] for name in only if name in known}
    wrong = faults(now, known, set(only or expected()))
    print(*table(now, known), *wrong, sep="\n")
    return 1 if wrong else 0


def at(commit: str, name: str) -> str:
    """Return the content that a file of this folder had in a commit; empty when it had none."""
    command = ["git", "-C", str(baseline.FOLDER), "show", f"{commit}:./{name}"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def explained_since(commit: str) -> int:
    """Compare the files as they lie here with those of a commit; 1 when a change has no reason."""
    pairs = [((baseline.FOLDER / name).read_text(), at(commit, name)) for name in (baseline.FIGURES, baseline.REASONS)]
    keys = baseline.unexplained(*pairs[0], *pairs[1])
    for key in keys:
        print(
            f"FAIL {baseline.FIGURES} differs from {commit} for {key}: give the reason in {baseline.REASONS}, one row"
        )
    return 1 if keys else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="CALLS", default="", help="names of benchmarks/loops.py, with commas")
    parser.add_argument("--save-baseline", metavar="REASON", help="save the counts instead of judging them")
    parser.add_argument("--explained-since", metavar="COMMIT", help="check the reasons instead of the counts")
    args = parser.parse_args()
    if args.explained_since:
        return explained_since(args.explained_since)
    if not callgrind.is_available():
        print("SKIP instruction counts: valgrind is not installed")
        return 0
    if args.save_baseline is None:
        return judge(args.only.split(",") if args.only else [])
    today = datetime.date.today().isoformat()
    baseline.save(baseline.build_key(), callgrind.count(), args.save_baseline, today)
    return 0


if __name__ == "__main__":
    sys.exit(main())

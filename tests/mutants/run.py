"""Makes one mistake of mutants.toml after the other and runs the tests that must notice it.

    python tests/mutants/run.py [--only PART] [--list]

Works in the tree that it stands in, which it builds in place: ci/mutants gives it a copy. Prints each mistake, by which
test it was noticed first and how long that took; ends with 1 when one was not, or when the tests fail without one.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FAILED_TESTS = 1  # pytest's code for that; anything above is no verdict
LONGEST_S = 600.0


def mutants() -> list[dict]:
    return tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]


def build() -> None:
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"it does not compile, so it shows nothing:\n{done.stdout}{done.stderr}"[-3_000:])


def first_failure(tests: list[str]) -> str:
    """Return the first test that fails, "" when all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace", timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return "none: they hang, and CI with them"
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if done.returncode > FAILED_TESTS:  # negative: a signal, which is how a broken slot may show
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}"[-3_000:])
    return found[1] if found else f"the interpreter ended with signal {-done.returncode}"


@contextmanager
def mistaken(mutant: dict) -> Iterator[None]:
    """Have the mistake in the tree, and in what is built of it."""
    path = ROOT / mutant["file"]
    right = path.read_text()
    path.write_text(right.replace(mutant["find"], mutant["replace"]))
    try:
        build()  # also for a .py: what the mistake before it left in the build goes
        yield
    finally:
        path.write_text(right)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="PART", default="", help="those with this in their room or name")
    parser.add_argument("--list", action="store_true", help="say which there are, and end")
    arguments = parser.parse_args()
    chosen = [one for one in mutants() if arguments.only in f"{one['room']}: {one['name']}"]
    if arguments.list or not chosen:
        print(*(f"{one['room']}: {one['name']}" for one in chosen or mutants()), sep="\n")
        return 0 if chosen else 2
    build()
    if failed := first_failure(sorted({test for one in chosen for test in one["tests"]})):
        print(f"nothing can be told: without a mistake {failed} fails")
        return 1
    survivors = 0
    for number, one in enumerate(chosen, 1):
        begun_s = time.monotonic()
        with mistaken(one):
            noticed = first_failure(one["tests"])
        survivors += not noticed
        print(
            f"{number:2}/{len(chosen)} {one['room']}: {one['name']}\n"
            f"      {noticed or 'NOT NOTICED'} ({time.monotonic() - begun_s:.0f} s)",
            flush=True,
        )
    print(f"{len(chosen) - survivors} of {len(chosen)} mistakes were noticed")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())

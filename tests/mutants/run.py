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
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FAILED_TESTS = 1  # pytest's code for that; anything above is no verdict
LONGEST_S = 600.0
# setup.py with some of its extensions: all others are looked at in vain, 71 times for each mistake.
BUILD = """
import sys
import setup
import setuptools
wanted = [name.replace("/", ".") for name in sys.argv[1:]]
chosen = [one for one in setup.extensions() if not wanted or one.name in wanted]
assert len(chosen) == len(wanted) or not wanted, f"not all of these are modules: {wanted}"
setuptools.setup(
    ext_modules=chosen, cmdclass={"build_ext": setup.CythonBuild}, script_args=["-q", "build_ext", "--inplace"]
)
"""


def mutants() -> list[dict]:
    return tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]


def modules_of(mutant: dict) -> list[str]:
    """Return the modules that must be built for a mistake, as paths without an ending."""
    path = Path(mutant["file"])
    own = [path.with_suffix("").as_posix()] if path.suffix == ".pyx" else []
    return own + [f"pricecore/{module}" for module in mutant.get("modules", [])]


def build(modules: list[str] | None = None) -> None:
    """Build these in place; None: all that need it."""
    done = subprocess.run([sys.executable, "-c", BUILD, *(modules or [])], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"it does not compile, so it shows nothing:\n{done.stdout}{done.stderr}"[-3_000:])


def built_files(modules: list[str]) -> list[Path]:
    """Return what a build has made of these: libraries, objects and C."""
    return [
        path
        for module in modules
        for pattern in (f"{module}.*.so", f"build/*/{module}.c", f"build/temp*/build/*/{module}.o")
        for path in ROOT.glob(pattern)
    ]


@contextmanager
def set_aside(modules: list[str]) -> Iterator[None]:
    """Have no trace of these in the build, so that they are made anew; at the end have back what was there."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        kept = [(path, Path(folder, str(number))) for number, path in enumerate(built_files(modules))]
        for path, place in kept:
            path.rename(place)
        try:
            yield
        finally:
            for path in built_files(modules):
                path.unlink()
            for path, place in kept:
                place.rename(path)


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
    path, modules = ROOT / mutant["file"], modules_of(mutant)
    right, times = path.read_text(), path.stat()
    with set_aside(modules):
        path.write_text(right.replace(mutant["find"], mutant["replace"]))
        try:
            if modules:
                build(modules)
            yield
        finally:
            path.write_text(right)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # what was built of it is not out of date


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="PART", default="", help="those with this in their room or name")
    parser.add_argument("--list", action="store_true", help="say which there are, and end")
    arguments = parser.parse_args()
    chosen = [one for one in mutants() if arguments.only in f"{one['room']}: {one['name']}"]
    if arguments.list or not chosen:
        print(*(f"{one['room']}: {one['name']}" for one in chosen or mutants()), sep="\n")
        return 0 if chosen else 2
    begun_s = time.monotonic()
    print(f"{len(chosen)} mistakes; first the tests without any", flush=True)
    build()
    if failed := first_failure(sorted({test for one in chosen for test in one["tests"]})):
        print(f"nothing can be told: without a mistake {failed} fails")
        return 1
    print(f"they pass ({time.monotonic() - begun_s:.0f} s)", flush=True)
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

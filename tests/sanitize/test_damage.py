"""What the sanitizers of memory and of undefined behaviour report: nothing of right code, and every planted mistake.

`ci/sanitize address` and `ci/sanitize undefined` build the package for them and run this file. No report is suppressed.
"""

import os
from pathlib import Path

import pytest
from helpers.native import build_native
from helpers.sanitized import TESTS
from helpers.subprocesses import run_python

import pricecore

SANITIZERS = os.environ.get("PRICECORE_SANITIZE", "").split(",")
RUNTIMES = {"address": b"__asan_init", "undefined": b"__ubsan_handle"}
MINE = [sanitizer for sanitizer in SANITIZERS if sanitizer in RUNTIMES]
pytestmark = pytest.mark.skipif(not MINE, reason="run by ci/sanitize address, or undefined")

RIGHT = ["push(64)", "push_to(False)", "pop_into(64)", "append(64, 64)", "byte_of_grown(False)", "shifted(63)"]
RIGHT += ["word_of_record(7)", "word_at(8)"]
MISTAKES = [
    ("address", "push(56)", "heap-buffer-overflow"),
    ("address", "push_to(True)", "heap-use-after-free"),
    ("address", "pop_into(56)", "heap-buffer-overflow"),
    ("address", "append(256, 256)", "heap-buffer-overflow"),
    ("address", "byte_of_grown(True)", "heap-use-after-free"),
    ("undefined", "shifted(64)", "shift exponent 64 is too large"),
    ("undefined", "word_of_record(8)", "index 8 out of bounds"),
    ("undefined", "word_at(4)", "misaligned address"),
]
CALL = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from helpers.native import load_native
load_native(Path(sys.argv[2]))."""
TO_STDERR = {"ASAN_OPTIONS": "detect_leaks=0:exitcode=66", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=66"}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_native(TESTS / "native" / "damage.pyx", tmp_path_factory.mktemp("native")).__file__


def call(library: str, expression: str):
    return run_python(CALL + expression, str(TESTS), library, **TO_STDERR)


@pytest.mark.parametrize("sanitizer", MINE)
def test_the_whole_package_is_built_for_the_sanitizer(sanitizer):
    libraries = list(Path(pricecore.__path__[0]).rglob("*.so"))
    watched = [path.name for path in libraries if RUNTIMES[sanitizer] in path.read_bytes()]
    # What has neither shift, sum nor pointer of its own has nothing to watch; that is never most of them.
    assert len(watched) == len(libraries) if sanitizer == "address" else len(watched) > 0.9 * len(libraries)


def test_nothing_is_reported_of_the_right_code(library):
    for expression in RIGHT:
        done = call(library, expression)
        assert (done.returncode, done.stderr) == (0, ""), expression


@pytest.mark.parametrize(("sanitizer", "expression", "report"), MISTAKES)
def test_a_mistake_is_reported(library, sanitizer, expression, report):
    if sanitizer not in SANITIZERS:
        pytest.skip(f"for {sanitizer}")
    done = call(library, expression)
    assert done.returncode == 66, done.stderr
    assert report in done.stderr

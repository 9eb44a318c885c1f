"""What the log's thread tells others under the thread sanitizer: no report, and one at least of every broken twin.

`ci/sanitize thread` builds the package for it and runs this file. No report is suppressed.
"""

import os
from pathlib import Path

import pytest
from helpers.log_races import RIGHT, TWINS
from helpers.native import build_native
from helpers.subprocesses import run_python
from helpers.threads import tries

pytestmark = pytest.mark.skipif(os.environ.get("PRICECORE_SANITIZE") != "thread", reason="run by ci/sanitize thread")

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The loops, compiled once for all interpreters that run them."""
    return build_native(TESTS / "native" / "log_races.pyx", tmp_path_factory.mktemp("native")).__file__


def reports(library: str, scenario: str, halt: bool) -> tuple[int, str]:
    """Run a scenario in an interpreter of its own; return the number of reports, and all that it printed."""
    done = run_python(
        "import sys; sys.path.insert(0, sys.argv[1]); from helpers.log_races import run; run(*sys.argv[2:])",
        str(TESTS),
        library,
        scenario,
        TSAN_OPTIONS=f"halt_on_error={int(halt)} exitcode=66",
    )
    found, output = done.stderr.count("WARNING: ThreadSanitizer:"), done.stdout + done.stderr
    assert done.returncode == (66 if found else 0), output
    return found, output


@pytest.mark.parametrize("scenario", RIGHT)
def test_nothing_is_reported_of_the_right_code(library, scenario):
    found, output = reports(library, scenario, halt=False)
    assert found == 0, output


@pytest.mark.parametrize("scenario", TWINS)
def test_a_broken_twin_is_reported(library, scenario):
    for _ in tries(300.0):  # other jobs of CI may have the cores
        found, output = reports(library, scenario, halt=True)
        if found:
            assert "data race" in output
            return
    pytest.fail("nobody noticed")

"""Scenarios in C under the thread sanitizer, each in an interpreter of its own."""

from pathlib import Path

from helpers.subprocesses import run_python
from helpers.threads import tries

TESTS = Path(__file__).resolve().parents[1]
REPORT = "WARNING: ThreadSanitizer:"
PATIENCE_S = 300.0  # other jobs of CI may have the cores


def reports(module: str, library: str, scenario: str, halt: bool) -> tuple[int, str]:
    """Run a scenario of `helpers.MODULE`; return the number of reports, and all that it printed."""
    done = run_python(
        f"import sys; sys.path.insert(0, sys.argv[1]); from helpers.{module} import run; run(*sys.argv[2:])",
        str(TESTS),
        library,
        scenario,
        TSAN_OPTIONS=f"halt_on_error={int(halt)} exitcode=66",
    )
    found, output = done.stderr.count(REPORT), done.stdout + done.stderr
    assert done.returncode == (66 if found else 0), output
    return found, output


def check_right(module: str, library: str, scenario: str) -> None:
    """Nothing may be reported."""
    found, output = reports(module, library, scenario, halt=False)
    assert found == 0, output


def check_broken(module: str, library: str, scenario: str) -> None:
    """A data race must be reported, sooner or later."""
    for _ in tries(PATIENCE_S):
        found, output = reports(module, library, scenario, halt=True)
        if found:
            assert "data race" in output
            return
    raise AssertionError("nobody noticed")

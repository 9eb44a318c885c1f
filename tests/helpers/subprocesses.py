"""A second interpreter, for what a test may not do to its own."""

import os
import subprocess
import sys


def run_python(code: str, *arguments: str, timeout_s: float = 120.0, **environment: str) -> subprocess.CompletedProcess:
    """Run code in a new interpreter with warnings as errors; return what it printed and its exit code."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-X", "faulthandler", "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )

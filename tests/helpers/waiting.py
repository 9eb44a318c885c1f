"""Waiting for what another thread or process brings about; the limit is only there against hangs."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def until(condition: Callable[[], object]) -> None:
    """Return once something is so."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not so after {PATIENCE_S} s"
        time.sleep(0.005)

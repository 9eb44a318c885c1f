"""The native modules of the low rooms' tests, each compiled once a run."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import ModuleType

from helpers.native import build_native

NATIVE = Path(__file__).resolve().parents[1] / "native"
_one_at_a_time = Lock()


def native_module(name: str) -> ModuleType:
    """Compile tests/native/NAME.pyx at the first call of this process, in whichever thread that is."""
    with _one_at_a_time:
        return _compiled(name)


@cache
def _compiled(name: str) -> ModuleType:
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        return build_native(NATIVE / f"{name}.pyx", Path(directory))

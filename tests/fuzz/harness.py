"""What the targets of the fuzzer share: taking an input apart, a folder for its files, and what must hold.

A target is a module with `check(data)`: it hands the bytes to the reader under test, lets pass the errors that the
reader documents, and raises `Broken` where what came out breaks a promise. Any other error is a finding as well.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from pricecore.errors import PricecoreError

TARGETS = ("log", "repair", "snapshot", "segment", "feed", "table", "payload")
CORPUS = Path(__file__).resolve().parent / "corpus"
MAX_NAME_BYTES = 48


class Broken(Exception):  # noqa: N818 - no error of the package's, and none that a test of it raises
    """A promise does not hold for this input."""


def demand(holds: object, promise: str, *found: object) -> None:
    """Raise `Broken` unless it holds; `found` is shown."""
    if not holds:
        raise Broken(": ".join([promise, *map(repr, found)])[:2_000])


def outcome_of(call: Callable[[], object], *errors: type[Exception]) -> object:
    """Return what a call returns, or the error that it may raise: by default any of the package's tree."""
    try:
        return call()
    except Exception as error:
        if not isinstance(error, errors or PricecoreError):
            raise
        return error


class Reader:
    """Takes an input apart; what is missing at its end reads as zeros."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.data)

    def number(self, size_bytes: int) -> int:
        return int.from_bytes(self.take(size_bytes), "little")

    def take(self, size_bytes: int) -> bytes:
        found = self.data[self.at : self.at + size_bytes]
        self.at += size_bytes
        return found

    def rest(self) -> bytes:
        return self.take(len(self.data))


def shared_memory() -> str | None:
    """Return the folder whose files are memory; None: the usual one for temporary files has to do."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give an empty folder, for one input."""
    folder = Path(mkdtemp(prefix="pricecore-fuzz-", dir=shared_memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def be_quiet() -> None:
    """Keep warnings of passed-over snapshots and bad messages from the terminal: there are millions."""
    logging.getLogger("pricecore").setLevel(logging.CRITICAL)

"""Steers tests/native/odd_disk.c, in an interpreter that was started with it loaded before the system's library."""

import ctypes
import os
import shutil
import subprocess
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.logs import files_of, read_blocks, read_head
from helpers.subprocesses import run_python

NATIVE = Path(__file__).resolve().parents[1] / "native"
HEAD = """
import os, sys, threading, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from helpers.logs import files_of, read_back
from helpers.odd_disk import *
from pricecore import *
folder = Path(sys.argv[1])
"""
PATIENCE_S = 60.0


def build_odd_disk(folder: Path) -> Path:
    """Compile the library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    library = folder / "odd_disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-pthread", "-o", str(library), str(NATIVE / "odd_disk.c")]
    subprocess.run(command, check=True)
    return library


def on_odd_disk(library: Path, code: str, folder: Path) -> str:
    """Run code with the library loaded first; return what it printed. Its errors fail the test."""
    tests = str(NATIVE.parent)
    preload = f"{os.environ.get('LD_PRELOAD', '')} {library}".strip()
    done = run_python(HEAD.format(tests=tests) + textwrap.dedent(code), str(folder), LD_PRELOAD=preload)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def steered() -> ctypes.CDLL:
    """Return the library that is loaded into this process."""
    library = ctypes.CDLL(None)
    for name in ("odd_disk_synced_bytes", "odd_disk_syncs", "odd_disk_waiting"):
        getattr(library, name).restype = ctypes.c_int64
        getattr(library, name).argtypes = [ctypes.c_uint64]
    return library


def inode(path: Path) -> int:
    return path.stat().st_ino


def hold(path: Path, held: bool) -> None:
    """Let syncs of this file wait, or go on."""
    steered().odd_disk_hold(ctypes.c_uint64(inode(path)), int(held))


def fail(path: Path, error: int, count: int = 1) -> None:
    """Let the next syncs of this file fail."""
    steered().odd_disk_fail(ctypes.c_uint64(inode(path)), error, count)


def syncs(path: Path) -> int:
    return steered().odd_disk_syncs(inode(path))


def waiting(path: Path) -> int:
    """How many syncs of this file are held up."""
    return steered().odd_disk_waiting(inode(path))


def short_writes(size_bytes: int) -> None:
    steered().odd_disk_short_writes(size_bytes)


def until(condition, what: str = "it") -> None:
    """Return once the condition holds."""
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, f"{what} does not come"
        time.sleep(0.001)


def truly_synced(folder: Path) -> int:
    """Return the last sequence that would survive a power cut, from what was really synced."""
    last = 0
    for path in files_of(folder):
        data = path.read_bytes()[: steered().odd_disk_synced_bytes(inode(path))]
        if len(data) < 128:
            return last
        head, offset = read_head(data)
        found = SimpleNamespace(gaps=[], positions=[], blocks=[])
        last = read_blocks(data, offset, head, found, []) - 1
        if len(data) < path.stat().st_size:
            return last
    return last


def claimed(folder: Path) -> list[tuple[int, int]]:
    """Return of every block its file's number and what it says to be synced."""
    found = []
    for number, path in enumerate(files_of(folder)):
        data = path.read_bytes()
        head, offset = read_head(data)
        told = SimpleNamespace(gaps=[], positions=[], blocks=[])
        read_blocks(data, offset, head, told, [])
        found += [(number, block["synced"]) for block in told.blocks]
    return found


__all__ = ["claimed", "fail", "hold", "short_writes", "syncs", "truly_synced", "until", "waiting"]

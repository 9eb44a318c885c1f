"""Pings of one process to another by a bare futex, in C that is compiled here; received in C, or in Python."""

import ctypes
import mmap
import shutil
import subprocess
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from .report import Skipped

SOURCE = Path(__file__).with_name("futex_ping.c")
PAGE_BYTES = 1 << 17
MAX_ROUNDS = 8_192


def build(folder: Path) -> Path:
    """Compile the pings in a new folder, with the page for a sender and a receiver; Skipped where that cannot be."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skipped("no C compiler for the bare futex")
    folder.mkdir()
    library = folder / "futex_ping.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"the bare futex does not compile here: {done.stderr.splitlines()[0]}")
    (folder / "page").write_bytes(bytes(PAGE_BYTES))
    return library


def mapped_page(folder: Path) -> ctypes.Array[ctypes.c_char]:
    """Map the page that both processes share."""
    with (folder / "page").open("r+b") as file:
        return (ctypes.c_char * PAGE_BYTES).from_buffer(mmap.mmap(file.fileno(), PAGE_BYTES))


def sender(library: Path) -> Callable[[int], None]:
    """Return what sends one ping, given its number."""
    send, page = ctypes.CDLL(str(library)).ping_send, mapped_page(library.parent)
    send.argtypes, send.restype = [ctypes.c_void_p, ctypes.c_uint32], None
    return lambda number: send(page, number)


def receive(pipe: Connection, library: Path, rounds: int) -> None:
    """Sleep for so many pings; send how long each took, ns."""
    took_ns = (ctypes.c_int64 * rounds)()
    page = mapped_page(library.parent)
    pipe.send("ready")
    ctypes.CDLL(str(library)).ping_receive(page, ctypes.c_uint32(rounds), took_ns)
    pipe.send(list(took_ns))
    pipe.recv()


def receive_in_python(pipe: Connection, library: Path, rounds: int) -> None:
    """As `receive`, but each ping is seen by Python code that calls the C for it: what Python alone adds."""
    took_ns = []
    page, one = mapped_page(library.parent), ctypes.CDLL(str(library)).ping_receive_one
    one.argtypes, one.restype = [ctypes.c_void_p, ctypes.c_uint32], ctypes.c_int64
    pipe.send("ready")
    for number in range(rounds):
        sent_ns = one(page, number)
        took_ns.append(time.monotonic_ns() - sent_ns)
    pipe.send(took_ns)
    pipe.recv()

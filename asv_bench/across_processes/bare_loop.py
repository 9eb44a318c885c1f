"""Wakes of a bare event loop in another process, by an eventfd that it inherits: what the loop takes alone."""

import asyncio
import mmap
import os
import struct
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd
from pathlib import Path

from .neighbours import stamp_ns
from .report import Skipped

STAMP = struct.Struct("qq")
"""The number of the wake, and when it was sent."""


class Wakes:
    """An eventfd, and a page that says what woke; travels to a process that is being spawned."""

    def __init__(self, page: Path) -> None:
        if not hasattr(os, "eventfd"):
            raise Skipped("no eventfd for the bare loop")
        page.write_bytes(bytes(mmap.PAGESIZE))
        self.page, self.descriptor = page, os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __getstate__(self) -> tuple[Path, object]:
        return self.page, DupFd(self.descriptor)

    def __setstate__(self, state: tuple[Path, object]) -> None:
        self.page, self.descriptor = state[0], state[1].detach()

    def mapped(self) -> mmap.mmap:
        """Map the page that both processes share."""
        with self.page.open("r+b") as file:
            return mmap.mmap(file.fileno(), mmap.PAGESIZE)


def sender(wakes: Wakes) -> Callable[[int], None]:
    """Return what wakes once, given the number of the wake."""
    page, descriptor = wakes.mapped(), wakes.descriptor

    def send(number: int) -> None:
        STAMP.pack_into(page, 0, number, stamp_ns())
        os.eventfd_write(descriptor, 1)

    return send


def receive(pipe: Connection, wakes: Wakes, pings: int) -> None:
    """Be woken until the last number is seen; send how long each wake took, ns."""
    page, descriptor = wakes.mapped(), wakes.descriptor
    took_ns: list[int] = []

    async def consume() -> None:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            os.eventfd_read(descriptor)
            woken.set_result(None)

        loop.add_reader(descriptor, wake)
        pipe.send("ready")
        number = -1
        while number < pings - 1:
            await woken
            woken = loop.create_future()
            number, sent_ns = STAMP.unpack_from(page)
            took_ns.append(stamp_ns() - sent_ns)

    asyncio.run(consume())
    pipe.send(took_ns)
    pipe.recv()

"""Reading and following an engine of another process, beside what is made by hand for it."""

import os
from collections import deque
from functools import cache
from itertools import repeat
from multiprocessing.shared_memory import SharedMemory
from queue import Empty, SimpleQueue
from struct import Struct

import numpy as np

import pricecore

from . import suite
from .loops import ready
from .measured import SYMBOL, SYMBOLS, columns
from .sharing_loops import ROWS

SLOT = Struct("<ddqd")  # price, volume, time, change
PRICE = Struct("<d")
OFFSETS = {symbol: i * SLOT.size for i, symbol in enumerate(SYMBOLS)}
RECORDS = deque(maxlen=4 * ROWS)
NOTHING: SimpleQueue[bytes] = SimpleQueue()


@cache
def block() -> SharedMemory:
    made = SharedMemory(create=True, size=SLOT.size * len(SYMBOLS))
    made.unlink()  # the mapping stays; nothing is left behind
    return made


@cache
def pipe() -> tuple[int, int]:
    """Return a pipe's ends; neither blocks."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


@cache
def records() -> list[np.void]:
    return list(np.zeros(ROWS, pricecore.RECORD_DTYPE))


class ViewPrice(suite.Suite):
    """Read another process's price; by hand nothing guards against a torn one."""

    ours = "view_price"

    def time_engine(self):
        ready("price")(self.operations)

    def time_shared_memory(self):
        unpack, offsets, memory = PRICE.unpack_from, OFFSETS, block().buf
        for _ in repeat(None, self.operations):
            unpack(memory, offsets[SYMBOL])[0]


class ViewGet(suite.Suite):
    """Read another process's record; by hand nothing guards against a torn one."""

    ours = "view_get"

    def time_engine(self):
        ready("get")(self.operations)

    def time_shared_memory(self):
        unpack, offsets, memory = SLOT.unpack_from, OFFSETS, block().buf
        for _ in repeat(None, self.operations):
            unpack(memory, offsets[SYMBOL])


class PollAll(suite.Suite):
    """Take 64 records that are there; a rival's are handed over first."""

    ours = "poll_all_64"

    def time_pipe(self):
        reading, writing = pipe()
        sent = bytes(ROWS * pricecore.RECORD_DTYPE.itemsize)
        for _ in repeat(None, self.operations):
            os.write(writing, sent)
            np.frombuffer(os.read(reading, len(sent)), pricecore.RECORD_DTYPE)

    def time_deque(self):
        extend, popleft = RECORDS.extend, RECORDS.popleft
        for _ in repeat(None, self.operations):
            extend(records())
            [popleft() for _ in repeat(None, ROWS)]


class PollConflate(suite.Suite):
    """Update 64 symbols and take the news of each."""

    ours = "poll_conflate_64"

    def time_dict(self):
        _, prices, volumes = columns(ROWS)
        for _ in repeat(None, self.operations):
            changed = dict(zip(SYMBOLS, zip(prices.tolist(), volumes.tolist(), strict=True), strict=True))
            list(changed.items())


class PollEmpty(suite.Suite):
    """Ask for records where there are none."""

    ours = "poll_empty"

    def time_simple_queue(self):
        get = NOTHING.get_nowait
        for _ in repeat(None, self.operations):
            try:  # noqa: SIM105 - suppress() takes longer than the call
                get()
            except Empty:
                pass

    def time_pipe(self):
        reading, _ = pipe()
        for _ in repeat(None, self.operations):
            try:  # noqa: SIM105
                os.read(reading, 4_096)
            except BlockingIOError:
                pass

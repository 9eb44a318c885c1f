"""Each structure beside what the standard library has for the work."""

import queue
from collections import OrderedDict, deque
from functools import cache
from itertools import count, cycle, islice, repeat
from threading import Lock

import numpy as np

import pricecore

from . import suite
from .loops import ready
from .measured import SYMBOLS
from .messages import TEMPLATES

TRADE = TEMPLATES["binance_trade"]
RECORD = bytes(64)
NUMBERS = count()
LOCK = Lock()
WINDOW: deque[int] = deque(maxlen=10_000)
FREE = [bytearray(1_024)]
FIFO: queue.Queue[bytes] = queue.Queue(1_024)
SIMPLE: queue.SimpleQueue[bytes] = queue.SimpleQueue()
PLAIN = dict.fromkeys(SYMBOLS, 1.0)
ORDERED = OrderedDict(PLAIN)
NAMES = cycle(SYMBOLS)
DOUBLE: deque[bytes | np.void] = deque(maxlen=1_024)


class CounterAdd(suite.Suite):
    ours = "counter_add"
    total = 0

    def time_itertools_count(self):
        numbers = NUMBERS
        for _ in repeat(None, self.operations):
            next(numbers)

    def time_int_and_lock(self):
        lock = LOCK
        for _ in repeat(None, self.operations):
            with lock:
                self.total += 1


class LatencyRecord(suite.Suite):
    ours = "latency_record"

    def time_deque(self):
        append = WINDOW.append
        for _ in repeat(None, self.operations):
            append(750)


class PoolCycle(suite.Suite):
    """Take a buffer of 1 KiB, write one message into it, let it go."""

    ours = "pool_cycle"

    def time_fresh_bytearray(self):
        size = len(TRADE)
        for _ in repeat(None, self.operations):
            buffer = bytearray(1_024)
            buffer[:size] = TRADE

    def time_list_of_bytearrays(self):
        free, size = FREE, len(TRADE)
        for _ in repeat(None, self.operations):
            buffer = free.pop()
            buffer[:size] = TRADE
            free.append(buffer)


class CacheGet(suite.Suite):
    """A hit, of entries that do not expire."""

    ours = "cache_get"

    def time_ordered_dict_and_lock(self):
        lock, entries = LOCK, ORDERED
        for symbol in islice(NAMES, self.operations):
            with lock:
                if symbol in entries:
                    entries.move_to_end(symbol)
                    entries[symbol]

    def time_dict(self):
        entries = PLAIN
        for symbol in islice(NAMES, self.operations):
            entries.get(symbol)


class QueuePushPop(suite.Suite):
    ours = "queue_push_pop"

    def time_queue(self):
        put, get = FIFO.put_nowait, FIFO.get_nowait
        for _ in repeat(None, self.operations):
            put(RECORD)
            get()

    def time_simple_queue(self):
        put, get = SIMPLE.put_nowait, SIMPLE.get_nowait
        for _ in repeat(None, self.operations):
            put(RECORD)
            get()

    def time_deque(self):
        append, popleft = DOUBLE.append, DOUBLE.popleft
        for _ in repeat(None, self.operations):
            append(RECORD)
            popleft()


class QueueBatch(suite.Suite):
    """16 records in, 16 out, for 1,600 records a run."""

    ours = "queue_batch_16"
    operations = 1_600

    def time_pricecore(self):
        ready("queue_batch_16")(self.operations // 16)

    def time_deque(self):
        extend, popleft = DOUBLE.extend, DOUBLE.popleft
        for _ in repeat(None, self.operations // 16):
            extend(records())
            for _ in repeat(None, 16):
                popleft()


@cache
def records() -> list[np.void]:
    return list(np.zeros(16, pricecore.RECORD_DTYPE))

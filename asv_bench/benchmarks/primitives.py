"""Each structure beside what the standard library has for the work: `operations` calls a run, ours first."""

import queue
from collections import deque
from functools import cache
from itertools import count, repeat
from threading import Lock

import numpy as np

import pricecore

from .loops import TRADE, ready

RECORD = bytes(64)
NUMBERS = count()
LOCK = Lock()
WINDOW: deque[int] = deque(maxlen=10_000)
FREE = [bytearray(1_024)]
FIFO: queue.Queue[bytes] = queue.Queue(1_024)
SIMPLE: queue.SimpleQueue[bytes] = queue.SimpleQueue()
DOUBLE: deque[bytes | np.void] = deque(maxlen=1_024)


class CounterAdd:
    operations = 1_000
    total = 0

    def time_atomic_counter(self):
        ready("counter_add")(self.operations)

    def time_itertools_count(self):
        numbers = NUMBERS
        for _ in repeat(None, self.operations):
            next(numbers)

    def time_int_and_lock(self):
        lock = LOCK
        for _ in repeat(None, self.operations):
            with lock:
                self.total += 1


class LatencyRecord:
    operations = 1_000

    def time_latency_buffer(self):
        ready("latency_record")(self.operations)

    def time_deque(self):
        append = WINDOW.append
        for _ in repeat(None, self.operations):
            append(750)


class PoolCycle:
    """Take a buffer of 1 KiB, write one message into it, let it go."""

    operations = 1_000

    def time_buffer_pool(self):
        ready("pool_cycle")(self.operations)

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


class QueuePushPop:
    operations = 1_000

    def time_update_queue(self):
        ready("queue_push_pop")(self.operations)

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


class QueueBatch:
    """64 records in, 64 out, for 6,400 records a run."""

    operations = 6_400

    def time_update_queue(self):
        ready("queue_batch_64")(self.operations // 64)

    def time_deque(self):
        extend, popleft = DOUBLE.extend, DOUBLE.popleft
        for _ in repeat(None, self.operations // 64):
            extend(records())
            for _ in repeat(None, 64):
                popleft()


@cache
def records() -> list[np.void]:
    return list(np.zeros(64, pricecore.RECORD_DTYPE))

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


class CounterAdd:
    operations = 1_000
    numbers = count()
    lock = Lock()
    total = 0

    def time_atomic_counter(self):
        ready("counter_add")(self.operations)

    def time_itertools_count(self):
        numbers = self.numbers
        for _ in repeat(None, self.operations):
            next(numbers)

    def time_int_and_lock(self):
        lock = self.lock
        for _ in repeat(None, self.operations):
            with lock:
                self.total += 1


class LatencyRecord:
    operations = 1_000
    window: deque[int] = deque(maxlen=10_000)

    def time_latency_buffer(self):
        ready("latency_record")(self.operations)

    def time_deque(self):
        append = self.window.append
        for _ in repeat(None, self.operations):
            append(750)


class PoolCycle:
    """Take a buffer of 1 KiB, write one message into it, let it go."""

    operations = 1_000
    free: list[bytearray] = [bytearray(1_024)]

    def time_buffer_pool(self):
        ready("pool_cycle")(self.operations)

    def time_fresh_bytearray(self):
        size = len(TRADE)
        for _ in repeat(None, self.operations):
            buffer = bytearray(1_024)
            buffer[:size] = TRADE

    def time_list_of_bytearrays(self):
        free, size = self.free, len(TRADE)
        for _ in repeat(None, self.operations):
            buffer = free.pop()
            buffer[:size] = TRADE
            free.append(buffer)


class QueuePushPop:
    operations = 1_000
    fifo: queue.Queue[bytes] = queue.Queue(1_024)
    simple: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    double: deque[bytes] = deque(maxlen=1_024)

    def time_update_queue(self):
        ready("queue_push_pop")(self.operations)

    def time_queue(self):
        put, get = self.fifo.put_nowait, self.fifo.get_nowait
        for _ in repeat(None, self.operations):
            put(RECORD)
            get()

    def time_simple_queue(self):
        put, get = self.simple.put_nowait, self.simple.get_nowait
        for _ in repeat(None, self.operations):
            put(RECORD)
            get()

    def time_deque(self):
        append, popleft = self.double.append, self.double.popleft
        for _ in repeat(None, self.operations):
            append(RECORD)
            popleft()


class QueueBatch:
    """64 records in, 64 out, for 6,400 records a run."""

    operations = 6_400
    double: deque[np.void] = deque(maxlen=1_024)

    def time_update_queue(self):
        ready("queue_batch_64")(self.operations // 64)

    def time_deque(self):
        extend, popleft = self.double.extend, self.double.popleft
        for _ in repeat(None, self.operations // 64):
            extend(records())
            for _ in repeat(None, 64):
                popleft()


@cache
def records() -> list[np.void]:
    return list(np.zeros(64, pricecore.RECORD_DTYPE))

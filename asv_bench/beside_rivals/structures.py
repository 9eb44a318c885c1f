"""Each structure beside what does its work elsewhere."""

import argparse
from collections import deque
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import repeat
from queue import SimpleQueue

import numpy as np
from across_processes.report import Row

import pricecore

from .rounds import OPERATIONS, Body, medians

RECORD_LIMIT = 2.0
ADD_LIMIT = 1.1
POOL_LIMIT = 1.2
QUEUE_LIMIT = 0.3
BATCH = 64
PAYLOAD = bytes(100)


def empty() -> None:
    for _ in repeat(None, OPERATIONS):
        pass


def calls(call: Callable[[], object]) -> Body:
    def body() -> None:
        for _ in repeat(None, OPERATIONS):
            call()

    return body


def calls_with(call: Callable[[int], object], value: int) -> Body:
    def body() -> None:
        for _ in repeat(None, OPERATIONS):
            call(value)

    return body


def copies() -> None:
    for _ in repeat(None, OPERATIONS):
        bytearray(PAYLOAD)


def pool_cycles() -> Body:
    acquire = pricecore.BufferPool(512, 1_024).acquire

    def body() -> None:
        for _ in repeat(None, OPERATIONS):
            buffer = acquire()
            buffer.extend(PAYLOAD)
            buffer.release()

    return body


def through_simple_queue() -> Body:
    queue: SimpleQueue[bytes] = SimpleQueue()
    put, get, record = queue.put, queue.get, bytes(64)

    def body() -> None:
        for _ in repeat(None, OPERATIONS):
            put(record)
            get()

    return body


def through_update_queue() -> Body:
    queue = pricecore.UpdateQueue(1_024)
    push, pop, records = queue.try_push_many, queue.try_pop_many, np.zeros(BATCH, pricecore.RECORD_DTYPE)

    def body() -> None:
        for _ in repeat(None, OPERATIONS // BATCH):
            push(records)
            pop(BATCH)

    return body


def foreign_counter() -> dict[str, Body]:
    """The counter of ft_utils, where it is installed."""
    try:
        counter = import_module("ft_utils.concurrency").AtomicInt64(0)
    except ImportError:
        return {}
    return {"foreign add": calls(counter.incr)}


def rows(args: argparse.Namespace) -> Iterator[Row]:
    bodies = {
        "loop": empty,
        "record": calls_with(pricecore.LatencyBuffer(10_000).record, 750),
        "append": calls_with(deque(maxlen=10_000).append, 750),
        "add": calls(pricecore.AtomicCounter().add),
        **foreign_counter(),
        "pool": pool_cycles(),
        "copy": copies,
        "queue": through_update_queue(),
        "simple queue": through_simple_queue(),
    }
    times = medians(bodies, 10 if args.quick else 100, without=("queue",))  # its loop goes round once in 64 items
    append, copy, put_get = "deque(maxlen=10_000).append", "bytearray(payload)", "SimpleQueue, an item"
    yield Row("LatencyBuffer.record", "ns", times["record"], append, times["append"], RECORD_LIMIT)
    if "foreign add" in times:
        yield Row("AtomicCounter.add", "ns", times["add"], "ft_utils AtomicInt64.incr", times["foreign add"], ADD_LIMIT)
    yield Row("BufferPool: acquire, 100 bytes, release", "ns", times["pool"], copy, times["copy"], POOL_LIMIT)
    yield Row(
        "UpdateQueue: push and pop, 64 at once", "ns", times["queue"], put_get, times["simple queue"], QUEUE_LIMIT
    )

"""The loops over the structures that stand alone: counter, latency buffer, pool, queue."""

from itertools import repeat

import numpy as np

import pricecore

from .measured import Loop, measured


@measured()
def counter_add() -> Loop:
    call = pricecore.AtomicCounter().add

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call()

    return loop


@measured()
def latency_record() -> Loop:
    call = pricecore.LatencyBuffer(10_000).record

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            call(750)

    return loop


@measured()
def pool_cycle() -> Loop:
    """Acquire, extend by one message, release."""
    acquire = pricecore.BufferPool(512, 1_024).acquire
    message = bytes(180)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            buffer = acquire()
            buffer.extend(message)
            buffer.release()

    return loop


@measured()
def pool_cycle_100() -> Loop:
    """As pool_cycle, with 100 bytes."""
    acquire = pricecore.BufferPool(512, 1_024).acquire
    message = bytes(100)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            buffer = acquire()
            buffer.extend(message)
            buffer.release()

    return loop


@measured()
def queue_push_pop() -> Loop:
    queue = pricecore.UpdateQueue(1_024)
    push, pop = queue.try_push, queue.try_pop
    record = bytes(64)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            push(record)
            pop()

    return loop


def queue_batches(size: int) -> Loop:
    queue = pricecore.UpdateQueue(1_024)
    push, pop = queue.try_push_many, queue.try_pop_many
    records = np.zeros(size, pricecore.RECORD_DTYPE)

    def loop(n: int) -> None:
        for _ in repeat(None, n):
            push(records)
            pop(size)

    return loop


@measured(calls=100, rows=16)
def queue_batch_16() -> Loop:
    return queue_batches(16)


@measured(calls=100, rows=64)
def queue_batch_64() -> Loop:
    return queue_batches(64)

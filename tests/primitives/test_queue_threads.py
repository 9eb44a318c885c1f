"""UpdateQueue between threads: nothing lost, nothing twice, order kept, and a close that is exact.

Each stress test names its outcomes: what is not listed as ACCEPTABLE is FORBIDDEN and fails.
"""

import time

import numpy as np
import pytest
from helpers.threads import run_threads

from pricecore.dtypes import RECORD_DTYPE
from pricecore.errors import QueueClosedError
from pricecore.primitives.counter import AtomicCounter
from pricecore.primitives.queue import UpdateQueue

pytestmark = pytest.mark.stress

PRODUCERS = CONSUMERS = 4
BATCH = 200  # copied without the GIL, so batches overlap


def batches_of(producer, count):
    """`count` batches of records: producer, running number, and a check value from both."""
    for batch in range(count):
        records = np.zeros(BATCH, RECORD_DTYPE)
        records["symbol_id"] = producer
        records["sequence"] = np.arange(batch * BATCH, (batch + 1) * BATCH)
        records["price"] = records["sequence"] * 8.0 + producer
        yield records


def push_all(queue, records):
    """Push a batch, bit by bit; return how many went in before the queue was closed."""
    done = 0
    try:
        while done < len(records):
            pushed = queue.try_push_many(records[done:])
            done += pushed
            if not pushed:
                time.sleep(0)
    except QueueClosedError:
        pass
    return done


def pop_until_closed(queue):
    popped = []
    try:
        while True:
            popped.append(queue.try_pop_many(BATCH))
            if not len(popped[-1]):
                time.sleep(0)
    except QueueClosedError:
        return np.concatenate(popped) if popped else np.empty(0, RECORD_DTYPE)


def run_batches(queue, batches, close_after=None):
    """Let producers push their batches and consumers pop; return (pushed per producer, popped per consumer)."""
    finished = []

    def body(index):
        if index >= PRODUCERS:
            return pop_until_closed(queue)
        pushed = 0
        for records in batches_of(index, batches):
            if close_after is not None and index == 0 and pushed >= close_after:
                queue.close()
            pushed += push_all(queue, records)
        finished.append(index)
        if len(finished) == PRODUCERS:
            queue.close()
        return pushed

    results = run_threads(PRODUCERS + CONSUMERS, body)
    return results[:PRODUCERS], results[PRODUCERS:]


def assert_exactly_once_in_order(pushed, popped):
    """ACCEPTABLE: each consumer sees a subset of each producer's numbers, ascending; together all of them, once.

    FORBIDDEN: a torn record, a number lost, a number twice, an older number after a newer one.
    """
    for records in popped:
        assert np.array_equal(records["price"], records["sequence"] * 8.0 + records["symbol_id"])
        for producer in range(PRODUCERS):
            own = records["sequence"][records["symbol_id"] == producer].astype(np.int64)
            assert (np.diff(own) > 0).all()
    everything = np.concatenate(popped)
    for producer in range(PRODUCERS):
        own = np.sort(everything["sequence"][everything["symbol_id"] == producer])
        assert np.array_equal(own, np.arange(pushed[producer]))


@pytest.mark.parametrize("capacity", [32, 256, 1_024])
def test_batches_of_four_producers_reach_four_consumers_exactly_once(capacity):
    queue = UpdateQueue(capacity)
    pushed, popped = run_batches(queue, batches=30)
    assert pushed == [30 * BATCH] * PRODUCERS
    assert_exactly_once_in_order(pushed, popped)
    queue._check()


@pytest.mark.parametrize("close_after", [0, 400, 3_000])
def test_every_record_pushed_before_a_close_in_full_run_is_popped_and_no_other(close_after):
    queue = UpdateQueue(256)
    pushed, popped = run_batches(queue, batches=50, close_after=close_after)
    assert sum(pushed) < 50 * BATCH * PRODUCERS
    assert_exactly_once_in_order(pushed, popped)
    assert len(queue) == 0
    queue._check()


@pytest.mark.parametrize("capacity", [2, 8, 4_096])
def test_single_records_without_the_gil_reach_four_consumers_exactly_once(native, capacity):
    queue = UpdateQueue(capacity)
    count = 100_000
    finished = []

    def body(index):
        if index >= PRODUCERS:
            return native.pop_numbered(queue, PRODUCERS)
        pushed = native.push_numbered(queue, index, count)
        finished.append(index)
        if len(finished) == PRODUCERS:
            queue.close()
        return pushed

    results = run_threads(PRODUCERS + CONSUMERS, body)
    assert results[:PRODUCERS] == [count] * PRODUCERS
    counts, torn, disordered = zip(*results[PRODUCERS:], strict=True)
    assert np.sum(counts, axis=0).tolist() == [count] * PRODUCERS
    assert (sum(torn), sum(disordered)) == (0, 0)
    queue._check()


def test_a_close_between_single_pushes_loses_and_invents_nothing(native):
    for _ in range(30):
        queue = UpdateQueue(64)

        def body(index, queue=queue):
            if index == 0:
                time.sleep(0.001)  # let some records through first
                return queue.close()
            if index <= 2:
                return native.push_numbered(queue, index - 1, 10**9)
            return native.pop_numbered(queue, 2)

        _, *pushed, popped = run_threads(4, body)
        assert (popped[0], popped[1:]) == (pushed, (0, 0))


def race(native, popping, supply, rounds=30_000):
    """Outcomes of two single calls at once, with `supply` records or free cells between them."""
    queue, gate = UpdateQueue(2), AtomicCounter()
    if supply == 1 and not popping:
        queue.try_push(bytes(64))
    first, second = run_threads(2, lambda i: native.race_single(queue, gate, popping, i == 0, supply, rounds))
    return set(zip(first, second, strict=True))


@pytest.mark.parametrize("popping", [True, False], ids=["pop", "push"])
def test_the_last_one_goes_to_one_of_two(native, popping):
    """ACCEPTABLE: one gets it, the other is told empty (full). FORBIDDEN: both get it, none gets it."""
    assert race(native, popping, supply=1) <= {(1, 0), (0, 1)}


@pytest.mark.parametrize("popping", [True, False], ids=["pop", "push"])
def test_with_enough_for_both_neither_is_turned_away(native, popping):
    """ACCEPTABLE: both get one. FORBIDDEN: one is told empty (full) because the other was faster."""
    assert race(native, popping, supply=2) == {(1, 1)}


def test_a_batch_racing_with_close_is_popped_whole_or_refused_whole(native):
    """ACCEPTABLE: 32 pushed and 32 popped; closed and none popped. FORBIDDEN: drained before a push in flight is."""
    queues, gate = [UpdateQueue(32) for _ in range(10_000)], AtomicCounter()
    pushed, popped = run_threads(2, lambda index: native.race_with_close(queues, gate, index == 1))
    assert set(zip(pushed, popped, strict=True)) <= {(32, 32), (-1, 0)}


def test_a_push_stopped_in_mid_copy_looks_empty_even_when_closed_and_is_popped_in_the_end(native):
    queue = UpdateQueue(4)
    position = native.begin_push(queue)
    assert queue.try_push(bytes([1]) * 64)  # the next cell is free: producers go on
    for _ in range(2):
        assert queue.try_pop() is None
        assert queue.try_pop_many(4).shape == (0,)
        assert len(queue) == 2
        queue.close()  # what is in flight counts: no QueueClosedError in the second round either
    native.end_push(queue, position)
    assert [record.tobytes()[0] for record in queue.try_pop_many(4)] == [0, 1]
    with pytest.raises(QueueClosedError):
        queue.try_pop()


def test_a_pop_stopped_in_mid_copy_looks_full_and_its_cell_is_not_overwritten(native):
    queue = UpdateQueue(2)
    assert queue.try_push_many(bytes(128)) == 2
    position = native.begin_pop(queue)
    assert queue.try_pop() is not None  # consumers go on
    assert not queue.try_push(bytes(64))
    assert queue.try_push_many(bytes(128)) == 0
    native.end_pop(queue, position)
    assert queue.try_push_many(bytes(128)) == 2
    queue._check()

"""UpdateQueue used by one thread: against a deque, over many laps, with every kind of bad argument."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.queue_model import ModelClosedError, QueueModel

from pricecore.dtypes import QUOTE_DTYPE, RECORD_DTYPE
from pricecore.errors import QueueClosedError
from pricecore.primitives.queue import UpdateQueue


def numbered(first, count=1):
    """Records that carry the numbers from `first` on, in their first and in their last field."""
    records = np.zeros(count, RECORD_DTYPE)
    records["sequence"] = range(first, first + count)
    records["reserved"] = records["sequence"]
    return records


def numbers(records):
    assert np.array_equal(records["sequence"], records["reserved"])
    return records["sequence"].tolist()


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.just(0)),
        st.tuples(st.just("pop"), st.just(0)),
        st.tuples(st.just("push_many"), st.integers(0, 12)),
        st.tuples(st.just("pop_many"), st.integers(1, 12)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=60,
)


def outcome(call, *arguments):
    try:
        return call(*arguments)
    except (ModelClosedError, QueueClosedError):
        return "closed"


def popped_number(queue):
    record = queue.try_pop()
    return None if record is None else int(record["sequence"])


def outcomes(queue, model, name, first, count):
    """Do one operation on both; records are numbered from `first` on."""
    if name == "push":
        return outcome(queue.try_push, numbered(first)[0]), outcome(model.try_push, first)
    if name == "pop":
        return outcome(popped_number, queue), outcome(model.try_pop)
    if name == "push_many":
        items = list(range(first, first + count))
        return outcome(queue.try_push_many, numbered(first, count)), outcome(model.try_push_many, items)
    if name == "pop_many":
        return outcome(lambda: numbers(queue.try_pop_many(count))), outcome(model.try_pop_many, count)
    return outcome(queue.close), outcome(model.close)


@given(capacity=st.integers(1, 9), operations=OPERATIONS)
def test_any_sequence_of_operations_does_what_a_deque_would(capacity, operations):
    queue, model = UpdateQueue(capacity), QueueModel(capacity)
    for step, (name, count) in enumerate(operations):
        ours, expected = outcomes(queue, model, name, 100 * step, count)
        assert ours == expected, name
        assert (len(queue), queue.closed) == (len(model.items), model.closed)
        queue._check()


@pytest.mark.parametrize("capacity", [2, 4, 256])
def test_order_is_kept_over_many_laps_in_batches_that_straddle_the_end(capacity):
    queue = UpdateQueue(capacity)
    pushed = popped = 0
    for size in [1, capacity, capacity - 1, 2, capacity] * 20:
        pushed += queue.try_push_many(numbered(pushed, size))
        got = numbers(queue.try_pop_many(max(1, size - 1)))
        assert got == list(range(popped, popped + len(got)))
        popped += len(got)
        queue._check()
    assert pushed - popped == len(queue)
    assert popped > 10 * capacity


@pytest.mark.parametrize(("asked", "given_"), [(1, 2), (2, 2), (3, 4), (1_000, 1_024), (1_024, 1_024)])
def test_capacity_rounds_up_to_a_power_of_two(asked, given_):
    queue = UpdateQueue(asked)
    assert queue.capacity == given_
    assert queue.try_push_many(numbered(0, 2 * given_)) == given_
    assert not queue.try_push(bytes(64))


@pytest.mark.parametrize("capacity", [0, -1, 2**26 + 1, 10**30])
def test_a_capacity_out_of_range_is_refused_by_name_and_number(capacity):
    with pytest.raises(ValueError, match=f"capacity must be from 1 to 67,108,864 records, got {capacity}"):
        UpdateQueue(capacity)


@pytest.mark.parametrize("capacity", [2.0, "8", None])
def test_a_capacity_that_is_no_integer_is_a_type_error(capacity):
    with pytest.raises(TypeError, match="integer"):
        UpdateQueue(capacity)


@pytest.mark.parametrize(
    "record",
    [
        bytes(range(64)),
        bytearray(range(64)),
        memoryview(bytes(range(-1 % 256, 256)) + bytes(range(64)))[1:],
        np.frombuffer(bytes(range(64)), RECORD_DTYPE)[0],
        np.frombuffer(bytes(range(64)), QUOTE_DTYPE)[0],
        np.frombuffer(bytes(range(64)), "V64")[0],
        np.frombuffer(bytes(range(64)), RECORD_DTYPE).reshape(()),
        np.frombuffer(bytes(range(64)), RECORD_DTYPE),
    ],
    ids=["bytes", "bytearray", "unaligned", "record", "quote", "void", "0-d", "1-d"],
)
def test_sixty_four_bytes_of_any_make_come_out_as_the_same_record(record):
    queue = UpdateQueue(2)
    assert queue.try_push(record)
    assert queue.try_push_many(record) == 1
    assert queue.try_pop().tobytes() == bytes(range(64))
    assert queue.try_pop_many(2).tobytes() == bytes(range(64))


def test_a_popped_record_and_a_popped_batch_own_their_bytes():
    queue = UpdateQueue(2)
    source = numbered(7, 2)
    queue.try_push_many(source)
    record, batch = queue.try_pop(), queue.try_pop_many(9)
    source[:] = 0
    queue.try_push_many(numbered(100, 2))
    assert (record["sequence"], numbers(batch)) == (7, [8])
    assert batch.dtype == record.dtype == RECORD_DTYPE
    batch["price"] = 1.5
    assert numbers(queue.try_pop_many(9)) == [100, 101]


@pytest.mark.parametrize(
    ("record", "error", "message"),
    [
        (bytes(63), ValueError, "a record has 64 bytes, got 63"),
        (bytearray(65), ValueError, "a record has 64 bytes, got 65"),
        (np.zeros(2, RECORD_DTYPE), ValueError, "a record has 64 bytes, got 128"),
        (np.zeros(1, "V32")[0], ValueError, "a record has 64 bytes, got 32"),
        (np.empty(8, object), TypeError, "holds Python objects"),
        (np.zeros(1, [("a", object), ("b", "V56")])[0], TypeError, "holds Python objects"),
        ("x" * 64, TypeError, "bytes-like"),
        (None, TypeError, "bytes-like"),
        (1.5, TypeError, "bytes-like"),
    ],
)
def test_what_is_no_record_is_refused_and_nothing_is_pushed(record, error, message):
    queue = UpdateQueue(2)
    with pytest.raises(error, match=message):
        queue.try_push(record)
    assert len(queue) == 0


@pytest.mark.parametrize(
    ("records", "error", "message"),
    [
        (bytes(65), ValueError, "64 bytes each, got 65 bytes"),
        (numbered(0, 4)[::2], ValueError, "contiguous"),
        (np.zeros(3, "f8"), ValueError, "64 bytes each, got 24 bytes"),
        (memoryview(bytes(256))[::2], BufferError, "contiguous"),
        ([1, 2], TypeError, "bytes-like"),
    ],
)
def test_what_is_no_batch_is_refused_and_nothing_is_pushed(records, error, message):
    queue = UpdateQueue(4)
    with pytest.raises(error, match=message):
        queue.try_push_many(records)
    assert len(queue) == 0


def test_a_refused_record_leaves_no_view_of_the_callers_buffer_behind():
    short, queue = bytearray(63), UpdateQueue(2)
    for push in (queue.try_push, queue.try_push_many):
        with pytest.raises(ValueError, match="64 bytes"):
            push(short)
    short.extend(b"x")  # BufferError if a view were alive
    assert queue.try_push(short)
    short.extend(b"x")


@pytest.mark.parametrize("max_items", [0, -1, -(2**70)])
def test_popping_fewer_than_one_is_refused(max_items):
    with pytest.raises(ValueError, match=f"max_items must be at least 1, got {max_items}"):
        UpdateQueue(2).try_pop_many(max_items)


def test_popping_more_than_any_queue_holds_gives_what_there_is():
    queue = UpdateQueue(2)
    queue.try_push_many(numbered(1, 2))
    assert numbers(queue.try_pop_many(2**70)) == [1, 2]


def test_an_empty_queue_pops_none_and_an_empty_array():
    queue = UpdateQueue(2)
    assert queue.try_pop() is None
    assert queue.try_pop_many(5).shape == (0,)


def test_after_close_what_is_inside_is_popped_and_then_every_call_raises():
    queue = UpdateQueue(4)
    queue.try_push_many(numbered(1, 3))
    queue.close()
    queue.close()
    assert queue.closed
    for push in (lambda: queue.try_push(bytes(64)), lambda: queue.try_push_many(b"")):
        with pytest.raises(QueueClosedError, match="nothing can be pushed"):
            push()
    assert queue.try_pop()["sequence"] == 1
    assert numbers(queue.try_pop_many(9)) == [2, 3]
    for pop in (queue.try_pop, lambda: queue.try_pop_many(1)):
        with pytest.raises(QueueClosedError, match="nothing is left to pop"):
            pop()


def test_a_full_queue_that_is_closed_says_closed_not_full():
    queue = UpdateQueue(2)
    queue.try_push_many(numbered(1, 2))
    queue.close()
    with pytest.raises(QueueClosedError):
        queue.try_push(bytes(64))


def test_repr_shows_how_full_it_is():
    queue = UpdateQueue(2)
    queue.try_push(bytes(64))
    queue.close()
    assert repr(queue) == "<UpdateQueue of 1 of 2 records, closed>"


def test_a_queue_does_not_pickle():
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(UpdateQueue(2))


def test_dtypes_are_the_64_byte_records_of_the_format():
    assert RECORD_DTYPE.itemsize == QUOTE_DTYPE.itemsize == 64
    assert [RECORD_DTYPE.fields[name][1] for name in RECORD_DTYPE.names] == [0, 8, 12, 14, 16, 24, 32, 40, 48, 56]
    assert RECORD_DTYPE.names[:6] == QUOTE_DTYPE.names[:6]
    assert QUOTE_DTYPE.names[6:] == ("bid", "ask", "bid_size", "ask_size")

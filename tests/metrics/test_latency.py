"""LatencyBuffer: the last `capacity` latencies, from any thread."""

import enum
import sys
from collections import Counter

import numpy as np
import pytest
from helpers.threads import run_threads
from hypothesis import given, settings
from hypothesis import strategies as st
from models.latency import Window, summary

from pricecore.metrics.latency import LatencyBuffer

MAX_NS = 2**63 - 1


def filled(capacity: int, *latencies_ns: int) -> LatencyBuffer:
    buffer = LatencyBuffer(capacity)
    for latency_ns in latencies_ns:
        buffer.record(latency_ns)
    return buffer


def test_default_capacity_is_ten_thousand():
    assert LatencyBuffer().capacity == 10_000


def test_new_buffer_is_empty():
    buffer = LatencyBuffer(5)
    assert len(buffer) == 0
    assert buffer.samples().tolist() == []
    assert set(buffer.stats()) == {0}


def test_samples_come_oldest_first():
    assert filled(5, 9, 3, 7).samples().tolist() == [9, 3, 7]


def test_full_buffer_forgets_its_oldest_sample():
    assert filled(3, 1, 2, 3, 4, 5).samples().tolist() == [3, 4, 5]


def test_buffer_of_one_keeps_the_last_sample():
    buffer = filled(1, 5, 6)
    assert buffer.samples().tolist() == [6]
    assert buffer.stats().p50_us == 0.006


@pytest.mark.parametrize("capacity", [2, 3, 7, 1_000])
def test_capacity_is_exact(capacity):
    buffer = filled(capacity, *range(3 * capacity + 1))
    assert len(buffer) == capacity
    assert buffer.samples().tolist() == list(range(2 * capacity + 1, 3 * capacity + 1))


def test_stats_are_in_microseconds():
    stats = filled(10, 1_000, 2_500, 4_000).stats()
    assert (stats.min_us, stats.p50_us, stats.max_us, stats.mean_us) == (1.0, 2.5, 4.0, 2.5)
    assert stats.sample_count == 3


def test_stats_leave_the_samples_alone():
    buffer = filled(100, *range(100, 0, -1))
    before = buffer.samples().tolist()
    buffer.stats()
    assert buffer.samples().tolist() == before


def test_samples_are_a_copy():
    buffer = filled(3, 1, 2)
    buffer.samples()[:] = 0
    assert buffer.samples().tolist() == [1, 2]
    assert buffer.samples().dtype == np.int64


def test_reset_forgets_all_samples():
    buffer = filled(3, 1, 2, 3, 4)
    buffer.reset()
    assert (len(buffer), buffer.samples().tolist(), buffer.stats().sample_count) == (0, [], 0)
    buffer.record(8)
    assert buffer.samples().tolist() == [8]


class Small(enum.IntEnum):
    FIVE = 5


@pytest.mark.parametrize("value", [5, np.int64(5), np.uint8(5), Small.FIVE, np.array(5)])
def test_every_kind_of_integer_is_taken(value):
    assert filled(3, value).samples().tolist() == [5]


@pytest.mark.parametrize("value", [1.5, 1.0, "5", None, b"5", np.float64(3), 2j])
def test_what_is_not_an_integer_is_refused_and_ns_named(value):
    buffer = LatencyBuffer(3)
    with pytest.raises(TypeError, match=r"nanoseconds \(ns\), not " + type(value).__name__):
        buffer.record(value)
    assert len(buffer) == 0


@pytest.mark.parametrize("value", [-1, -(2**63), 2**63, 2**64, 2**200, np.uint64(2**63), -(10**30)])
def test_latency_out_of_range_is_refused_and_named(value):
    buffer = LatencyBuffer(3)
    with pytest.raises(ValueError, match=f"latency_ns is {value}: must be 0 to"):
        buffer.record(value)
    assert len(buffer) == 0


@pytest.mark.parametrize("value", [0, 1, MAX_NS])
def test_both_ends_of_the_range_are_taken(value):
    assert filled(3, value).samples().tolist() == [value]


@pytest.mark.parametrize("capacity", [0, -1, 64_000_001, 2**63, 2**100])
def test_capacity_out_of_range_is_refused_and_named(capacity):
    with pytest.raises(ValueError, match=f"capacity is {capacity}: must be 1 to 64,000,000 samples"):
        LatencyBuffer(capacity)


@pytest.mark.parametrize("capacity", [1.5, "3", None])
def test_capacity_must_be_an_integer(capacity):
    with pytest.raises(TypeError):
        LatencyBuffer(capacity)


def test_capacity_cannot_be_changed():
    with pytest.raises(AttributeError):
        LatencyBuffer(3).capacity = 4


def test_repr_says_how_full_it_is():
    assert repr(filled(3, 1, 2)) == "LatencyBuffer(capacity=3): 2 samples"


def test_recording_keeps_no_reference():
    latency_ns = 10**12
    before = sys.getrefcount(latency_ns)
    filled(3, *[latency_ns] * 3)
    assert sys.getrefcount(latency_ns) == before


steps = st.one_of(
    st.tuples(st.just("record"), st.integers(0, MAX_NS), st.just(1)),
    st.tuples(st.just("many"), st.integers(0, 10**6), st.integers(0, 40)),
    st.tuples(st.just("reset"), st.just(0), st.just(0)),
)


@settings(deadline=None)
@given(st.integers(1, 12), st.lists(steps, max_size=60))
def test_any_use_agrees_with_the_model(capacity, script):
    buffer, model = LatencyBuffer(capacity), Window(capacity)
    for verb, latency_ns, n in script:
        if verb == "reset":
            buffer.reset()
            model.reset()
        elif verb == "record":
            buffer.record(latency_ns)
            model.record(latency_ns)
        else:
            buffer._record_many(latency_ns, n)
            model.record(latency_ns, n)
        assert buffer.samples().tolist() == list(model.samples)
        assert len(buffer) == len(model.samples)
    want = summary(list(model.samples))
    assert buffer.stats().p95_us == want["p95_ns"] / 1e3
    assert buffer.stats().max_us == want["max_ns"] / 1e3


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 25, 1_000_000])
def test_many_equal_samples_at_once_are_as_many_single_ones(n):
    buffer, model = filled(10, 1, 2, 3), Window(10)
    for latency_ns, count in ((1, 1), (2, 1), (3, 1), (7, n), (8, 1)):
        model.record(latency_ns, count)
    buffer._record_many(7, n)
    buffer.record(8)
    assert buffer.samples().tolist() == list(model.samples)


def test_no_sample_is_lost_between_threads():
    threads, each = 4, 5_000
    buffer = LatencyBuffer(threads * each)

    def record(index):
        for i in range(each):
            buffer.record(index * each + i)

    run_threads(threads, record)
    assert sorted(buffer.samples().tolist()) == list(range(threads * each))


@pytest.mark.parametrize("capacity", [400_000, 1_000])
def test_writers_without_the_gil_claim_places_of_their_own(capacity):
    threads, each = 4, 100_000
    buffer = LatencyBuffer(capacity)
    run_threads(threads, lambda index: buffer._record_shared(index * each, each))
    assert len(buffer) == capacity
    samples = buffer.samples()
    assert samples.min() >= 0
    assert samples.max() < threads * each
    if capacity == threads * each:
        assert np.array_equal(np.sort(samples), np.arange(capacity))


def test_readers_see_only_recorded_values_while_a_thread_writes_and_another_resets():
    allowed = {10, 2**40 + 10, 2**62 + 10}
    buffer = LatencyBuffer(64)
    seen: Counter[int] = Counter()

    def body(index):
        for i in range(2_000):
            if index == 0:
                buffer._record_many((10, 2**40 + 10, 2**62 + 10)[i % 3], 50)
            elif index == 1:
                seen.update(buffer.samples().tolist())
                assert buffer.stats().sample_count <= 64
            elif i % 100 == 0:
                buffer.reset()

    run_threads(3, body)
    assert set(seen) <= allowed
    assert len(buffer) <= 64

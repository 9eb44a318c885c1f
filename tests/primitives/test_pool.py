"""BufferPool and PooledBuffer: figures against a model, live views, growth, misuse, garbage, shutdown, threads."""

import gc
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from helpers.threads import run_threads
from hypothesis import given
from hypothesis import strategies as st
from models.pool_model import PoolModel

import pricecore
from pricecore.errors import BufferInUseError, BufferReleasedError
from pricecore.primitives.pool import BufferPool, PooledBuffer

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), st.just(0), st.just(b"")),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(b"")),
        st.tuples(st.just("collect"), st.integers(0, 9), st.just(b"")),
        st.tuples(st.just("extend"), st.integers(0, 9), st.binary(max_size=40)),
        st.tuples(st.just("clear"), st.integers(0, 9), st.just(b"")),
        st.tuples(st.just("reset_stats"), st.just(0), st.just(b"")),
    ),
    max_size=60,
)


@given(buffers=st.integers(1, 4), buffer_size=st.integers(1, 20), operations=OPERATIONS)
def test_any_sequence_of_operations_counts_and_holds_what_the_model_does(buffers, buffer_size, operations):
    pool, model = BufferPool(buffers, buffer_size), PoolModel(buffers, buffer_size)
    held = []
    for name, which, data in operations:
        if name == "acquire":
            held.append((pool.acquire(), model.acquire()))
        elif name == "reset_stats":
            pool.reset_stats()
            model.reset_stats()
        elif held:
            ours, expected = held[which % len(held)]
            if name == "extend":
                ours.extend(data)
                expected.extend(data)
            elif name == "clear":
                ours.clear()
                expected.data = b""
            else:
                del held[which % len(held)]
                if name == "release":
                    pool.release(ours)
                model.release(expected)
            del ours
        assert pool.stats() == model.stats(), name
        assert [bytes(ours) for ours, _ in held] == [expected.data for _, expected in held]
        pool._check()


def test_the_default_is_512_buffers_of_1_kib():
    assert (BufferPool().capacity, BufferPool().buffer_size) == (512, 1_024)


def test_an_empty_pool_serves_from_the_heap_and_counts_a_miss():
    pool = BufferPool(1)
    first, second = pool.acquire(), pool.acquire()
    second.extend(b"beyond")
    assert pool.stats()[1:6] == (0, 2, 1, 1, 0)
    assert pool.stats().utilization == 1.0
    second.release()
    first.release()
    assert pool.stats()[1:6] == (1, 0, 1, 1, 0)


@pytest.mark.parametrize(("size", "dropped"), [(16, 0), (64, 0), (65, 1), (1_000_000, 1)])
def test_a_buffer_grown_beyond_four_times_its_size_is_shrunk_and_counted(size, dropped):
    pool = BufferPool(1, 16)
    with pool.acquire() as buffer:
        buffer.extend(b"x" * size)
        assert bytes(buffer) == b"x" * size
    assert pool.stats().dropped == dropped
    assert "room for 16," in repr(pool.acquire())


def test_growing_keeps_what_was_filled_wherever_it_moves():
    pool = BufferPool(1, 8)
    for buffer in (pool.acquire(), pool.acquire()):
        for i in range(200):
            buffer.extend(bytes([i] * 7))
        assert bytes(buffer) == b"".join(bytes([i] * 7) for i in range(200))


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"abc").cast("c")])
def test_extend_takes_whatever_has_bytes(data):
    buffer = BufferPool(1).acquire()
    buffer.extend(data)
    buffer.extend(b"")
    assert (bytes(buffer), len(buffer)) == (b"abc", 3)


def test_a_buffer_can_be_extended_by_itself():
    buffer = BufferPool(1).acquire()
    buffer.extend(b"ab")
    buffer.extend(buffer)
    assert bytes(buffer) == b"abab"


@pytest.mark.parametrize("data", ["text", 5, None, [1]])
def test_extend_refuses_what_has_no_bytes(data):
    buffer = BufferPool(1).acquire()
    with pytest.raises(TypeError, match="bytes-like"):
        buffer.extend(data)


def test_views_see_the_filled_bytes_and_write_into_them():
    buffer = BufferPool(1).acquire()
    buffer.extend(b"price")
    with memoryview(buffer) as view:
        assert not view.readonly
        view[0] = ord("P")
    assert bytes(buffer) == b"Price"


def test_while_a_view_is_alive_nothing_moves_away_under_it():
    pool = BufferPool(1, 8)
    buffer = pool.acquire()
    buffer.extend(b"1234")
    view = memoryview(buffer)
    buffer.extend(b"5678")  # fits: stays in place
    with pytest.raises(BufferInUseError, match="cannot grow the buffer: 1 views"):
        buffer.extend(b"9")
    with pytest.raises(BufferInUseError, match="cannot clear"):
        buffer.clear()
    for release in (buffer.release, lambda: pool.release(buffer)):
        with pytest.raises(BufferInUseError, match="cannot release"):
            release()
    assert (bytes(view), bytes(buffer), pool.stats().outstanding) == (b"1234", b"12345678", 1)
    view.release()
    buffer.extend(b"9")
    buffer.release()
    assert pool.stats().available == 1


def test_a_view_keeps_a_forgotten_buffer_acquired():
    pool = BufferPool(1)
    view = memoryview(pool.acquire())
    assert pool.stats().outstanding == 1
    del view
    assert pool.stats().outstanding == 0


USES = {
    "release": lambda buffer: buffer.release(),
    "extend": lambda buffer: buffer.extend(b"x"),
    "extend by nothing": lambda buffer: buffer.extend(b""),
    "clear": lambda buffer: buffer.clear(),
    "len": len,
    "bytes": bytes,
    "memoryview": memoryview,
    "with": lambda buffer: buffer.__enter__(),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_every_use_after_release_raises(use):
    buffer = BufferPool(1).acquire()
    buffer.release()
    with pytest.raises(BufferReleasedError, match="went back to its pool"):
        use(buffer)


def test_released_twice_through_the_pool_raises_and_counts_once():
    pool = BufferPool(2)
    buffer = pool.acquire()
    pool.release(buffer)
    with pytest.raises(BufferReleasedError):
        pool.release(buffer)
    assert pool.stats().available == 2
    pool._check()


def test_a_buffer_of_another_pool_is_refused_and_stays_acquired():
    pool, other = BufferPool(1), BufferPool(1)
    buffer = other.acquire()
    with pytest.raises(ValueError, match="another pool: <BufferPool of 1 x 1024 bytes, 0 available>"):
        pool.release(buffer)
    assert (pool.stats().available, other.stats().available) == (1, 0)


@pytest.mark.parametrize("thing", [None, b"bytes", 3])
def test_releasing_what_is_no_buffer_is_a_type_error(thing):
    with pytest.raises(TypeError, match="buffer"):
        BufferPool(1).release(thing)


def test_a_buffer_comes_from_a_pool_and_from_nowhere_else():
    with pytest.raises(TypeError, match=r"BufferPool.acquire\(\)"):
        PooledBuffer()
    for use in USES.values():
        with pytest.raises(BufferReleasedError):
            use(PooledBuffer.__new__(PooledBuffer))


def test_an_error_in_a_with_block_releases_and_passes_on():
    pool = BufferPool(1)
    with pytest.raises(ZeroDivisionError), pool.acquire():
        raise ZeroDivisionError
    assert pool.stats().available == 1


def test_a_buffer_released_early_in_its_with_block_is_fine():
    pool = BufferPool(1)
    with pool.acquire() as buffer:
        buffer.release()
    assert pool.stats().available == 1


def test_a_forgotten_buffer_returns_by_itself():
    pool = BufferPool(1)
    pool.acquire()
    assert pool.stats().available == 1


def test_a_forgotten_buffer_in_a_reference_cycle_returns_with_the_cycle():
    pool = BufferPool(1)
    cycle = [pool.acquire()]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert pool.stats().available == 1


def test_a_buffer_keeps_its_pool_alive():
    buffer = BufferPool(1).acquire()
    gc.collect()
    buffer.extend(b"alive")
    assert bytes(buffer) == b"alive"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"buffers": 0}, "buffers must be from 1 to 65,535, got 0"),
        ({"buffers": 65_536}, "buffers must be from 1 to 65,535, got 65536"),
        ({"buffers": -(10**30)}, "buffers must be from 1 to 65,535, got -10{30}$"),
        ({"buffer_size": 0}, "buffer_size must be from 1 to 1,073,741,824, got 0"),
        ({"buffer_size": 2**40}, "buffer_size must be from 1 to 1,073,741,824, got 1099511627776"),
    ],
)
def test_sizes_out_of_range_are_refused_by_name_and_number(arguments, message):
    with pytest.raises(ValueError, match=message):
        BufferPool(**arguments)


@pytest.mark.parametrize("arguments", [{"buffers": 1.5}, {"buffer_size": "1"}, {"buffers": None}])
def test_sizes_that_are_no_integers_are_a_type_error(arguments):
    with pytest.raises(TypeError, match="integer"):
        BufferPool(**arguments)


def test_the_largest_pool_hands_out_every_buffer_once():
    pool = BufferPool(65_535, 1)
    held = [pool.acquire() for _ in range(65_535)]
    assert pool.stats()[1:5] == (0, 65_535, 65_535, 0)
    del held
    assert pool.stats().available == 65_535
    pool._check()


def test_neither_pools_nor_buffers_pickle():
    pool = BufferPool(1)
    for thing in (pool, pool.acquire()):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(thing)


def test_stats_are_frozen():
    with pytest.raises(AttributeError):
        BufferPool(1).stats().hits = 3


@pytest.mark.slow
def test_memory_stays_flat_over_200_000_cycles():
    pool = BufferPool(4, 64)

    def cycle(times):
        for i in range(times):
            with pool.acquire() as buffer:
                buffer.extend(b"x" * (20 if i % 100 else 1_000))

    cycle(1_000)
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    resident = resident_bytes()
    cycle(200_000)
    grown = sum(entry.size_diff for entry in tracemalloc.take_snapshot().compare_to(before, "filename"))
    tracemalloc.stop()
    assert grown < 50_000
    if resident:
        assert resident_bytes() - resident < 8_000_000
    assert pool.stats().outstanding == 0


def resident_bytes():
    """Resident memory where the system tells, else 0."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4_096 if statm.exists() else 0


def test_an_interpreter_that_ends_with_live_buffers_and_views_ends_well():
    program = """
import builtins
from pricecore.primitives.pool import BufferPool
pool = BufferPool(2, 16)
builtins.kept = [pool.acquire() for _ in range(3)]
kept[2].extend(b"x" * 100)
view = memoryview(kept[0])
cycle = [pool.acquire()]
cycle.append(cycle)
del pool
"""
    root = Path(pricecore.__path__[0]).parent
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.stress
def test_buffers_of_four_python_threads_are_never_shared_and_all_come_back():
    pool = BufferPool(6, 32)

    def body(index):
        for i in range(5_000):
            buffers = [pool.acquire() for _ in range(3)]
            for buffer in buffers:
                buffer.extend(bytes([index]) * (20 if i % 50 else 300))
            for buffer in buffers:
                assert set(bytes(buffer)) == {index}
            buffers.pop().release()
            pool.release(buffers.pop())

    run_threads(4, body)
    gc.collect()
    stats = pool.stats()
    assert (stats.available, stats.outstanding, stats.hits + stats.misses) == (6, 0, 60_000)
    assert stats.dropped == 4 * 100 * 3
    pool._check()


@pytest.mark.stress
@pytest.mark.parametrize("buffers", [1, 4, 64])
def test_buffers_without_the_gil_are_never_shared_and_every_count_is_exact(native, buffers):
    """ACCEPTABLE: every byte is its owner's until release. FORBIDDEN: a place with two owners, a count off by one."""
    pool, rounds = BufferPool(buffers, 64), 300_000
    assert run_threads(4, lambda index: native.cycle_buffers(pool, rounds, index + 1)) == [0] * 4
    stats = pool.stats()
    assert (stats.available, stats.outstanding, stats.hits + stats.misses) == (buffers, 0, 4 * 3 * rounds)
    assert stats.misses > 0 or buffers == 64
    pool._check()


@pytest.mark.stress
def test_a_buffer_shared_by_mistake_is_released_once_and_never_corrupts_the_pool():
    """ACCEPTABLE: exactly one of the threads releases it, the others get BufferReleasedError."""
    pool = BufferPool(4, 16)
    for _ in range(200):
        buffer = pool.acquire()

        def body(index, buffer=buffer):
            try:
                buffer.extend(b"x" * 20 * (index + 1))
                buffer.release()
            except BufferReleasedError:
                return 0
            return 1

        assert sum(run_threads(3, body)) == 1
    pool._check()
    assert pool.stats().available == 4


def test_a_buffer_says_in_words_that_it_was_released():
    pool = BufferPool(buffers=1, buffer_size=64)
    buffer = pool.acquire()
    assert "place 0" in repr(buffer)
    pool.release(buffer)
    assert repr(buffer) == "<PooledBuffer, released>"

"""The segment: where every room lies, what its bytes say, and that nothing in them belongs to one process only."""

import os
import struct

import numpy as np
import pytest
from helpers.rooms import native_module
from helpers.subprocesses import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore import PriceEngine
from pricecore.primitives.segment import MAGIC, Segment, round_capacity

PAGE = 4096
ROOMS = ["names", "name_index", "slots", "handles", "histograms", "windows", "figures", "cursors", "ring"]
HEADER = struct.Struct("<QIIQQQQqq4Q10Q")


@pytest.fixture(scope="module")
def native():
    return native_module("rooms")


def header_of(segment):
    """The header's words by name, read from the bytes as another process would."""
    words = HEADER.unpack_from(segment.view())
    head = dict(
        zip(
            ["magic", "version", "header_bytes", "layout_hash", "generation", "superseded", "pid", "created", "reset"],
            words[:9],
            strict=True,
        )
    )
    head["geometry"] = dict(
        zip(["max_symbols", "ring_capacity", "latency_window", "histogram_words"], words[9:13], strict=True)
    )
    head["offsets"] = dict(zip([*ROOMS, "end"], words[13:], strict=True))
    return head


def widths(geometry):
    """What each room needs in bytes."""
    symbols = geometry["max_symbols"]
    return {
        "names": symbols * 64,
        "name_index": symbols * 2 * 4,
        "slots": symbols * 256,
        "handles": 64 * 256,
        "histograms": 64 * geometry["histogram_words"] * 8,
        "windows": 64 * geometry["latency_window"] * 8,
        "figures": 256 * 40,
        "cursors": 16 * 128,
        "ring": geometry["ring_capacity"] * 64,
    }


def test_widths_are_those_of_the_format(native):
    assert native.sizes() == {
        "record": 64, "copy": 64, "slot": 256, "handle": 256, "name_entry": 64, "figure": 40, "cursor": 128,
        "clock": 128, "clock_figures": 32, "header": 896, "header_page": PAGE,
        "handles": 64, "figures": 256, "cursors": 16,
    }  # fmt: skip


@settings(deadline=None)
@given(st.integers(1, 1 << 14), st.integers(1, 1 << 14), st.integers(1, 20_000), st.integers(1, 600))
def test_rooms_begin_on_pages_and_do_not_overlap(max_symbols, ring_capacity, latency_window, histogram_words):
    segment = Segment(max_symbols, ring_capacity, latency_window, histogram_words)
    head = header_of(segment)
    need = widths(head["geometry"])
    end = PAGE
    for name in ROOMS:
        at = head["offsets"][name]
        assert at % PAGE == 0
        assert at >= end, f"{name} begins inside the room before it"
        assert at - end < PAGE
        end = at + need[name]
    assert head["offsets"]["end"] == segment.size_bytes == len(segment.view())
    assert 0 <= segment.size_bytes - end < PAGE


def test_the_header_says_what_describe_says():
    segment = Segment(1500, 3000, 7, 11)
    head, told = header_of(segment), segment.describe()
    assert head["magic"] == MAGIC == int.from_bytes(b"PRICECOR", "little")
    assert bytes(segment.view()[:8]) == b"PRICECOR"
    assert (head["version"], head["header_bytes"], head["generation"], head["superseded"]) == (1, PAGE, 1, 0)
    assert head["pid"] == os.getpid()
    assert head["created"] == head["reset"] > 1_600_000_000 * 10**9
    assert head["layout_hash"] == told.pop("layout_hash") != 0
    assert told.pop("size_bytes") == head["offsets"].pop("end")
    assert told.pop("version") == 1
    assert told == {**head["geometry"], **head["offsets"]}
    assert head["geometry"] == {"max_symbols": 2048, "ring_capacity": 4096, "latency_window": 7, "histogram_words": 11}


def test_the_layout_hash_does_not_depend_on_the_sizes_chosen():
    assert Segment(1, 1, 1, 1).describe()["layout_hash"] == Segment(5000, 9000, 3, 4).describe()["layout_hash"]


def test_a_new_segment_is_zero_behind_its_header():
    segment = Segment(1, 1, 1, 1)
    assert not np.frombuffer(segment.view(), np.uint8)[PAGE:].any()


@pytest.mark.parametrize(
    ("value", "rounded"), [(1, 1024), (1023, 1024), (1024, 1024), (1025, 2048), (2**20 + 1, 2**21), (2**30, 2**30)]
)
def test_capacities_round_up_to_a_power_of_two(value, rounded):
    assert round_capacity("max_symbols", value) == rounded


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [0, -1, 2**30 + 1, 2**61, 2**64, 10**30])
def test_an_absurd_size_is_an_error_that_names_option_and_value(place, value):
    sizes = [1, 1, 1, 1]
    sizes[place] = value
    name = ["max_symbols", "ring_capacity", "latency_window", "histogram_words"][place]
    with pytest.raises(ValueError, match=f"{name} is {value}; it must lie between 1 and"):
        Segment(*sizes)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [1.0, "1", None, True])
def test_a_size_that_is_no_int_is_a_type_error(place, value):
    sizes = [1, 1, 1, 1]
    sizes[place] = value
    with pytest.raises(TypeError, match="must be an int"):
        Segment(*sizes)


@pytest.mark.skipif("PRICECORE_SANITIZE" in os.environ, reason="a sanitizer needs terabytes of address space")
def test_more_address_space_than_there_is_is_a_memory_error():
    sizes = "2**30, 2**30, 2**26, 2**26"
    done = run_python(
        "import resource; from pricecore.primitives.segment import Segment\n"
        f"resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)); Segment({sizes})"
    )
    assert "MemoryError: no " in done.stderr
    assert "bytes for a segment of 1073741824 symbols" in done.stderr


FILL = """
import sys, pricecore, numpy as np
with pricecore.PriceEngine(max_symbols=1024, ring_capacity=1024, latency_window=64) as engine:
    for i in range(300):
        engine.update(f"V:{i % 37}", 1.0 + i, volume=2.0, timestamp_ns=10**18 + i)
        engine.update_quote(f"V:{i % 11}\N{EURO SIGN}", 1.0, 2.0)
    engine.update_many(engine.register([f"W{i}" for i in range(100)]), np.arange(100) + 1.0)
    open(sys.argv[1], "wb").write(engine.segment.view())
"""


def records(raw, offset, count):
    return np.frombuffer(raw, "<u8", count * 8, offset).reshape(count, 8)


def without_times_and_counts(raw):
    """The bytes without what may differ: process id, clock, times of receipt, latencies, figures."""
    raw = bytearray(raw)
    words = np.frombuffer(raw, "<u8")
    head = dict(zip([*ROOMS, "end"], HEADER.unpack_from(raw)[13:], strict=True))
    words[5:8] = 0  # pid, created, reset
    words[22:24] = 0  # created and reset by the steady clock
    words[256 // 8 : (256 + 128) // 8] = 0  # clock
    for room, count in (("slots", 1024 * 4), ("ring", 1024)):
        table = records(raw, head[room], count)
        updates = (table[:, 1] >> 32) & 0xFFFF < 2
        table[updates, 3] = 0  # received_ns
    words[head["histograms"] // 8 : head["figures"] // 8] = 0
    handles = words[head["handles"] // 8 : head["histograms"] // 8].reshape(-1, 32)[:64]
    handles[:, 6:8] = 0  # batch_ns, batch_max_ns
    figures = np.frombuffer(raw, "<f8", 256 * 5, head["figures"]).reshape(-1, 5)
    figures[:, 4] = 0
    return bytes(raw)


def test_two_processes_write_the_same_bytes(tmp_path):
    paths = [tmp_path / "one", tmp_path / "two"]
    for seed, path in zip(("1", "4711"), paths, strict=True):
        done = run_python(FILL, str(path), PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
    assert paths[0].read_bytes() != paths[1].read_bytes()
    first, second = (np.frombuffer(without_times_and_counts(path.read_bytes()), "u1") for path in paths)
    assert np.flatnonzero(first != second).tolist() == []


def test_the_last_place_of_every_room_belongs_to_it(native):
    segment = Segment(1024, 1024, 100, 50)
    told = segment.describe()
    assert native.handle_offsets(segment, 0) == (told["handles"], told["windows"], told["histograms"])
    handle, window, histogram = native.handle_offsets(segment, 63)
    assert handle + 256 <= told["histograms"]
    assert histogram + 50 * 8 <= told["windows"]
    assert window + 100 * 8 <= told["figures"]


def test_handles_are_claimed_once_given_back_and_claimed_again(native):
    segment = Segment(1, 1, 1, 1)
    assert [native.claim(segment) for _ in range(63)] == list(range(1, 64))  # 0 is the engine's own
    assert native.claim(segment) == -1
    for index in (63, 5, 17):
        native.release(segment, index)
    assert [native.claim(segment) for _ in range(4)] == [5, 17, 63, -1]


def test_a_figure_keeps_its_place_and_its_value(native):
    segment = Segment(1, 1, 1, 1)
    assert segment.figures() == {}
    values = {"a": 1.5, "pool_hits": -0.0, "x" * 32: float("inf"), "é": 5e-324}
    for name, value in values.items():
        native.set_figure(segment, name.encode(), value)
    native.set_figure(segment, b"a", 2.5)
    assert segment.figures() == {**values, "a": 2.5}
    assert native.get_figure(segment, b"never set") == 0.0


@pytest.mark.parametrize("name", [b"", b"x" * 33])
def test_a_figure_without_a_name_or_with_a_long_one_is_refused(native, name):
    with pytest.raises(ValueError, match="1 to 32 bytes"):
        native.set_figure(Segment(1, 1, 1, 1), name, 1.0)


def test_there_are_256_figures(native):
    segment = Segment(1, 1, 1, 1)
    for i in range(256):
        native.set_figure(segment, b"figure %d" % i, float(i))
    with pytest.raises(ValueError, match="all 256 are taken"):
        native.set_figure(segment, b"one more", 1.0)
    native.set_figure(segment, b"figure 7", 70.0)
    assert segment.figures() == {f"figure {i}": float(i) if i != 7 else 70.0 for i in range(256)}


def test_the_view_is_read_only_and_keeps_the_memory():
    engine = PriceEngine(max_symbols=1024, ring_capacity=1024)
    engine.update("A", 42.0)
    view = engine.segment.view()
    with pytest.raises(TypeError):
        view[0] = 0
    engine.close()
    del engine
    assert bytes(view[:8]) == b"PRICECOR"
    assert len(bytes(view)) == len(view)

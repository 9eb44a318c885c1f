"""`attach(name)`: everything that reads, from any process, and what it refuses to believe."""

import gc
import math
import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.waiting import until
from helpers.writers import FOREVER, SMALL, UNTIL_TOLD, writer

import pricecore
from pricecore import EngineClosedError, EngineView, PriceEngine, SegmentError, UnknownSymbolError, attach
from pricecore.primitives import named_segment, segment_file
from pricecore.primitives.segment_list import remove_orphaned


@pytest.fixture
def engine():
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5, 2.0, 1_700_000_000_000_000_000, 3.0)
        engine.update_quote("A", 1.0, 2.0, 3.0, 4.0)
        engine.register("N")
        yield engine


@pytest.fixture
def view(engine):
    with attach("md") as view:
        yield view


def test_view_reads_what_the_engine_reads(engine, view):
    assert view.price("A") == engine.price("A") == 1.5
    assert (view.get("A"), view["A"], view.quote("A")) == (engine.get("A"), engine["A"], engine.quote("A"))
    assert (view.mid("A"), view.symbols(), len(view)) == (1.5, ["A", "N"], 2)
    assert view.symbol_id("N") == 1
    assert "A" in view
    assert "B" not in view
    assert view.snapshot().tobytes() == engine.snapshot().tobytes()
    assert view.stale_symbols(60.0) == ["N"]
    assert 0 <= view.age_s("A") < 60
    assert list(view.to_pandas().columns) == list(engine.to_pandas().columns)


def test_metrics_of_a_view_are_the_engines(engine, view):
    engine.update_many(["A"] * 50, np.ones(50))
    ours, theirs = engine.metrics(), view.metrics()
    for name in ("messages_received", "out_of_order", "errors_by_reason", "batch_us", "symbols", "ring", "latency"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.histogram.counts.tolist() == theirs.histogram.counts.tolist()
    assert (theirs.pool.capacity, theirs.pool.available) == (4, 4)


def test_symbols_and_prices_that_come_later_are_seen(engine, view):
    assert view.get("LATER") is None
    engine.update("LATER", 7.0)
    assert view.price("LATER") == 7.0


def test_view_has_nothing_that_writes(view):
    for name in ("update", "update_quote", "update_many", "update_quotes", "register", "writer", "reset_stats"):
        assert not hasattr(view, name)
    with pytest.raises(UnknownSymbolError):
        view.price("B")


def test_mapping_cannot_be_written():
    script = (
        "import ctypes, numpy as np, pricecore\n"
        "view = pricecore.attach('md')\n"
        "ctypes.memset(np.frombuffer(view.segment.view(), np.uint8).ctypes.data, 1, 1)\n"
    )
    # A sanitizer would make a report of it.
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0"}
    with PriceEngine("md", **SMALL):
        done = subprocess.run([sys.executable, "-c", script], env=environment, timeout=60)
        assert done.returncode == -signal.SIGSEGV


def test_another_process_reads_the_price(engine):
    script = "import pricecore; print(pricecore.attach('md').price('A'))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout == "1.5\n"


def test_writer_that_is_killed_leaves_its_last_prices_readable():
    with writer("md", FOREVER) as process, attach("md") as view:
        while view.get("A") is None or view.quote("A") is None:
            pass
        assert view.alive
        process.kill()
        process.wait()
        assert not view.alive
        trade, quote = view.get("A"), view.quote("A")
        assert (trade.volume, trade.change_24h) == (2 * trade.price, 3 * trade.price)
        assert quote[2:5] == (2 * quote.bid, 3 * quote.bid, 4 * quote.bid)


def test_view_follows_the_next_writer(engine, view):
    engine.close()
    with PriceEngine("md", **SMALL) as successor:
        assert (view.alive, view.generation) == (True, 2)
        successor.update("A", 9.0)
        assert view.price("A") == 9.0


def test_view_follows_a_writer_with_other_sizes(engine, view):
    engine.close()
    for generation, size in enumerate((2_048, 4_096, 1_024), start=2):
        with PriceEngine("md", **(SMALL | {"max_symbols": size})) as successor:
            successor.update("Z", float(size))
            assert (view.price("Z"), view.generation, view.symbols()) == (size, generation, ["Z"])


def test_closed_view_raises(view):
    view.close()
    view.close()
    assert view.closed
    for call in (lambda: view.price("A"), view.snapshot, view.metrics, lambda: view.alive, lambda: len(view)):
        with pytest.raises(EngineClosedError, match="attach"):
            call()
    assert repr(view) == "<EngineView of 'md', closed>"


def test_view_pickles_as_its_name(view):
    again = pickle.loads(pickle.dumps(view))
    assert (again.name, again.price("A")) == ("md", 1.5)
    again.close()


def test_view_that_was_never_initialised_or_twice_raises(view):
    with pytest.raises(EngineClosedError):
        EngineView.__new__(EngineView).price("A")
    with pytest.raises(RuntimeError, match="initialised before"):
        view.__init__("md")


def test_attach_without_an_engine_says_what_to_do():
    with pytest.raises(SegmentError, match="start its writer"):
        attach("none")
    assert issubclass(SegmentError, OSError)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_thousand_views_leave_nothing_behind(engine):
    def cycle(times):
        for i in range(times):
            view = attach("md")
            assert view.price("A") == 1.5
            if i % 2:
                view.close()
        del view
        gc.collect()
        return descriptors(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before, _ = cycle(1)
    _, settled_kib = cycle(500)
    after, kib = cycle(1_000)
    assert after == before
    assert kib - settled_kib < 4_096


FIGURE_NAME_BYTES = 32
WIDTHS = {"version": 4, "header_bytes": 4}
SIZES = ["max_symbols", "ring_capacity", "latency_window", "histogram_words"]
PLACES = ["names", "name_index", "slots", "handles", "histograms", "windows", "figures", "cursors", "ring", "end"]
FIELDS = {"magic": 0, "version": 8, "header_bytes": 12, "layout_hash": 16} | {
    name: 64 + 8 * i for i, name in enumerate([*SIZES, *PLACES])
}


@pytest.mark.parametrize("value", [0, 1, 0xFF, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize("field", FIELDS)
def test_header_that_was_changed_is_refused(folder, field, value):
    PriceEngine("md", **SMALL).close()
    path = folder / "pricecore-md"
    content = bytearray(path.read_bytes())
    width = WIDTHS.get(field, 8)
    there = content[FIELDS[field] : FIELDS[field] + width]
    put = (value % 2 ** (8 * width)).to_bytes(width, "little")
    if put == there:
        pytest.skip("this is its value")
    content[FIELDS[field] : FIELDS[field] + width] = put
    path.write_bytes(content)
    with pytest.raises(SegmentError):
        attach("md")
    with pytest.raises(SegmentError):
        PriceEngine("md", **SMALL)
    PriceEngine("md", **SMALL, resume=False).close()
    attach("md").close()


def change(path, offset, value):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(value)


@pytest.mark.parametrize("open_it", [attach, lambda name: PriceEngine(name, **SMALL)])
@pytest.mark.parametrize("field", ["version", "layout_hash"])
def test_segment_of_another_version_or_build_says_what_to_do(folder, field, open_it):
    PriceEngine("md", **SMALL).close()
    change(folder / "pricecore-md", FIELDS[field], b"\x63")
    with pytest.raises(
        SegmentError, match=r"PriceEngine\(name, resume=False\) begins.*info --remove-orphaned"
    ) as raised:
        open_it("md")
    assert ("version 99" in str(raised.value)) == (field == "version")
    assert remove_orphaned() == ["md"]
    PriceEngine("md", **SMALL).close()


def figure_at(path, name):
    """Return where in the file the value of a figure lies."""
    return path.read_bytes().index(name.encode().ljust(FIGURE_NAME_BYTES, b"\0")) + FIGURE_NAME_BYTES


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("figure", ["pool_capacity", "pool_available", "throughput_per_s", "cpu_percent"])
def test_figure_that_is_no_number_does_not_keep_the_others_back(folder, figure, value):
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.0)
    path = folder / "pricecore-md"
    change(path, figure_at(path, figure), struct.pack("d", value))
    with attach("md") as view:
        metrics = view.metrics()
        assert (metrics.symbols, metrics.messages_received) == (1, 1)
        assert (metrics.pool.capacity, metrics.pool.available) == (
            0 if figure == "pool_capacity" else 4,
            0 if figure == "pool_available" else 4,
        )


def test_rates_of_a_writer_that_is_gone_are_zero(folder):
    path = folder / "pricecore-md"
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.0)
    for figure in ("throughput_per_s", "cpu_percent"):
        change(path, figure_at(path, figure), struct.pack("d", 1_234.0))
    with attach("md") as view:
        assert (view.metrics().throughput_per_s, view.metrics().cpu_percent) == (0.0, 0.0)


def refuse_to_open(monkeypatch, refuses, error):
    """Let the module that opens segments fail with an error where `refuses(path)`."""

    def opened(path, *arguments, **options):
        if refuses(str(path)):
            raise error(path)
        return os.open(path, *arguments, **options)

    monkeypatch.setattr(segment_file, "os", SimpleNamespace(**(vars(os) | {"open": opened})))


def without_proc(monkeypatch):
    """As on a system where a descriptor cannot be opened again."""
    refuse_to_open(monkeypatch, lambda path: path.startswith("/proc/"), FileNotFoundError)


@pytest.mark.parametrize("has_proc", [True, False])
@pytest.mark.parametrize("times", [1, 3])
def test_segment_that_is_replaced_while_it_is_opened(monkeypatch, has_proc, times):
    """With /proc the old one is mapped, and followed; without it the name is opened again."""
    replaced, check, before = [], named_segment.check_file, descriptors()

    def replace_then_check(file):
        if not file.writable and len(replaced) < times:
            replaced.append(1)
            with PriceEngine("md", **SMALL, resume=False) as engine:
                engine.update("A", 1.0 + len(replaced))
        return check(file)

    PriceEngine("md", **SMALL).close()
    if not has_proc:
        without_proc(monkeypatch)
    monkeypatch.setattr(named_segment, "check_file", replace_then_check)
    with attach("md") as view:
        until(lambda: view.generation == 1 + times)
        assert (view.price("A"), len(replaced)) == (1.0 + times, times)
    assert descriptors() == before


@pytest.mark.parametrize("has_proc", [True, False])
def test_segment_that_is_removed_while_it_is_opened(monkeypatch, has_proc):
    check = named_segment.check_file

    def remove_then_check(file):
        remove_orphaned()
        return check(file)

    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5)
    monkeypatch.setattr(named_segment, "check_file", remove_then_check)
    if has_proc:
        with attach("md") as view:
            assert (view.price("A"), view.alive) == (1.5, False)
    else:
        without_proc(monkeypatch)
        with pytest.raises(SegmentError, match="start its writer"):
            attach("md")


def test_segment_whose_rights_go_while_it_is_opened_is_an_error_of_ours(monkeypatch):
    PriceEngine("md", **SMALL).close()
    opened = []
    refuse_to_open(monkeypatch, lambda path: opened.append(path) or len(opened) > 1, PermissionError)
    with pytest.raises(SegmentError, match="cannot open this segment"):
        attach("md")


@pytest.mark.parametrize("size", [0, 1, 100, 4_095, 4_096, 100_000])
def test_file_that_was_cut_is_refused(folder, size):
    PriceEngine("md", **SMALL).close()
    os.truncate(folder / "pricecore-md", size)
    with pytest.raises(SegmentError):
        attach("md")


def test_foreign_file_link_or_pipe_is_refused(folder):
    path = folder / "pricecore-md"
    path.write_bytes(os.urandom(10_000))
    with pytest.raises(SegmentError, match="no segment"):
        attach("md")
    path.unlink()
    PriceEngine("real", **SMALL).close()
    path.symlink_to(folder / "pricecore-real")
    with pytest.raises(SegmentError, match="cannot open"):
        attach("md")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SegmentError, match="no regular file"):
        attach("md")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_that_others_may_write_is_refused(engine, folder, mode):
    (folder / "pricecore-md").chmod(mode)
    with pytest.raises(SegmentError, match="may write it"):
        attach("md")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's segment")
def test_somebody_elses_segment_needs_his_name(engine, folder):
    os.chown(folder / "pricecore-md", 12_345, -1)
    with pytest.raises(SegmentError, match=r"owner=12345"):
        attach("md")
    with attach("md", owner=12_345) as view:
        assert view.price("A") == 1.5


def test_damage_behind_the_header_misleads_but_never_crashes(folder):
    script = (
        "import os, pricecore\n"
        "try:\n"
        "    view = pricecore.attach('md')\n"
        "    for call in (view.symbols, view.snapshot, view.metrics, lambda: view.stale_symbols(1.0),\n"
        "                 view.segment.figures, lambda: view.get('S1'), lambda: view.quote('S1'),\n"
        "                 lambda: view.price('S1')):\n"
        "        try: call()\n"
        "        except Exception as error: pass\n"
        "except pricecore.SegmentError: pass\n"
        "os._exit(0)\n"
    )
    random = np.random.default_rng(1)
    with PriceEngine("md", **SMALL) as engine:
        engine.update_many([f"S{i}" for i in range(500)], np.ones(500))
    path = folder / "pricecore-md"
    good = np.fromfile(path, np.uint8)
    for _ in range(6):
        bad = good.copy()
        places = random.integers(256, len(bad), 200_000)
        bad[places] = random.integers(0, 256, len(places))
        bad.tofile(path)
        done = subprocess.run([sys.executable, "-c", script], timeout=60, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_package_shows_attach_and_the_view():
    assert {"attach", "EngineView"} <= set(pricecore.__all__)


def test_view_and_engine_of_one_process_do_not_disturb_each_other():
    with writer("md", UNTIL_TOLD), attach("md") as view:
        assert view.alive
        assert view.alive  # asking takes nothing
        with attach("md") as second:
            assert second.alive

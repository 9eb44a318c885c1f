"""Who writes next: take-over under live readers, races for the name, writers that die while they take it."""

import os
import random
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from helpers.crashes import LAUNCH, SIZES, kill_writer, python, read_line, tell
from helpers.watching import ask, watcher
from helpers.writers import SMALL, UNTIL_TOLD, writer

from pricecore import EngineClosedError, PriceEngine, SegmentError, SegmentInUseError, attach
from pricecore.primitives import named_segment, segment_list
from pricecore.primitives.segment_file import is_current, open_file
from pricecore.primitives.segment_list import list_segments, remove_orphaned

RACERS, RACES = 8, 6


def write_checked(engine, count):
    for i in range(count):
        x = 1.0 + i
        engine.update("A", x, 2 * x, 0, 3 * x)
        engine.update_quote("B", x, 2 * x, 3 * x, 4 * x)


def test_attach_before_there_is_an_engine_says_what_to_do():
    with pytest.raises(SegmentError, match=r"no segment 'md': start its writer, PriceEngine\('md'\)"):
        attach("md")


def test_attach_after_the_engine_was_closed_reads_its_last_prices():
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5)
    with attach("md") as view:
        assert (view.price("A"), view.alive, view.symbols()) == (1.5, False, ["A"])


def test_attach_after_the_segment_was_removed_says_what_to_do():
    PriceEngine("md", **SMALL).close()
    with attach("md") as view:
        assert remove_orphaned() == ["md"]
        with pytest.raises(SegmentError, match="start its writer"):
            attach("md")
        with PriceEngine("md", **SMALL) as engine:
            engine.update("A", 2.0)
            assert (view.alive, view.generation, view.price("A")) == (True, 2, 2.0)
    with pytest.raises(EngineClosedError):
        view.price("A")


def test_readers_follow_writers_of_other_sizes_again_and_again():
    """Each maker ends differently: closed, or killed; each next one has other sizes, or the same."""
    with PriceEngine("md", **SIZES) as engine:
        write_checked(engine, 10)
    with watcher("md") as first, watcher("md") as second, attach("md") as view, python(LAUNCH) as launcher:
        for number, scale in enumerate((2, 1, 1, 8), start=2):
            sizes = SIZES | {"max_symbols": 1_024 * scale, "ring_capacity": 1_024 * scale}
            with PriceEngine("md", **sizes) as engine:
                write_checked(engine, 300 * scale)
                for reader in (first, second):
                    seen = ask(reader)
                    assert (seen["alive"], seen["generation"]) == (True, 2 * number - 2)
                    assert seen["sequence"] == engine.metrics().ring.sequence
                assert view.price("A") == engine.price("A")
            pid = int(tell(launcher, f"md {number}"))
            assert ask(first)["generation"] == 2 * number - 1
            kill_writer(launcher, pid)
            assert [ask(reader)["alive"] for reader in (first, second)] == [False, False]


RACE = """
import os, sys
import pricecore
line = sys.stdin.readline()
while line:
    engine = None
    try:
        engine = pricecore.PriceEngine("md", **eval(line))
        engine.update("A", float(os.getpid()))
        print("won", flush=True)
    except pricecore.SegmentInUseError as error:
        print(f"lost {error}", flush=True)
    line = sys.stdin.readline()         # "{}": all have tried
    if engine is not None and line == "close\\n":
        engine.close()
    engine = None
    print("ready", flush=True)
    line = sys.stdin.readline()
"""


@pytest.fixture
def racers():
    started = [
        subprocess.Popen([sys.executable, "-c", RACE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        for _ in range(RACERS)
    ]
    yield started
    for process in started:
        process.kill()
        process.communicate()


def send(racers, line):
    """Send all the line, then wait for the answers."""
    for process in racers:
        process.stdin.write(f"{line}\n".encode())
    return [read_line(process) for process in racers]


def test_of_writers_that_race_for_a_name_exactly_one_gets_it(racers):
    """For a name that is free, one to take over, one to begin anew by other sizes, and one that is being removed."""
    random.seed(1)
    for number in range(RACES):
        sizes = SMALL | {"max_symbols": random.choice([1_024, 1_024, 2_048])}
        if number % 3 == 2:
            assert remove_orphaned() == ["md"]
        answers = send(racers, repr(sizes))
        winners = [i for i, answer in enumerate(answers) if answer == "won\n"]
        assert len(winners) == 1, answers
        assert all("writes this segment" in answer for i, answer in enumerate(answers) if i != winners[0]), answers
        with attach("md") as view:
            assert (view.price("A"), view.alive) == (float(racers[winners[0]].pid), True)
            with pytest.raises(SegmentInUseError, match=f"process {racers[winners[0]].pid} writes"):
                PriceEngine("md", **sizes)
        assert set(send(racers, "close")) == {"ready\n"}
    assert [facts.name for facts in list_segments()] == ["md"]


def test_removal_never_keeps_a_writer_off_nor_takes_the_segment_of_one():
    """One process removes what is orphaned as fast as it can; here writers come and go."""
    remove = (
        "import pricecore\nfrom pricecore.primitives.segment_list import remove_orphaned\n"
        "print('ready', flush=True)\nwhile True: remove_orphaned()\n"
    )
    with python(remove) as remover:
        read_line(remover)
        for number in range(200):
            with PriceEngine("md", **SMALL) as engine:
                assert engine.update("A", 1.0 + number)
                with attach("md") as view:
                    assert (view.price("A"), view.alive) == (1.0 + number, True)
        assert remover.poll() is None


def test_writer_that_meets_a_removal_tries_again(monkeypatch):
    PriceEngine("md", **SMALL).close()
    claim, tried, made, old = named_segment._claim, threading.Event(), [], attach("md")

    def claim_and_tell(*arguments, **options):
        try:
            return claim(*arguments, **options)
        finally:
            tried.set()

    def hold_the_lock_until_a_writer_has_tried(file):
        writer.start()
        assert tried.wait(60)
        assert not old.alive
        return is_current(file)

    writer = threading.Thread(target=lambda: made.append(PriceEngine("md", **SMALL)))
    monkeypatch.setattr(named_segment, "_claim", claim_and_tell)
    monkeypatch.setattr(segment_list, "is_current", hold_the_lock_until_a_writer_has_tried)
    assert remove_orphaned() == ["md"]
    writer.join(60)
    assert (len(made), made[0].update("A", 1.0), old.price("A"), old.alive) == (1, True, 1.0, True)
    made[0].close()


def test_removal_that_comes_too_late_leaves_the_next_writers_segment(monkeypatch, folder):
    PriceEngine("md", **SMALL).close()
    engines = []

    def open_then_replace(name, **options):
        file = open_file(name, **options)
        engines.append(PriceEngine("md", **(SMALL | {"max_symbols": 4_096})))
        return file

    monkeypatch.setattr(segment_list, "open_file", open_then_replace)
    assert remove_orphaned() == []
    assert (folder / "pricecore-md").exists()
    with attach("md") as view:
        assert view.alive
    engines[0].close()


def test_orphan_is_not_alive_while_it_is_being_removed(folder):
    """The remover's lock keeps writers off, and is not taken for one."""
    script = (
        "import sys\nfrom pricecore.primitives.segment_file import open_file\n"
        "file = open_file('md', writable=True)\nprint(file.lock_to_remove(), flush=True)\nsys.stdin.read()\n"
    )
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5)
        with python(script) as remover:
            assert read_line(remover) == "False\n"
    with python(script) as remover, attach("md") as view:
        assert read_line(remover) == "True\n"
        assert (view.alive, list_segments()[0].alive) == (False, False)
        assert remove_orphaned() == []
        assert (folder / "pricecore-md").exists()


DIES = """
import os, signal, sys
import pricecore
from pricecore.primitives import named_segment, segment_list
from pricecore.primitives.segment_file import SegmentFile
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
setattr(*{target}, die)
{act}
"""
REPLACE = f"pricecore.PriceEngine('md', **{SMALL | {'max_symbols': 4_096}!r})"
REMOVE = "segment_list.remove_orphaned()"


@pytest.mark.parametrize(
    ("act", "target"),
    [
        (REPLACE, "(named_segment, 'make_file')"),
        (REPLACE, "(named_segment, 'Segment')"),
        (REPLACE, "(named_segment, 'supersede')"),
        (REPLACE, "(SegmentFile, 'publish')"),
        (REPLACE, "(SegmentFile, '_drop_draft')"),
        (REPLACE, "(pricecore.engine.core.housekeeping, 'restart')"),
        (REMOVE, "(segment_list, 'supersede')"),
        (REMOVE, "(segment_list, 'wait_path')"),
    ],
)
def test_readers_follow_whoever_dies_while_it_takes_or_removes_the_name(act, target):
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5, 3.0, 0, 4.5)
    with attach("md") as view, watcher("md") as reader:
        script = DIES.format(target=target, act=act + "\nos.kill(os.getpid(), signal.SIGKILL)")
        assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == -signal.SIGKILL
        assert view.alive is ask(reader)["alive"] is False
        before = view.generation
        if len(view):
            assert view.price("A") == 1.5
        with PriceEngine("md", **SMALL) as engine:
            x = 7.0
            engine.update("A", x, 2 * x, 0, 3 * x)
            assert (view.generation, view.alive, view.price("A")) == (before + 1, True, 7.0)
            assert ask(reader)["generation"] == before + 1
            assert not view.segment.superseded


def test_name_is_free_at_once_when_its_writer_is_killed():
    for number in range(5):
        with writer("md", "engine.update('A', 1.0)\n" + UNTIL_TOLD) as process:
            with pytest.raises(SegmentInUseError):
                PriceEngine("md", **SMALL)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            with PriceEngine("md", **SMALL) as engine:
                assert engine.segment.generation == 2 * number + 2


@pytest.mark.parametrize(
    ("room", "offset", "value", "what"),
    [
        ("symbol_count", 0, 1_025, "its symbols"),
        ("symbol_count", 0, 2**63, "its symbols"),
        ("names", 0, 1_000, "its symbols"),
        ("names", 8, 0, "its symbols"),
        ("names", 8, 49, "its symbols"),
        ("figure_count", 0, 257, "its figures"),
        ("slots", 0, 1_000, "its prices"),
        ("slots", 192, 2**61 - 1, "its prices"),
        ("slots", 256, 2**63, "its prices"),
        ("slots", 256 * 1_023 + 64, 1, "its prices"),
        ("name_index", 0, 2**32 + 1, "its index of symbols"),
        ("name_index", 8 * 1_023, 2**63 + 2, "its index of symbols"),
        ("names", 16, ord("B"), "its index of symbols"),
        ("ring", 0, 1_025, "its ring"),
        ("ring", 64, 1, "its ring"),
        ("ring", 64 * 1_023, 1_024, "its ring"),
        ("ticket", 0, 2**62, "its sequence"),
        ("ticket", 0, 0, "its symbols"),
    ],
)
def test_segment_with_what_no_writer_can_have_left_is_not_taken_over(folder, room, offset, value, what):
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5)
        engine.update_quote("A", 1.0, 2.0)
        places = engine.segment.describe()
    header = {"symbol_count": 384, "figure_count": 512, "ticket": 640}
    content = bytearray((folder / "pricecore-md").read_bytes())
    at = (header[room] if room in header else places[room]) + offset
    content[at : at + 8] = value.to_bytes(8, "little")
    (folder / "pricecore-md").write_bytes(content)
    with pytest.raises(SegmentError, match=rf"damaged \({what}\).*resume=False") as raised:
        PriceEngine("md", **SMALL)
    assert not isinstance(raised.value, SegmentInUseError)
    with PriceEngine("md", **SMALL, resume=False) as engine:
        assert (engine.update("A", 2.0), engine.segment.generation) == (True, 2)


def test_damage_anywhere_never_hangs_or_crashes_the_next_writer(folder):
    script = (
        "import os, pricecore\n"
        f"try: engine = pricecore.PriceEngine('md', **{SMALL!r})\n"
        "except pricecore.SegmentError: os._exit(0)\n"
        "for i in range(3_000):\n"
        "    engine.update(f'S{i % 500}', 1.0)\n"
        "engine.metrics(), engine.snapshot(), engine.symbols()\n"
        "os._exit(0)\n"
    )
    random = np.random.default_rng(1)
    with PriceEngine("md", **SMALL) as engine:
        engine.update_many([f"S{i}" for i in range(500)], np.ones(500))
    path = folder / "pricecore-md"
    good = np.fromfile(path, np.uint8)
    for bytes_changed in (1, 10, 100, 100_000):
        bad = good.copy()
        places = random.integers(256, len(bad), bytes_changed)
        bad[places] = random.integers(0, 256, bytes_changed)
        bad.tofile(path)
        done = subprocess.run([sys.executable, "-c", script], timeout=60, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

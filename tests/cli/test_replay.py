"""`pricecore replay` as a user runs it: a process of its own, its output and its exit code."""

import json
import os
import pty
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from models.log_model import START_NS, LogModel, flip

import pricecore
from pricecore import PriceEngine

MILLISECOND_NS = 1_000_000


def command(*arguments):
    return [sys.executable, "-m", "pricecore", "replay", *map(str, arguments)]


def replay(*arguments, **options):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, **options)


def report(*arguments):
    done = replay(*arguments, "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    with PriceEngine(log=folder) as engine:
        for i in range(500):
            engine.update("A", 100.0 + i)
            engine.update_quote("B", 1.0 + i, 2.0 + i)
        engine.register("C")
    return folder


def slow(folder):
    """A log that takes a minute at the speed of the recording."""
    model = LogModel(folder)
    symbol_id = model.symbol("A")
    for i in range(600):
        model.price(symbol_id, float(i + 1), START_NS + i * 100 * MILLISECOND_NS)
    model.write()
    return folder


def test_report_tells_what_went_in_and_the_last_prices(log):
    done = replay(log)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"pricecore replay: done, {log} in ")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert next(line[:2] for line in lines if line[:1] == ["records"]) == ["records", "1,003"]
    assert ["last", "sequence", "1,003", "as", "recorded"] in lines
    assert next(line[:2] for line in lines if line[:1] == ["A"]) == ["A", "599.00"]
    assert ["C", "-", "-", "-", "-", "-"] in lines


def test_json_is_one_object_alone_on_stdout(log):
    found = report(log)
    assert (found["records"], found["trades"], found["quotes"], found["symbols"]) == (1_003, 500, 500, 3)
    assert (found["first_sequence"], found["last_sequence"], found["kept_sequence"]) == (1, 1_003, True)
    assert (found["gaps"], found["torn"], found["damage"], found["speed"]) == ([], None, None, None)
    assert [price["price"] for price in found["prices"]] == [599.0, None, None]
    assert [price["ask"] for price in found["prices"]] == [None, 501.0, None]


def test_start_and_stop_are_sequences_or_times(log):
    assert report(log, "--start", 501, "--stop", 601)["records"] == 100
    assert report(log, "--start", "1970-01-01T00:00:00Z", "--stop", "1971-01-01T01:00:00+01:00")["records"] == 0
    with pricecore.EventLog.open(log) as opened:
        times = np.concatenate([records["received_ns"] for records in opened.updates()])
    moment = np.datetime64(int(times[500]), "ns").astype("datetime64[us]")
    found = report(log, "--start", f"{moment}Z")
    assert 0 < found["records"] < 1_003
    assert found["prices"][0]["price"] == 599.0


def test_gap_and_torn_tail_are_told(tmp_path):
    model = LogModel(tmp_path)
    model.price(model.symbol("A"), 1.0)
    model.write()
    model.gap(5, names=["B"])
    model.price(1, 2.0)
    model.write()
    with model.path.open("ab") as file:
        file.write(b"torn")
    found = report(tmp_path)
    assert [gap["last_sequence"] for gap in found["gaps"]] == [7]
    assert found["torn"]["size_bytes"] == 4
    assert "missing" in replay(tmp_path).stdout
    assert "torn tail" in replay(tmp_path).stdout


def test_damage_is_reported_with_what_came_before_and_exits_with_1(tmp_path):
    model = LogModel(tmp_path)
    model.fill(blocks=40)
    damaged = model.path
    model.begin()
    model.fill(blocks=2)
    flip(damaged, 8 * (damaged.stat().st_size - 700))
    done = replay(tmp_path, "--json")
    assert done.returncode == 1
    assert str(damaged) in done.stderr
    found = json.loads(done.stdout)
    assert str(damaged) in found["damage"]
    assert found["prices"][0]["price"] is not None
    assert "stopped by damage" in replay(tmp_path).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_paced_replay_and_the_report_comes(tmp_path, monkeypatch, number):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    child = subprocess.Popen(
        command(slow(tmp_path / "log"), "--speed", "realtime", "--name", "md", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for_price("md")
        child.send_signal(number)
        out, error = child.communicate(timeout=60)
    finally:
        child.kill()
    found = json.loads(out)
    assert (child.returncode, error, found["interrupted"], found["speed"]) == (130, b"", True, 1.0)
    assert 0 < found["records"] < 600


def wait_for_price(name):
    """Return once another process's engine has a price."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        try:
            with pricecore.attach(name) as view:
                view.price("A")
                return
        except (OSError, KeyError):
            time.sleep(0.02)
    raise TimeoutError(name)


def test_speed_is_a_multiple_of_the_recording(tmp_path):
    model = LogModel(tmp_path)
    symbol_id = model.symbol("A")
    for i in range(20):
        model.price(symbol_id, 1.0, START_NS + i * 100 * MILLISECOND_NS)
    model.write()
    found = report(tmp_path, "--speed", "x20")
    assert (found["speed"], found["recorded_s"]) == (20.0, 1.9)
    assert found["wall_s"] >= 0.09


def test_progress_is_shown_on_a_terminal(tmp_path):
    model = LogModel(tmp_path)
    symbol_id = model.symbol("A")
    for i in range(12):
        model.price(symbol_id, 1.0, START_NS + i * 100 * MILLISECOND_NS)
    model.write()
    ours, theirs = pty.openpty()
    done = subprocess.run(
        command(tmp_path, "--speed", "realtime"), stdout=subprocess.PIPE, stderr=theirs, timeout=120, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "records/s" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "LOG"),
        (["--speed", "fast"], "none of max, realtime, x10"),
        (["--speed", "x0"], "none of max, realtime, x10"),
        (["--start", "yesterday"], "no sequence, and no time with a zone"),
        (["--stop", "2026-05-01T09:30:00"], "no time with a zone"),
        (["--name", "a b"], "name"),
    ],
)
def test_wrong_use_exits_with_2(log, arguments, said):
    done = replay(*([log] if arguments else []), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_what_is_no_log_exits_with_2(tmp_path):
    for path, said in ((tmp_path, "no event log"), (tmp_path / "none", "no such folder"), (__file__, "this is a file")):
        done = replay(path)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr

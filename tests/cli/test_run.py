"""`pricecore run` as a user runs it: a process of its own, real files, its output and its exit code."""

import fcntl
import gzip
import itertools
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest

TRADE = '{{"e":"trade","E":1,"s":"{symbol}","p":"{price}","q":"2","T":{time}}}'
TIME_MS = 1723161255342


def trade(symbol="A", price="1.5", received_ns=1, time_ms=TIME_MS):
    return f"{received_ns} {TRADE.format(symbol=symbol, price=price, time=time_ms)}\n".encode()


def run(*arguments, **options):
    command = [sys.executable, "-m", "pricecore", "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def run_json(*arguments):
    """Run with --json; return the report and what was warned of, after checking that the accounts add up."""
    done = run(*arguments, "--json")
    report = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert report["messages_received"] == report["messages_processed"] + report["out_of_order"] + report["errors"]
    assert report["errors"] == sum(report["errors_by_reason"].values())
    assert report["messages_received"] == report["trades"] + report["quotes"]
    assert report["lines"] == sum(file["lines"] for file in report["files"])
    assert done.returncode == (0 if report["passed"] and not any(file["damage"] for file in report["files"]) else 1)
    return report, done.stderr


@pytest.fixture
def write(tmp_path):
    def write(name, *parts):
        path = tmp_path / name
        path.write_bytes(b"".join(parts))
        return path

    return write


def test_the_sample_runs_and_every_line_is_accounted_for():
    report, warnings = run_json("--sample")
    assert warnings == ""
    assert (report["lines"], report["ignored"], report["malformed"]) == (3599, 410, 0)
    assert (report["messages_processed"], report["trades"], report["quotes"]) == (3189, 449, 2740)
    assert (report["errors"], report["out_of_order"], report["symbols"]) == (0, 0, 4)
    assert sorted(price["symbol"] for price in report["prices"]) == [
        "spot:BTCUSDT",
        "spot:ETHUSDT",
        "usdm:BTCUSDT",
        "usdm:ETHUSDT",
    ]
    assert report["updates_per_s"] == pytest.approx(report["messages_processed"] / report["wall_s"])
    assert 0 < report["latency"]["p50_us"] <= report["latency"]["p95_us"] <= report["latency"]["max_us"]


def test_the_rate_is_that_of_the_updates_that_were_processed(write):
    report, _ = run_json(write("file", trade(), *(trade(price="-1") for _ in range(9))))
    assert report["messages_received"] == 10
    assert report["updates_per_s"] * report["wall_s"] == pytest.approx(1.0)


@pytest.mark.parametrize("options", [("run", "--sample"), ("run", "--sample", "--json"), ("info",)], ids=" ".join)
def test_a_report_that_cannot_be_written_is_one_line_and_exit_code_one(options):
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "pricecore", *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    words = f"pricecore {options[0]}: error: cannot write the report: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, words)


def test_a_reader_that_is_gone_ends_the_run_without_a_word():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "pricecore", "run", "--sample"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_standard_input_that_is_closed_is_named():
    script = f'exec "{sys.executable}" -m pricecore run - <&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120)
    words = "pricecore run: error: cannot read standard input: Bad file descriptor\n"
    assert (done.returncode, done.stderr) == (2, words)


def test_the_report_for_people_says_the_same():
    done = run("--sample")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in ("3,599", "410", "449 trades, 2,740 quotes", "PASS: p95", "spot:BTCUSDT", "61,829.77"):
        assert words in done.stdout


def test_files_are_merged_by_receive_time(write):
    early = write("early", trade(price="1", received_ns=10), trade(price="3", received_ns=30))
    late = write("late", trade(price="2", received_ns=20), trade(price="4", received_ns=40))
    for limit in range(1, 5):
        report, _ = run_json(f"x={late}", f"x={early}", "--limit", limit)
        assert report["lines"] == limit
        assert report["prices"][0]["price"] == float(limit)


def test_ties_are_taken_in_the_order_of_the_arguments(write):
    one, two = write("one", trade(price="1")), write("two", trade(price="2"))
    assert run_json(f"x={one}", f"x={two}")[0]["prices"][0]["price"] == 2.0
    assert run_json(f"x={two}", f"x={one}")[0]["prices"][0]["price"] == 1.0


def test_labels_keep_the_same_symbol_of_two_files_apart(write):
    one, two = write("one", trade(price="1")), write("two", trade(price="2"))
    report, warnings = run_json(f"spot={one}", f"usdm={two}")
    assert {price["symbol"]: price["price"] for price in report["prices"]} == {"spot:A": 1.0, "usdm:A": 2.0}
    assert [file["label"] for file in report["files"]] == ["spot", "usdm"]
    assert warnings == ""


def test_a_symbol_from_two_unlabelled_files_is_warned_of_once(write):
    files = [write(name, trade(), trade(), trade("B" + name)) for name in ("one", "two", "three")]
    report, warnings = run_json(*files)
    assert report["symbols"] == 4
    assert warnings.count("A comes from both") == 1
    assert warnings.count("\n") == 1


def test_two_files_with_the_same_label_are_meant_to_share_their_symbols(write):
    report, warnings = run_json(f"x={write('one', trade())}", f"x={write('two', trade())}")
    assert (report["symbols"], report["trades"], warnings) == (1, 2, "")


def test_a_file_whose_name_holds_an_equals_sign_is_no_label(write):
    report, _ = run_json(write("a=b", trade()))
    assert report["files"][0]["label"] == ""


def test_formats_may_be_mixed_and_are_told_by_content(write):
    capture = write("one.csv", trade())
    rows = write("two.json", b"symbol,bid,ask,time\nC,1,2,1723161255\n")
    report, _ = run_json(capture, rows)
    assert [file["format"] for file in report["files"]] == ["binance", "csv"]
    assert (report["lines"], report["ignored"], report["trades"], report["quotes"]) == (3, 1, 1, 1)


def test_refused_and_late_updates_are_counted_by_reason_and_do_not_end_the_run(write):
    late = trade(price="9", time_ms=TIME_MS - 1)
    bad = [trade(price=price) for price in ("0", "-1", "nan")]
    bad += [trade("S" * 49), trade(""), trade(time_ms=4 * 10**12), trade(time_ms=10**30)]
    report, _ = run_json(write("file", trade(), late, *bad, trade("B")))
    assert (report["messages_processed"], report["out_of_order"], report["symbols"]) == (2, 1, 2)
    assert (report["malformed"], report["ignored"]) == (1, 0)
    assert report["errors_by_reason"] == {
        "price_not_positive": 2,
        "price_not_finite": 1,
        "symbol_too_long": 1,
        "future": 1,
        "time_overflow": 1,
    }
    assert report["prices"][0]["price"] == 1.5


def test_a_limit_counts_lines_of_every_kind(write):
    file = write("file", b"\n", b"{\n", trade(), trade("B"))
    report, _ = run_json(file, "--limit", "3")
    assert (report["lines"], report["ignored"], report["malformed"], report["trades"]) == (3, 1, 1, 1)


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_limit_below_one_is_wrong_use(limit):
    assert run("--sample", "--limit", limit).returncode == 2


@pytest.mark.parametrize("arguments", [(), ("--sample", "also-a-file"), ("--format", "none", "file"), ("--unknown",)])
def test_wrong_use_is_told_and_exits_with_two(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: " in done.stderr


def test_a_missing_file_ends_the_run_before_anything_starts(write):
    done = run(write("here", trade()), "missing-file")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read missing-file: No such file or directory" in done.stderr


def test_a_folder_is_no_file(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 2
    assert f"cannot read {tmp_path}: Is a directory" in done.stderr


def test_a_csv_file_without_its_columns_is_refused_by_naming_those_found(write):
    done = run(write("file", b"when,what\n1,2\n"), "--format", "csv")
    assert done.returncode == 2
    assert "columns found: when, what" in done.stderr


def test_an_empty_file_is_warned_of_and_hurts_no_other(write):
    report, warnings = run_json(write("empty"), write("file", trade()))
    assert (report["lines"], report["trades"]) == (1, 1)
    assert "the file is empty" in warnings


def test_only_empty_files_give_an_empty_report(write):
    empty = write("empty", gzip.compress(b""))
    report, _ = run_json(empty)
    assert (report["lines"], report["symbols"], report["latency"]["sample_count"]) == (0, 0, 0)
    assert report["latency"]["p95_us"] is None
    assert "no update" in run(empty).stdout


def test_a_file_cut_in_mid_gzip_gives_what_can_be_read_and_exits_with_one(write):
    packed = gzip.compress(b"".join(trade(received_ns=i, price=str(i)) for i in range(1, 5000)))
    cut = write("cut", packed[: len(packed) // 2])
    report, warnings = run_json(cut, write("whole", trade("B")))
    assert report["files"][0]["damage"] == "cut off in mid-gzip"
    assert report["files"][0]["lines"] > 100
    assert report["files"][1]["trades"] == 1
    assert f"{cut}: cut off in mid-gzip, after" in warnings


def test_binary_garbage_is_counted_and_hurts_no_other(write):
    garbage = write("garbage", bytes(range(256)) * 100)
    report, warnings = run_json(garbage, write("file", trade()))
    assert report["files"][0]["malformed"] == report["files"][0]["lines"] == 101
    assert report["files"][1]["trades"] == 1
    assert "no price format recognised" in warnings


def test_a_line_of_ten_megabytes_is_malformed_at_most(write):
    long_ack = b'1 {"result":"' + b"x" * (9 << 20) + b'"}\n'
    longer = b'1 {"result":"' + b"x" * (11 << 20) + b'"}\n'
    report, _ = run_json(write("file", trade(), long_ack, longer, trade("B")))
    assert (report["lines"], report["trades"], report["ignored"], report["malformed"]) == (4, 2, 1, 1)


def test_malformed_lines_are_warned_of_with_the_first_of_them(write):
    report, warnings = run_json(write("file", trade(), b"5 {\n", b"nonsense\n"))
    assert report["malformed"] == 2
    assert "2 malformed lines, the first is line 2" in warnings


@pytest.fixture
def start(tmp_path):
    """Start a run that reads a pipe; return the process and the pipe's writing end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    started = []

    def start(stderr=subprocess.PIPE):
        command = [sys.executable, "-m", "pricecore", "run", str(path), "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        started.append(process)
        started.append(open_for_writing(path, process))
        return started

    yield start
    for one in reversed(started):
        one.kill() if isinstance(one, subprocess.Popen) else one.close()
    started[0].communicate()


def open_for_writing(path, process):
    """Open the pipe once the process reads it; fail when it has ended instead, where a plain open would hang."""
    while process.poll() is None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.01)
        else:
            os.set_blocking(descriptor, True)
            return os.fdopen(descriptor, "wb", buffering=0)
    raise AssertionError(process.communicate())


def wait_until_read(pipe):
    """Wait until the other side has taken all that was written, and had the time to work on it."""
    deadline_s = time.monotonic() + 60.0
    while struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]:
        assert time.monotonic() < deadline_s, "nothing reads the pipe"
        time.sleep(0.01)
    time.sleep(1.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_pipe_is_silent_still_gives_the_report(start, number):
    process, pipe = start()
    pipe.write(trade() * 3)
    wait_until_read(pipe)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    report = json.loads(output)
    assert (report["lines"], report["messages_received"], report["interrupted"]) == (3, 3, True)
    assert process.returncode == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_line_gives_an_empty_report(start, number):
    process, _ = start()
    time.sleep(1.0)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert (json.loads(output)["lines"], process.returncode) == (0, 130)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_the_work_leaves_accounts_that_add_up(start, number):
    process, pipe = start()
    with suppress(BrokenPipeError):
        for sent in itertools.count():
            pipe.write(trade() * 500)
            if sent == 200:
                process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    report = json.loads(output)
    assert report["interrupted"]
    assert 0 < report["lines"] == report["trades"] == report["messages_received"] == report["messages_processed"]
    assert process.returncode == 130


def test_progress_is_shown_on_a_terminal(start):
    terminal, stderr = pty.openpty()
    process, pipe = start(stderr)
    os.close(stderr)
    pipe.write(trade() * 3)
    shown = b""
    while b"3 lines" not in shown:
        shown += os.read(terminal, 1000)
    pipe.close()
    output, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert b"updates/s" in shown
    assert json.loads(output)["lines"] == 3

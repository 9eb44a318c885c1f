"""`pricecore perf-test` as a user runs it: a process of its own, its output and its exit code."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest


def perf_test(*arguments):
    command = [sys.executable, "-m", "pricecore", "perf-test", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_pass_reports_and_exits_with_0():
    done = perf_test()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("performance test: PASS\n")
    assert "10,000 updates" in done.stdout
    assert re.search(r"beside a dict +[\d,]+ ns an update, d\[s\] = \(p, v, t, c\) [\d,]+ ns: ratio \d", done.stdout)
    assert re.search(r"beside plain Python +the same work in Python [\d,]+ ns: ratio 0\.\d", done.stdout)


def test_json_is_one_object_alone_on_stdout():
    done = perf_test("--updates", "2000", "--threads", "2", "--rate", "20000", "--json")
    figures = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0 if figures["passed"] else 1, "")
    assert (figures["updates"], figures["applied"], figures["threads"]) == (2_000, 2_000, 2)
    assert figures["schedule_delay"]["sample_count"] == 2_000
    if figures["passed"]:
        beside = figures["beside"]
        assert beside["of_dict"] == pytest.approx(beside["update_ns"] / beside["dict_ns"])


def test_a_fail_exits_with_1():
    """The same command, on an engine that gets every price with the wrong sign."""
    script = (
        "import sys, pricecore.cli, pricecore.cli.perf_test as command\n"
        "class Refusing(command.PriceEngine):\n"
        "    def update(self, symbol, price): return super().update(symbol, -price)\n"
        "command.PriceEngine = Refusing\n"
        "sys.exit(pricecore.cli.main(['perf-test', '--updates', '100']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("performance test: FAIL\n  FAIL: ")
    assert "100 updates were refused {'price_not_positive': 100}" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--updates", "0"],
        ["--updates", "many"],
        ["--rate", "0"],
        ["--rate", "nan"],
        ["--rate", "-5"],
        ["--threads", "0"],
        ["--threads", "3", "--updates", "2"],
        ["file"],
    ],
)
def test_wrong_use_exits_with_2_and_says_why(arguments):
    done = perf_test(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_run_shows_its_progress_on_a_terminal_and_stops_at_a_signal(threads, number):
    terminal, stderr = pty.openpty()
    command = [sys.executable, "-m", "pricecore", "perf-test", "--rate", "1000", "--updates", "1000000"]
    with subprocess.Popen([*command, "--threads", threads], stdout=subprocess.PIPE, stderr=stderr) as process:
        os.close(stderr)
        shown = b""
        while b"of 1,000,000 updates" not in shown:
            shown += os.read(terminal, 4096)
        process.send_signal(number)
        try:
            assert process.wait(60) == 130
        finally:
            process.kill()
        assert process.stdout.read() == b""
    os.close(terminal)

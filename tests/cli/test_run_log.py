"""`pricecore run --log`: killed in the middle and started again it ends as if nothing had happened."""

import json
import math
import resource
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from helpers.market_data import DATA, needs_data

from pricecore import EventLog, PriceEngine
from pricecore.errors import LogNotFoundError

FILES = [
    (market, DATA / f"binance_{market}" / f"{pair}_20240808.gz")
    for market in ("spot", "usdm")
    for pair in ("btcusdt", "ethusdt")
]
KILLS = 2
LINES = 400_000
FIELDS = ["price", "volume", "change_24h", "timestamp_ns", "bid", "ask", "bid_size", "ask_size", "quote_timestamp_ns"]


def lines_in(folder):
    """Return how many lines the log says that it has."""
    try:
        with EventLog.open(folder) as log:
            position = log.source_position
    except LogNotFoundError:
        return 0
    return sum(json.loads(position)["lines"]) if position else 0


def kill_in_the_middle(arguments, folder):
    """Start a run and kill it once it has taken some lines more; return how many the log has then."""
    before = lines_in(folder)
    command = [sys.executable, "-m", "pricecore", "run", *arguments, "--log", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and lines_in(folder) == before:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return lines_in(folder)


def state_of(folder):
    """Return what an engine that begins with this log knows, by symbol."""
    with PriceEngine(log=folder) as engine:
        snapshot = engine.snapshot()
        return {
            symbol: [None if math.isnan(value) else value for value in (float(snapshot[f][i]) for f in FIELDS)]
            for i, symbol in enumerate(engine.symbols())
        }


def check_killed_run(run, arguments, tmp_path):
    """Run once undisturbed, once killed again and again: both end equal."""
    run.report(*arguments, "--log", tmp_path / "whole")
    taken = [kill_in_the_middle(arguments, tmp_path / "killed") for _ in range(KILLS)]
    assert taken == sorted(taken)
    assert taken[0] > 0
    report, _ = run.report(*arguments, "--log", tmp_path / "killed")
    assert lines_in(tmp_path / "killed") == lines_in(tmp_path / "whole") > taken[0]
    assert report["log"]["error"] is None
    verify = [sys.executable, "-m", "pricecore", "log", "verify", str(tmp_path / "killed")]
    judged = subprocess.run(verify, capture_output=True, text=True)
    assert (judged.returncode, judged.stdout.splitlines()[-1]) == (0, "good")
    assert state_of(tmp_path / "killed") == state_of(tmp_path / "whole")
    return taken


def test_a_killed_run_goes_on_behind_the_lines_that_its_log_has(run, write, tmp_path):
    prices = (run.trade(f"S{k % 13}", f"{k % 977}.5", k + 1, run.TIME_MS + k) for k in range(LINES))
    path = write("capture", *prices)
    check_killed_run(run, [str(path)], tmp_path)


@needs_data(*(path for _, path in FILES))
def test_a_killed_run_over_real_captures_ends_as_an_undisturbed_one(run, tmp_path):
    check_killed_run(run, [f"{market}={path}" for market, path in FILES], tmp_path)


def test_a_run_that_was_stopped_by_limit_goes_on(run, write, tmp_path):
    path = write("capture", *(run.trade("A", f"{k}.5", k + 1, run.TIME_MS + k) for k in range(1, 1_001)))
    for limit, last in ((400, 400.5), (400, 800.5), (400, 1_000.5)):
        assert run.prices(path, "--log", tmp_path / "log", "--limit", limit) == {"A": last}
    report, said = run.report(path, "--log", tmp_path / "log")
    assert report["lines"] == 0
    assert "1,000 lines are in the log already" in said


def test_a_log_of_other_files_is_refused(run, write, tmp_path):
    first, second = write("one", run.trade("A")), write("two", run.trade("A"))
    run.report(first, "--log", tmp_path / "log")
    assert "the log was written from" in run.refusal(second, "--log", tmp_path / "log")


@pytest.mark.parametrize("durability", ["memory", "disk"])
def test_the_report_says_how_far_the_log_is(run, write, tmp_path, durability):
    path = write("capture", run.trade("A"), run.trade("B"))
    report, _ = run.report(path, "--log", tmp_path / "log", "--durability", durability)
    assert (report["log"]["durable_sequence"], report["log"]["durability"]) == (4, durability)
    text = run.done(path, "--log", tmp_path / "other").stdout.decode()
    assert "logged records" in text
    assert str(tmp_path / "other") in text


def test_a_log_that_fails_in_the_middle_ends_with_code_1_and_every_price(run, write, tmp_path):
    path = write("capture", *(run.trade(f"S{k % 7}", f"{k}.5", k + 1, run.TIME_MS + k) for k in range(1, 200_001)))
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100_000, 100_000))
    done = run.done(path, "--log", tmp_path / "log", "--json", preexec_fn=limit)
    report = json.loads(done.stdout)
    assert "write failed at byte" in report["log"]["error"]
    assert (done.returncode, report["messages_processed"]) == (1, 200_000)
    assert "Traceback" not in done.stderr.decode()


def test_names_that_no_mark_can_hold_are_refused_before_a_line_is_taken(run, write, tmp_path):
    path = write("capture", run.trade("A"))
    files = [f"{'L' * 200}{k}={path}" for k in range(25)]
    assert "25 files are too many for one log" in run.refusal(*files, "--log", tmp_path / "log")


def test_a_folder_that_cannot_be_a_log_is_wrong_use(run, write, tmp_path):
    path = write("capture", run.trade("A"))
    assert "a log is a folder, this is a file" in run.refusal(path, "--log", path)

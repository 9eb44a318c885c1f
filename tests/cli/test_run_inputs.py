"""The shapes that `pricecore run` reads, as a user has them: captures, pipes, archives, tables, mapped fields."""

import gzip
import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

BARE = b'{"e":"trade","E":1,"s":"A","p":"1.5","q":"2","T":1723161255342}\n'
SECOND_NS = 10**9


def zipped(contents):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_cryptofeed_capture_is_read_without_what_was_sent(run, write):
    capture = write(
        "file",
        b"wss://stream.example.com/ws <-> 1633998511.9\n",
        b'wss://stream.example.com/ws <- 1633998512.1: {"e":"trade","s":"SENT","p":"9","q":"1","T":1}\n\n',
        b"1633998512.5: " + BARE,
    )
    report, warnings = run.report(capture)
    assert [price["symbol"] for price in report["prices"]] == ["A"]
    assert (report["lines"], report["ignored"], report["trades"], warnings) == (4, 3, 1, "")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("options", [(), ("--format", "binance")], ids=["recognised", "named"])
def test_bare_messages_come_on_standard_input(run, pack, options):
    report, warnings = run.report("-", *options, input=pack(b'{"result":null,"id":1}\n' + BARE * 3))
    assert (report["lines"], report["ignored"], report["trades"], warnings) == (4, 1, 3, "")
    assert report["files"][0]["path"] == "-"


def test_standard_input_can_be_labelled_and_merged_with_a_file(run, write):
    file = write("file", run.trade("B", received_ns=5))
    assert run.prices("live=-", file, input=BARE) == {"live:A": 1.5, "B": 1.5}
    assert "standard input can be read once" in run.refusal("-", "-", input=b"")


def test_empty_standard_input_gives_an_empty_report(run):
    for options in ((), ("--format", "binance"), ("--format", "csv")):
        report, warnings = run.report("-", *options, input=b"")
        assert (report["lines"], warnings.count("\n")) == (0, 1)
        assert "the file is empty" in warnings


def test_live_lines_are_taken_as_they_come():
    command = [sys.executable, "-m", "pricecore", "run", "-", "--format", "binance", "--limit", "2", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(BARE * 2)
        process.stdin.flush()  # and never closed: the limit alone ends the run
        assert json.loads(process.stdout.read())["trades"] == 2
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_standard_input_is_silent_gives_the_report(number):
    command = [sys.executable, "-m", "pricecore", "run", "-", "--format", "binance", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        wait_for_handlers(process)
        process.send_signal(number)
        report = json.loads(process.stdout.read())
        process.stdin.close()
    assert (report["interrupted"], process.returncode, report["pool"]["outstanding"]) == (True, 130, 0)


def wait_for_handlers(process):
    """Wait until the process has come so far as to catch SIGTERM, which it does last."""
    caught = 0
    while not caught >> (signal.SIGTERM - 1) & 1:
        assert process.poll() is None
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
        time.sleep(0.01)


def test_all_members_of_an_archive_are_read_under_names_of_their_own(run, write):
    archive = write(
        "file",
        zipped({"gc_201312.csv": b"1000,1.5,1,usa,,0\n3000,1.7,1,usa,,0\n", "gc_201402.csv": b"2000,2.5,1,usa,,0\n"}),
    )
    report, warnings = run.report(archive, "--symbol", "GC", "--date", "2013-10-08")
    assert warnings == ""
    assert {price["symbol"]: price["price"] for price in report["prices"]} == {"GC.201312": 1.7, "GC.201402": 2.5}
    assert [file["format"] for file in report["files"]] == ["futures"] * 2
    assert [file["path"].rpartition("/")[2] for file in report["files"]] == ["gc_201312.csv", "gc_201402.csv"]
    midnight_ns = 1_381_190_400 * SECOND_NS
    assert [price["timestamp_ns"] - midnight_ns for price in report["prices"]] == [3 * SECOND_NS, 2 * SECOND_NS]
    assert run.prices(f"x={archive}", "--symbol", "GC", "--limit", "2") == {"x:GC.201312": 1.5, "x:GC.201402": 2.5}


def test_members_of_an_archive_may_share_their_symbols(run, write):
    archive = write("file", zipped({"1.csv": b"symbol,price\nA,1\n", "2.csv": b"symbol,price\nA,2\n"}))
    report, warnings = run.report(archive)
    assert (report["symbols"], report["trades"], warnings) == (1, 2, "")


def test_an_empty_file_is_warned_of_once(run, write):
    for content in (b"", gzip.compress(b""), zipped({"a.csv": b"symbol,price\nA,1\n", "b.csv": b""})):
        _, warnings = run.report(write("file", content))
        assert warnings.count("\n") == warnings.count("the file is empty") == 1


def test_an_archive_of_one_file_keeps_the_symbol_as_it_is(run, write):
    assert run.prices(write("file", zipped({"a.csv": b"1000,481800,1,P,,0\n"})), "--symbol", "AIG") == {"AIG": 48.18}


def test_rows_without_a_symbol_ask_for_it(run, write):
    rows = write("file", b"1000,1.5,1.6\n")
    assert f"error: {rows}: no column for symbol" in run.refusal(rows)
    assert "--symbol" in run.refusal(rows)
    assert "--symbol" in run.refusal(write("other", b"price,time\n1,2023-09-05\n"))


def test_symbols_may_be_given_for_each_file(run, write):
    one, two = write("one", b"1000,1.5,1.6\n"), write("two", b"1000,2.5,2.6\n")
    report, warnings = run.report(one, two, "--symbol", "A", "--symbol", "B", "--date", "2014-05-08")
    assert ({price["symbol"]: price["bid"] for price in report["prices"]}, warnings) == ({"A": 1.5, "B": 2.5}, "")
    assert "A comes from both" in run.report(one, two, "--symbol", "A", "--date", "2014-05-08")[1]
    assert "2 times --symbol for 1 files" in run.refusal(one, "--symbol", "A", "--symbol", "B")


def test_times_of_the_day_without_a_date_are_warned_of_once(run, write):
    files = [write(name, b"1000,1.5,1.6\n") for name in ("one", "two")]
    report, warnings = run.report(*files, "--symbol", "A", "--symbol", "B")
    assert [price["quote_timestamp_ns"] for price in report["prices"]] == [0, 0]
    assert warnings.count("\n") == 1
    assert "and 1 more: times count from midnight; without --date" in warnings


def test_a_zone_dates_times_that_name_none(run, write):
    def time_ns(content, *options):
        report, _ = run.report(write("file", content), *options)
        return max(report["prices"][0][name] or 0 for name in ("timestamp_ns", "quote_timestamp_ns"))

    noon_ns = 1_693_915_200 * SECOND_NS
    assert time_ns(b"symbol,price,time\nA,1,2023-09-05T12:00\n") == noon_ns
    assert time_ns(b"symbol,price,time\nA,1,2023-09-05T12:00\n", "--tz", "Europe/Rome") == noon_ns - 7_200 * SECOND_NS
    fx = (b"43200000,1.5,1.6\n", "--symbol", "A", "--date", "2023-09-05")
    assert time_ns(*fx) == noon_ns
    assert time_ns(*fx, "--tz", "America/New_York") == noon_ns + 4 * 3_600 * SECOND_NS


def test_mapped_fields_read_json_lines(run, write):
    lines = write("file", b'17 {"d":{"s":"A","p":150},"T":1723161255342}\n{"d":{"s":"A","p":175}}\n{"ack":1}\n')
    mapping = ("--map", "symbol=d.s,price=d.p:/100,time=T:ms")
    report, _ = run.report(lines, *mapping)
    assert (report["trades"], report["ignored"], report["prices"][0]["price"]) == (2, 1, 1.75)
    assert run.prices("-", *mapping, input=b'{"d":{"s":"B","p":1}}\n') == {"B": 0.01}


def test_a_mapped_column_may_have_the_name_of_another_and_a_point(run, write):
    mapping = ("--map", "symbol=sym,price=px,bid=px.adj")
    report, warnings = run.report(write("file", b"sym,px,px.adj\nA,1.5,1.4\n"), *mapping)
    assert ([(price["price"], price["bid"]) for price in report["prices"]], warnings) == ([(1.5, 1.4)], "")
    assert run.report(write("empty"), *mapping)[0]["lines"] == 0
    messages = write("messages", b'{"sym":"A","px":{"adj":1.4}}\n')
    assert f"error: {messages}: 'px' is mapped and so is 'px.adj' inside it" in run.refusal(messages, *mapping)


def test_mapped_columns_read_tables_with_and_without_a_header(run, write):
    named = write("named", b"who;px\nA;1,5\nA;2.5\n")
    report, warnings = run.report(named, "--map", "symbol=who,price=px")
    assert (report["prices"][0]["price"], report["malformed"]) == (2.5, 1)
    assert "1 malformed lines, the first is line 2: " in warnings
    numbered = write("numbered", b"1000,150,X\n2000,250,X\n")
    assert run.prices(numbered, "--map", "time=1:ms-of-day,price=2:/100", "--symbol", "B") == {"B": 2.5}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--map", "price"), "'price' is not ROLE=FIELD"),
        (("--map", "price=p", "--format", "csv"), "give --format or --map, not both"),
        (("--date", "2262-04-11"), "'2262-04-11' is not within 1970-01-01 to 2262-04-10"),
        (("--date", "1969-12-31"), "'1969-12-31' is not within 1970-01-01 to 2262-04-10"),
        (("--limit", "abc"), "'abc' is not a whole number of at least 1"),
        (("--limit", "0"), "'0' is not a whole number of at least 1"),
        (("--date", "8.10.2013"), "'8.10.2013' is no day of the form YYYY-MM-DD"),
        (("--tz", "Mars"), "unknown time zone 'Mars'"),
        (("--speed", "fast"), "'fast' is none of max, realtime, x10"),
        (("--format", "nonesuch"), "invalid choice: 'nonesuch'"),
    ],
)
def test_wrong_options_are_named(run, write, options, words):
    assert words in run.refusal(write("file", run.trade()), *options)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped({}), "the zip archive is empty"),
        (zipped({"a.csv": b"1,2\n" * 1000})[:-20], "the zip archive is damaged"),
        (zipped({"readme.txt": b"nothing here\n"}), "the zip archive holds no CSV and no capture"),
    ],
    ids=["empty", "cut off", "without prices"],
)
def test_an_archive_that_is_of_no_use_is_refused(run, write, content, words):
    assert words in run.refusal(write("file", content))


def test_realtime_takes_as_long_as_the_recording(run, write):
    file = write("file", *(run.trade(received_ns=SECOND_NS + i * SECOND_NS // 10) for i in range(6)))
    report, _ = run.report(file, "--speed", "realtime")
    assert report["wall_s"] >= 0.5
    assert report["speed"] == 1.0
    faster, _ = run.report(file, "--speed", "x10")
    assert faster["wall_s"] >= 0.05
    assert faster["speed"] == 10.0
    assert run.report(file)[0]["speed"] is None
    assert b"at 10 times the speed of the recording" in run.done(file, "--speed", "x10").stdout


def test_tables_are_paced_by_their_own_times(run, write):
    rows = write("file", b"1000,1.5,1.6\n1400,1.5,1.6\n")
    assert run.report(rows, "--symbol", "A", "--speed", "realtime")[0]["wall_s"] >= 0.4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_wait_for_the_next_line(run, write, number):
    file = write("file", run.trade(received_ns=1), run.trade(received_ns=3_600 * SECOND_NS))
    command = [sys.executable, "-m", "pricecore", "run", str(file), "--speed", "realtime", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        wait_for_handlers(process)
        process.send_signal(number)
        report = json.loads(process.communicate(timeout=60)[0])
    assert report["lines"] <= 1
    assert (report["interrupted"], process.returncode) == (True, 130)


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"\x00\xff" * 50 + b"\n", b"x"], ids=["binary lines", "one line"])
def test_a_hundred_megabytes_of_garbage_take_no_memory(line):
    # Not the largest size that the system reports of a child: that of its parent, before it became another program.
    script = (
        "import re, sys; from pricecore.cli import main; code = main(['run', '-', '--json'])\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        block = line * ((1 << 20) // len(line))
        for _ in range(100):
            process.stdin.write(block)
        process.stdin.close()
        report = json.loads(process.stdout.read())
        largest_kib = int(process.stderr.read().splitlines()[-1])
    assert process.returncode == 0
    assert report["malformed"] == report["lines"] == (100 * len(block) // len(line) if line.endswith(b"\n") else 1)
    assert largest_kib < 150 << 10


def test_help_shows_every_option_with_what_it_takes(run):
    text = run.done("--help").stdout.decode()
    for words in ("--speed SPEED", "--map ROLE=FIELD,...", "--symbol NAME", "--date YYYY-MM-DD", "websocat"):
        assert words in text

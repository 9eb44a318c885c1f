"""What `pricecore run` warns of when options do nothing, and what it refuses because it could only wait."""

import pytest

BARE = b'{"e":"trade","E":1,"s":"A","p":"1.5","q":"2","T":1723161255342}\n'
UNDATED = b"1000,1.5,1.6\n2000,1.5,1.6\n"
SECOND_NS = 10**9


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--symbol", "B"), "--symbol"),
        (("--date", "2024-08-08"), "--date"),
        (("--tz", "Europe/Rome", "--symbol", "B", "--date", "2024-08-08"), "--symbol, --date, --tz"),
    ],
)
def test_options_of_tables_on_messages_are_warned_of_once(run, write, options, named):
    files = [write(name, run.trade(name)) for name in ("one", "two")]
    report, warnings = run.report(*files, *options)
    assert report["trades"] == 2
    assert warnings.count("\n") == 1
    assert f"warning: {named} without effect: messages as in {files[0]} and 1 more" in warnings


def test_options_that_one_of_the_files_heeds_are_not_warned_of(run, write):
    files = write("capture", run.trade()), write("rows", UNDATED)
    report, warnings = run.report(*files, "--symbol", "B", "--date", "2024-08-08", "--tz", "Europe/Rome")
    assert (report["symbols"], warnings) == (2, "")
    mapped = write("lines", b'{"p":1,"t":1000}\n')
    assert run.report(mapped, "--map", "price=p,time=t:ms-of-day", "--symbol", "B", "--date", "2024-08-08")[1] == ""


@pytest.mark.parametrize("speed", ["realtime", "x10"])
def test_a_speed_without_any_time_is_warned_of(run, write, speed):
    for file in (write("bare", BARE * 3), write("rows", b"symbol,price\nA,1\n")):
        assert run.report(file, "--speed", speed)[1] == (
            "pricecore run: warning: --speed without effect: no line has a time\n"
        )
    assert run.report(write("bare", BARE * 3))[1] == ""


def test_a_format_that_fits_no_line_is_warned_of(run, write):
    lines = write("file", b'{"sym":"A","px":1}\n' * 3)
    for options, name in ((("--format", "binance"), "binance"), (("--map", "symbol=s,price=p"), "ndjson")):
        report, warnings = run.report(lines, *options)
        assert (report["lines"], report["messages_received"]) == (3, 0)
        assert warnings == (
            f"pricecore run: warning: {lines}: no price in any of 3 lines; does {options[0]} fit ({name})?\n"
        )


def test_a_zip_on_standard_input_asks_for_its_name(run):
    assert "give `pricecore run` the name of the file" in run.refusal("-", input=b"PK\x03\x04" + bytes(100))


def test_rows_of_no_day_are_not_played_beside_dated_lines(run, write):
    capture, rows = write("capture", run.trade(received_ns=1_723_161_255 * SECOND_NS)), write("rows", UNDATED)
    refused = run.refusal(capture, rows, "--symbol", "B", "--speed", "realtime")
    assert f"--speed cannot play {rows} beside {capture}" in refused
    assert "give --date YYYY-MM-DD" in refused
    assert run.report(capture, rows, "--symbol", "B")[0]["lines"] == 3


def test_an_absurd_receive_time_is_not_waited_for(run, write):
    times_ns = (SECOND_NS, 9 * 10**18, 2 * SECOND_NS, 9 * 10**18)
    report, warnings = run.report(
        write("file", *(run.trade(received_ns=time_ns) for time_ns in times_ns)), "--speed", "realtime"
    )
    assert report["lines"] == 4
    assert warnings.count("waits of more than an hour are left out") == warnings.count("\n") == 1


def test_a_day_beside_its_dated_capture_can_be_played(run, write):
    capture, rows = write("capture", run.trade(received_ns=1_000)), write("rows", UNDATED)
    options = ("--symbol", "B", "--speed", "x100", "--date", "1970-01-01")
    assert run.report(capture, rows, *options)[0]["lines"] == 3

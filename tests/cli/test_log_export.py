"""`pricecore log export`: what it writes, says, and ends with."""

import csv
import io
import json
import subprocess
import sys

import pytest
from models.log_model import LogModel

import pricecore
from pricecore.cli import main

NOON = "2023-11-14T22:13:20.000200Z"  # 200 us behind the log's first moment


@pytest.fixture
def log(tmp_path) -> LogModel:
    found = LogModel(tmp_path / "log")
    names = [found.symbol(name) for name in ("A:X", "A:Y", "B:Z")]
    for k in range(300):
        found.price(names[k % 3], 100.0 + k)
        found.quote(names[k % 3], 50.0 + k)
        if k % 10 == 9:
            found.write()
        if k == 150:
            found.void()
            found.write()
            found.begin()
    return found


def run(*arguments) -> int:
    return main(["log", "export", *map(str, arguments)])


def rows(path) -> list[dict]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_all_prices_and_quotes_are_written_and_counted(log, tmp_path, capsys):
    out = tmp_path / "ticks.csv"
    assert run(log.folder, "--to", "csv", "--out", out) == 0
    found = rows(out)
    assert len(found) == 600
    assert [int(row["sequence"]) for row in found] == sorted(int(row["sequence"]) for row in found)
    assert {row["symbol"] for row in found} == {"A:X", "A:Y", "B:Z"}
    assert found[-1] | {"received": ""} == found[-1] | {"kind": "quote", "bid": "349.0", "price": "", "received": ""}
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{out}: 600 rows" in shown.err


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--symbols", "A:X"], 200),
        (["--symbols", "A:*"], 400),
        (["--symbols", "A:X", "B:Z"], 400),
        (["--kinds", "quote"], 300),
        (["--start", "400"], 205),
        (["--stop", "104"], 100),
        (["--start", "4", "--stop", "104", "--symbols", "A:Y", "--kinds", "price"], 17),
        (["--start", NOON], 404),
        (["--stop", NOON], 196),
    ],
)
def test_filters_take_what_they_say(log, arguments, count, tmp_path):
    out = tmp_path / "ticks.csv"
    assert run(log.folder, "--to", "csv", "--out", out, *arguments) == 0
    assert len(rows(out)) == count


def test_without_out_it_goes_to_stdout(log):
    command = [sys.executable, "-m", "pricecore", "log", "export", str(log.folder), "--to", "ndjson"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 600
    assert done.stderr.startswith(b"stdout: 600 rows")


def test_a_reader_that_goes_away_ends_it_without_a_traceback(log):
    command = f"{sys.executable} -m pricecore log export {log.folder} --to csv | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False)
    assert done.stdout.startswith(b"sequence,symbol,kind")
    assert b"Traceback" not in done.stderr


def test_with_json_what_was_written_is_one_object(log, tmp_path, capsys):
    out = tmp_path / "ticks.csv"
    assert run(log.folder, "--to", "csv", "--out", out, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {
        "out": str(out),
        "rows": 600,
        "first_sequence": 4,
        "last_sequence": 604,
        "size_bytes": out.stat().st_size,
    }


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--to", "xlsx"], "invalid choice: 'xlsx'"),
        ([], "the following arguments are required: --to"),
        (["--to", "csv", "--start", "noon"], "'noon' is neither a sequence nor a time"),
        (["--to", "csv", "--stop", "2024-01-01T00:00:00"], "has no time zone: 2024-01-01T00:00:00Z is UTC"),
        (["--to", "csv", "--kinds", "trade"], "invalid choice: 'trade'"),
    ],
)
def test_wrong_arguments_are_named(log, arguments, text, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(log.folder, *arguments)
    assert text in capsys.readouterr().err


def test_json_without_out_is_refused(log, capsys):
    assert run(log.folder, "--to", "csv", "--json") == 2
    assert "--json needs --out" in capsys.readouterr().err


def test_a_log_that_is_not_there_is_named_and_no_file_is_made(log, tmp_path, capsys):
    assert run(tmp_path / "nowhere", "--to", "csv", "--out", tmp_path / "ticks.csv") == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "ticks.csv").exists()


def test_without_pyarrow_the_message_says_what_to_install(log, tmp_path, monkeypatch, capsys):
    from pricecore.eventlog.export_arrow import arrow

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    arrow.cache_clear()
    try:
        assert run(log.folder, "--to", "parquet", "--out", tmp_path / "ticks.parquet") == 2
    finally:
        arrow.cache_clear()
    assert 'pip install "pricecore[export]"' in capsys.readouterr().err


def test_the_same_from_python(log, tmp_path):
    with pricecore.EventLog.open(log.folder) as opened:
        done = opened.export(tmp_path / "ticks.csv", "csv", "A:*", start=104)
        assert done.rows == len(rows(tmp_path / "ticks.csv"))
        assert done.first_sequence >= 104


def test_a_day_loads_into_polars_pandas_and_duckdb(log):
    pytest.importorskip("pyarrow")
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    pytest.importorskip("pandas")
    with pricecore.EventLog.open(log.folder) as opened:
        ticks = opened.to_arrow("A:*")
        assert polars.from_arrow(ticks).height == 400
        assert len(ticks.to_pandas()) == 400
        assert duckdb.sql("select count(*) from ticks").fetchall() == [(400,)]


def test_a_terminal_is_no_place_for_an_export(log, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["log", "export", str(log.folder), "--to", "csv"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--out FILE" in printed.err

"""`pricecore log compress`: what it does, says, and ends with."""

import json
import os
import time

import pytest
from helpers.compressed import require_zstd
from models.log_model import LogModel, flip

from pricecore.cli import main
from pricecore.cli.log_compress import age_s
from pricecore.eventlog.compressing import files_to_compress
from pricecore.eventlog.rewriting import rewriting

require_zstd()


@pytest.fixture
def log(tmp_path) -> LogModel:
    found = LogModel(tmp_path / "log")
    for file in range(3):
        if file:
            found.begin()
        found.fill(50, 10)
    return found


def run(*arguments) -> int:
    return main(["log", "compress", *map(str, arguments)])


def test_sealed_files_are_compressed_and_the_ratio_is_told(log, capsys):
    assert run(log.folder) == 0
    shown = capsys.readouterr()
    assert "2 files compressed; the last file is left as it is" in shown.out
    assert shown.out.splitlines()[-1].startswith("0.1 MiB -> 0.0 MiB, 1 : ")
    assert shown.err == ""
    assert files_to_compress(log.folder) == []


def test_with_json_one_object_alone_is_printed(log, capsys):
    assert run(log.folder, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert [file["records"] for file in report["files"]] == [500, 500]
    assert report["ratio"] == report["before_bytes"] / report["after_bytes"] > 3
    assert run(log.folder, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["files"], report["compressed_before"], report["ratio"]) == ([], 2, None)


def test_files_that_are_too_young_are_left_and_counted(log, capsys):
    first = files_to_compress(log.folder)[0]
    two_hours_ago_s = time.time() - 7_200
    os.utime(first, (two_hours_ago_s, two_hours_ago_s))
    assert run(log.folder, "--older-than", "1h") == 0
    assert "1 files compressed; 1 too young; the last" in capsys.readouterr().out
    assert first not in files_to_compress(log.folder)


def test_at_most_so_many_files(log, capsys):
    assert run(log.folder, "--most-files", 1, "--level", 19) == 0
    assert len(files_to_compress(log.folder)) == 1
    assert "1 files compressed" in capsys.readouterr().out


def test_the_level_is_that_of_zstd(log, capsys):
    sizes = []
    for level in (1, 19):
        first = files_to_compress(log.folder)[0]
        before = first.read_bytes()
        assert run(log.folder, "--most-files", 1, "--level", level) == 0
        sizes.append(first.stat().st_size)
        first.write_bytes(before)
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("90s", 90.0), ("10m", 600.0), ("1h", 3_600.0), ("1.5d", 129_600.0), ("0", 0.0)]
)
def test_ages_are_understood(text, seconds):
    assert age_s(text) == seconds


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--older-than", "1 hour"], "'1 hour' is no age such as 30s, 10m, 1h or 2d"),
        (["--older-than=-1h"], "'-1h' is no age"),
        (["--level", "23"], "'23' is no level from 1 to 22"),
        (["--level", "fast"], "'fast' is no level"),
        (["--most-files", "0"], "'0' is not a whole number of at least 1"),
    ],
)
def test_wrong_arguments_are_named(log, arguments, text, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(log.folder, *arguments)
    assert text in capsys.readouterr().err


def test_damage_is_named_and_ends_with_1(log, capsys):
    path = files_to_compress(log.folder)[1]
    flip(path, 8 * 5_000)
    assert run(log.folder) == 1
    assert f"pricecore log compress: error: {path}: damaged at byte" in capsys.readouterr().err


def test_a_log_that_somebody_else_compresses_is_left_alone(log, capsys):
    with rewriting(log.folder):
        assert run(log.folder) == 2
    assert "compresses or repairs this log" in capsys.readouterr().err
    assert len(files_to_compress(log.folder)) == 2


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert run(tmp_path / "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err

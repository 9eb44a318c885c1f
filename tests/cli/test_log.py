"""`pricecore log verify | stats | repair`."""

import json
import subprocess
import sys

import pytest
from models.log_model import LogModel, cut, flip

from pricecore.cli import COMMANDS, main
from pricecore.cli.log import ACTIONS
from pricecore.cli.percent_line import PercentLine


@pytest.fixture
def model(tmp_path) -> LogModel:
    model = LogModel(tmp_path / "log")
    model.fill(blocks=3, records=4)
    model.begin()
    model.symbol("KRAKEN:XBT")
    model.quote(1, 5.0)
    model.void()
    model.write(b"day.csv:7\xff")
    return model


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(["log", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def spoil(model: LogModel) -> None:
    flip(model.folder / "00000000000000000001.log", 8 * 500)


def test_verify_of_a_good_log_says_so(model, capsys):
    code, out, _ = run(capsys, "verify", model.folder)
    assert (code, out.splitlines()[-1]) == (0, "good")
    assert "15 records in 4 blocks and 2 files" in out


def test_verify_names_file_and_offset_of_damage_and_what_to_do(model, capsys):
    spoil(model)
    code, out, _ = run(capsys, "verify", model.folder)
    assert code == 1
    assert "DAMAGED: " in out
    assert "00000000000000000001.log, byte 448: the checksum of a block is wrong" in out
    assert "pricecore log repair" in out


def test_verify_tells_of_a_torn_tail_and_finds_no_damage(model, capsys):
    cut(model.path, model.path.stat().st_size - 1)
    code, out, _ = run(capsys, "verify", model.folder)
    assert code == 0
    assert "torn tail" in out
    assert "319 bytes with 3 records" in out


def test_verify_json_is_one_object(model, capsys):
    spoil(model)
    code, out, err = run(capsys, "verify", model.folder, "--json")
    facts = json.loads(out)
    assert (code, err, facts["ok"], facts["files"]) == (1, "", False, 2)
    assert facts["damages"][0]["offset"] == 448


def test_repair_says_what_was_lost_and_kept(model, capsys):
    spoil(model)
    code, out, _ = run(capsys, "repair", model.folder)
    assert code == 0
    assert "lost: sequences 5 to 8" in out
    assert "kept: " in out
    assert run(capsys, "verify", model.folder)[0] == 0
    code, out, _ = run(capsys, "repair", model.folder, "--json")
    assert (code, json.loads(out)["damages"]) == (0, [])


def test_stats_count_what_is_in_it(model, capsys):
    code, out, _ = run(capsys, "stats", model.folder, "--json")
    facts = json.loads(out)
    assert code == 0
    names = ("records", "prices", "quotes", "symbols", "voids", "known_symbols", "first_sequence", "last_sequence")
    assert [facts[name] for name in names] == [15, 11, 1, 2, 1, 2, 1, 15]
    assert facts["busiest"] == {"BINANCE:BTCUSDT": 11, "KRAKEN:XBT": 1}
    assert facts["source_position"] == "day.csv:7\\xff"
    assert facts["last_received_ns"] - facts["first_received_ns"] == 12_000


def test_stats_for_people_name_the_busiest_symbols(model, capsys):
    code, out, _ = run(capsys, "stats", model.folder)
    assert code == 0
    assert "15: 11 prices, 1 quotes" in out
    assert "BINANCE:BTCUSDT" in out


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_folder_without_a_log_is_wrong_use(tmp_path, capsys, action):
    if action not in ("verify", "repair", "stats"):
        pytest.skip("has tests of its own")
    code, out, err = run(capsys, action, tmp_path)
    assert (code, out) == (2, "")
    assert "holds no event log" in err


def test_errors_of_the_system_are_said_without_their_number(tmp_path, capsys):
    code, _, said = run(capsys, "stats", tmp_path / "typo")
    assert (code, said) == (2, f"pricecore log stats: error: {tmp_path / 'typo'}: there is no such folder\n")


def test_the_overview_names_every_action(capsys):
    with pytest.raises(SystemExit):
        main(["log", "--help"])
    overview = capsys.readouterr().out
    assert [action for action in ACTIONS if f"\n    {action} " not in overview] == []
    line = COMMANDS["log"]
    assert all(word in line for word in ("verify", "repair", "compress", "export"))


def test_damage_that_stops_stats_is_exit_code_1(model, capsys):
    spoil(model)
    code, _, err = run(capsys, "stats", model.folder)
    assert code == 1
    assert "damaged at byte 448" in err


def test_an_action_is_needed(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["log"])
    assert caught.value.code == 2
    assert "ACTION" in capsys.readouterr().err


def test_the_command_runs_in_a_process_of_its_own(model):
    command = [sys.executable, "-m", "pricecore", "log", "verify", str(model.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_a_terminal_sees_how_much_is_done_and_keeps_nothing_of_it():
    terminal = Terminal()
    with PercentLine(terminal) as progress:
        progress(1, 4)
    assert " 25%" in terminal.text
    assert terminal.text.endswith("\r\x1b[K")


def test_repair_of_a_good_log_says_that_nothing_was_changed(model, capsys):
    before = {path.name: path.read_bytes() for path in model.folder.iterdir()}
    code, out, _ = run(capsys, "repair", model.folder)
    assert (code, out) == (0, f"{model.folder}: nothing is damaged, nothing was changed\n")
    assert {path.name: path.read_bytes() for path in model.folder.iterdir()} == before


def test_stats_of_a_log_without_an_update_know_no_times(tmp_path, capsys):
    model = LogModel(tmp_path / "names")
    model.symbol("KRAKEN:XBT")
    model.write()
    code, out, _ = run(capsys, "stats", model.folder)
    assert code == 0
    (received,) = [line for line in out.splitlines() if line.startswith("received")]
    assert received.split() == ["received", "-", "to", "-"]

"""Names that mean harm to a terminal: what commands print has no character that one would obey."""

import json
import zipfile

import pytest
from models.log_model import LogModel

from pricecore.cli import main
from pricecore.cli.output import complain, printed, visible

HOSTILE = "\x1b[2J\x1b]0;x\x07\x9b\u202ea"
SHOWN = "\\x1b[2J\\x1b]0;x\\x07\\x9b\\u202ea"


@pytest.fixture
def folder(tmp_path):
    """A log with a symbol that clears the screen, and one that begins a line."""
    model = LogModel(tmp_path / "log")
    for symbol_id, name in enumerate((HOSTILE, "line\nDAMAGED: b")):
        model.symbol(name)
        model.price(symbol_id, 1.5)
    model.write(b"\x1b[31mposition")
    return model.folder


def obeyed(text: str) -> set[str]:
    return {char for char in text if not char.isprintable()} - {"\n"}


@pytest.mark.parametrize("command", [("log", "stats"), ("log", "verify"), ("replay",)])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_reports_show_symbols_as_plain_text(folder, capsys, command, options):
    assert main([*command, str(folder), *options]) == 0
    out = capsys.readouterr().out
    assert obeyed(out) == set()
    assert "\nDAMAGED" not in out
    if command != ("log", "verify") and not options:
        assert f"  {SHOWN}" in out
    if options:
        assert json.loads(out)


def test_run_shows_names_of_archives_and_their_members_as_plain_text(tmp_path, capsys):
    pytest.importorskip("msgspec", reason="no msgspec for this interpreter")
    path = tmp_path / "\x1b[31marchive"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\x1b[2Jmember", f"symbol,price\n{HOSTILE},1.5\nA,\x1b[2Jx\n")
        archive.writestr("other\x1b[0m", "nothing\n")
    main(["run", str(path)])
    printed_text = capsys.readouterr()
    assert obeyed(printed_text.out) == obeyed(printed_text.err) == set()
    assert "\\x1b[2J" in printed_text.err


@pytest.mark.parametrize("command", [("log", "stats"), ("replay",), ("run",), ("dashboard",)])
def test_errors_show_names_as_plain_text(tmp_path, capsys, command):
    assert main([*command, str(tmp_path / f"{HOSTILE}\udcff")]) == 2
    err = capsys.readouterr().err
    assert err
    assert obeyed(err) == set()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\nb"), ("ünïcode €", "ünïcode €"), ("שלום", "שלום"), (HOSTILE, SHOWN), ("a\rb\t\0", "a\\rb\\t\\x00")],
)
def test_all_but_line_ends_is_visible(text, shown):
    assert visible(text) == shown


def test_a_name_that_is_no_text_is_visible_too():
    assert visible("\udcff") == "\\udcff"


def test_what_a_program_reads_is_exact_unless_it_goes_to_a_terminal(capsys, monkeypatch):
    printed("metrics", HOSTILE, exact=True)
    assert capsys.readouterr().out == f"{HOSTILE}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    printed("metrics", HOSTILE, exact=True)
    assert capsys.readouterr().out == f"{SHOWN}\n"


def test_a_complaint_is_one_line_on_stderr(capsys):
    complain("run", HOSTILE, "warning")
    assert capsys.readouterr().err == f"pricecore run: warning: {SHOWN}\n"

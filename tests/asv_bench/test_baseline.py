"""The saved baseline: whom it is for, and that it never changes without a reason."""

import json
import platform
import re

import baseline
import pytest

KEY = "CPython 3.13.0, gcc 12.2.0, Cython 3.3.1, x86_64"
HEAD = "| date | entry | change | reason |\n| --- | --- | --- | --- |\n"


def figures(**calls):
    return json.dumps({KEY: {"libraries": {}, "instructions": calls}})


def row(reason, key=KEY):
    return f"| 2026-11-22 | {key} | update +4.0% | {reason} |\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "BASELINE.md").write_text(HEAD)
    return tmp_path


def test_the_key_names_interpreter_compiler_and_processor():
    key = baseline.build_key()
    assert re.fullmatch(r"\w+ [\d.]+\w*, (gcc|clang) [\d.]+, Cython [\d.]+, \w+", key), key
    assert platform.python_version() in key
    assert key.endswith(platform.machine())


def test_an_unchanged_baseline_needs_no_reason():
    assert baseline.unexplained(figures(update=900.0), figures(update=900.0), HEAD, HEAD) == []


def test_a_raised_baseline_without_a_reason_is_refused():
    assert baseline.unexplained(figures(update=940.0), figures(update=900.0), HEAD, HEAD) == [KEY]


def test_a_reason_of_before_does_not_count_again():
    reasons = HEAD + row("dearer for a good cause")
    assert baseline.unexplained(figures(update=940.0), figures(update=900.0), reasons, reasons) == [KEY]


def test_a_new_row_with_a_reason_lets_it_pass():
    assert baseline.unexplained(figures(update=940.0), figures(update=900.0), HEAD + row("checks more"), HEAD) == []


@pytest.mark.parametrize("new", [row(""), row("  "), row("checks more", key="another key"), "checks more\n"])
def test_a_row_without_a_reason_or_for_another_entry_is_none(new):
    assert baseline.unexplained(figures(update=940.0), figures(update=900.0), HEAD + new, HEAD) == [KEY]


def test_a_removed_entry_needs_a_reason_and_so_does_the_first():
    assert baseline.unexplained("{}", figures(update=900.0), HEAD, HEAD) == [KEY]
    assert baseline.unexplained(figures(update=900.0), "", HEAD, "") == [KEY]


def test_what_is_saved_is_explained_and_found_again(folder, capsys):
    baseline.save(KEY, {"update": 900.0}, "the first", "2026-11-22", folder)
    assert baseline.saved(KEY, folder) == {"update": 900.0}
    assert capsys.readouterr().out == ""
    now, reasons = ((folder / name).read_text() for name in ("baseline.json", "BASELINE.md"))
    assert baseline.unexplained(now, "", reasons, HEAD) == []


def test_the_row_names_what_moved(folder):
    baseline.save(KEY, {"update": 900.0, "get": 10.0, "price": 5.0}, "the first", "2026-11-22", folder)
    baseline.save(KEY, {"update": 945.0, "price": 5.0, "mid": 7.0}, "checks more", "2026-11-23", folder)
    last = (folder / "BASELINE.md").read_text().splitlines()[-1]
    assert last == f"| 2026-11-23 | {KEY} | update +5.0%, mid new, get gone | checks more |"


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "a | b"])
def test_a_reason_that_is_none_saves_nothing(folder, reason):
    with pytest.raises(ValueError, match="the reason must be one line"):
        baseline.save(KEY, {"update": 900.0}, reason, "2026-11-22", folder)
    assert not (folder / "baseline.json").exists()


def test_another_key_has_no_baseline_and_says_so(folder, capsys):
    baseline.save(KEY, {"update": 900.0}, "the first", "2026-11-22", folder)
    assert baseline.saved("CPython 3.12.1, clang 17.0, Cython 3.3.1, arm64", folder) == {}
    assert capsys.readouterr().out.startswith("SKIP baseline: none saved for CPython 3.12.1")


def test_a_decoding_call_is_left_out_with_another_decoder(folder, capsys, monkeypatch):
    monkeypatch.setitem(baseline.LOOPS, "feed_x", baseline.LOOPS["update"]._replace(library="msgspec"))
    baseline.save(KEY, {"update": 900.0, "feed_x": 5_000.0}, "the first", "2026-11-22", folder)
    monkeypatch.setattr(baseline, "libraries", lambda: {"numpy": "0", "msgspec": "0"})
    assert baseline.saved(KEY, folder) == {"update": 900.0}
    assert "here is 0; SKIP feed_x" in capsys.readouterr().out

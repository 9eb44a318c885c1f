"""`pricecore top --once`, and what is said where nothing can be drawn."""

import json
import os
import subprocess
import sys

import pytest
from helpers.writers import UNTIL_TOLD, writer

from pricecore.observe import dashboard_state

UPDATED = 'engine.update("A[red]\\x1b[31m", 61829.77, 0.5)\nengine.update_quote("B", 1.0, 2.0)\n' + UNTIL_TOLD
WITHOUT_EXTRA = "import sys; sys.modules['textual'] = sys.modules['rich'] = None; from pricecore.cli import main; "


@pytest.fixture(scope="module")
def feeding(folder):
    with writer("md", UPDATED) as process:
        yield process


def top(*arguments, program=("-m", "pricecore"), **options):
    command = [sys.executable, *program, "top", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout, done.stderr


def test_once_prints_the_figures_and_prices_as_text(feeding):
    code, out, err = top("md", "--once")
    assert (code, err) == (0, "")
    assert out.startswith("md: live, ")
    assert "  processed        2\n" in out
    assert "target met: p95 below 1 ms" in out
    assert "A[red]\\x1b[31m" in out
    assert "61,829.77" in out
    assert "\x1b" not in out


def test_once_works_without_the_extra(feeding):
    program = ("-c", WITHOUT_EXTRA + "sys.exit(main(sys.argv[1:]))")
    code, out, err = top("md", "--once", program=program)
    assert (code, err) == (0, "")
    assert out.startswith("md: live, ")


def test_once_with_json_is_the_state_alone(feeding, engine_state):
    code, out, err = top("md", "--once", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    state = json.loads(out)
    assert state.keys() == engine_state.keys()
    assert (state["name"], state["status"], state["messages_processed"]) == ("md", "live", 2)


@pytest.fixture
def engine_state(engine_named_other):
    return dashboard_state(engine_named_other)


@pytest.fixture
def engine_named_other(folder):
    from pricecore import PriceEngine

    with PriceEngine("other", max_symbols=1_024, ring_capacity=1_024) as engine:
        yield engine


def test_several_names_are_printed_one_behind_the_other(feeding, engine_named_other):
    code, out, _ = top("md", "other", "md", "--once")
    assert (code, out.count("md: live"), out.count("other: live")) == (0, 1, 1)
    states = json.loads(top("md", "other", "--once", "--json")[1])["engines"]
    assert [state["name"] for state in states] == ["md", "other"]


def test_an_engine_that_is_not_there_is_exit_code_1(feeding):
    code, out, err = top("nowhere", "--once")
    assert (code, err) == (1, "")
    assert out.startswith("nowhere: not found, ")
    assert "no segment 'nowhere'" in out
    code, out, _ = top("md", "nowhere", "--once", "--json")
    assert code == 1
    assert [state["status"] for state in json.loads(out)["engines"]] == ["live", "not found"]


def test_the_filter_chooses_the_prices(feeding):
    out = top("md", "--once", "--filter", "b")[1]
    assert "1 of 2 match b" in out
    assert "61,829.77" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--once"], "--once needs the name of an engine"),
        (["md", "--json"], "--json needs --once"),
        (["a/b", "--once"], "a/b"),
        (["", "--once"], "name"),
        (["x" * 65, "--once"], "x" * 65),
        (["md"], "standard input is no terminal: use --once"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(feeding, arguments, said):
    code, out, err = top(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("pricecore top: error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_killed_writer_is_exit_code_1_with_its_last_figures():
    with writer("dead", UPDATED) as process:
        process.kill()
        process.wait()
        code, out, _ = top("dead", "--once")
    assert code == 1
    assert out.startswith("dead: writer gone, ")
    assert "61,829.77" in out


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(feeding, term):
    code, said = on_terminal("-m", "pricecore", "top", "md", term=term)
    assert code == 2
    assert f"a terminal of the kind {term or 'unknown'!r} cannot be drawn on: use --once" in said


def test_without_the_extra_it_says_what_to_install(feeding):
    code, said = on_terminal("-c", WITHOUT_EXTRA + "sys.exit(main(['top', 'md']))", term="xterm-256color")
    assert code == 2
    assert said.strip() == (
        'pricecore top: error: Textual is not installed: pip install "pricecore[tui]", or use --once'
    )


def on_terminal(*arguments, term):
    """Run on a terminal of this kind; return the exit code and what it said."""
    leader, follower = os.openpty()
    try:
        ends = {"stdin": follower, "stdout": follower, "stderr": follower}
        done = subprocess.run([sys.executable, *arguments], timeout=60, env=os.environ | {"TERM": term}, **ends)
        return done.returncode, os.read(leader, 65_536).decode()
    finally:
        os.close(leader)
        os.close(follower)

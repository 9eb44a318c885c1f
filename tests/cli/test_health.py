"""`pricecore health NAME`, and what `pricecore info` says and does about named engines."""

import json
import os
import subprocess
import sys

import pytest
from helpers.segments import own_segments
from helpers.writers import SMALL

from pricecore import EngineView, PriceEngine, attach
from pricecore.cli.health import examine


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    with own_segments(monkeypatch) as folder:
        yield folder


@pytest.fixture
def engine():
    with PriceEngine("md", **SMALL) as engine:
        yield engine


def run(*arguments):
    command = [sys.executable, "-m", "pricecore", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_engine_with_a_price_of_just_now_is_healthy(engine):
    engine.update("A", 1.0)
    engine.update_quote("B", 1.0, 2.0)
    engine.register("C")
    said = "md: healthy: 2 of 3 symbols had a price or quote within 3600 s\n"
    assert run("health", "md", "--max-age-s", "3600") == (0, said)


def test_json_is_one_object(engine):
    engine.update("A", 1.0)
    code, text = run("health", "md", "--max-age-s", "3600", "--json")
    assert (code, text.count("\n")) == (0, 1)
    facts = json.loads(text)
    assert (facts["healthy"], facts["alive"], facts["symbols"], facts["fresh_symbols"]) == (True, True, 1, 1)


def test_engine_without_a_price_is_not_healthy(engine):
    engine.register("A")
    assert run("health", "md") == (1, "md: unhealthy: no price or quote within 5 s, of 1 symbols\n")


def test_price_that_is_too_old_is_not_counted(engine):
    engine.update("A", 1.0)
    with attach("md") as view:
        facts = examine(view, 1e-9)
    assert (facts["healthy"], facts["symbols"], facts["fresh_symbols"]) == (False, 1, 0)


def test_engine_whose_writer_is_gone_is_not_healthy(engine):
    engine.update("A", 1.0)
    pid = engine.segment.writer_pid
    engine.close()
    said = f"md: unhealthy: its writer, process {pid}, is gone\n"
    assert run("health", "md", "--max-age-s", "3600") == (1, said)


@pytest.mark.parametrize("name", ["none", "a/b"])
def test_name_without_an_engine_is_not_healthy(name):
    code, text = run("health", name)
    assert (code, text.count("\n")) == (1, 1)
    assert text.startswith(f"{name}: unhealthy: ")


class Growing(EngineView):
    """Gets new symbols between any two looks."""

    __slots__ = ()

    def stale_symbols(self, max_age_s):
        engines[0].register([f"S{i}" for i in range(100)])
        return super().stale_symbols(max_age_s)

    def snapshot(self):
        prices = super().snapshot()
        engines[0].register([f"S{i}" for i in range(100)])
        return prices


engines = []


def test_symbols_that_come_meanwhile_do_not_make_the_count_wrong(engine):
    engines[:] = [engine]
    engine.update("A", 1.0)
    with Growing("md") as view:
        facts = examine(view, 3_600.0)
    assert (facts["healthy"], facts["symbols"], facts["fresh_symbols"]) == (True, 1, 1)


def test_orphans_are_removed_and_named_and_nothing_else(engine, folder):
    PriceEngine("old", **SMALL).close()
    (folder / "pricecore-notes").write_text("mine")
    assert run("info", "--remove-orphaned") == (0, "removed old\n")
    assert run("info", "--remove-orphaned", "--json") == (0, '{"removed": []}\n')
    assert sorted(path.name for path in folder.iterdir()) == ["pricecore-md", "pricecore-md.wait", "pricecore-notes"]


def test_name_that_no_engine_has_is_said_with_what_to_do():
    said = "md: unhealthy: no segment 'md': start its writer, PriceEngine('md'), or see `pricecore info --segments`\n"
    assert run("health", "md") == (1, said)


@pytest.mark.parametrize("age", ["x", "0", "nan"])
def test_age_that_is_none_is_wrong_use(age):
    command = [sys.executable, "-m", "pricecore", "health", "md", "--max-age-s", age]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"argument --max-age-s: {age!r} is not a number of seconds above 0" in done.stderr


def test_named_engines_are_listed_with_writer_and_size(engine):
    code, text = run("info", "--segments")
    title, row = text.splitlines()
    assert code == 0
    assert title.split() == ["name", "writer", "generation", "size"]
    assert row.split()[:4] == ["md", str(os.getpid()), "alive", "1"]


def test_named_engines_as_json_say_whether_their_writer_lives(engine):
    engine.close()
    (found,) = json.loads(run("info", "--segments", "--json")[1])["segments"]
    assert (found["name"], found["alive"], found["trouble"]) == ("md", False, "")


def test_a_machine_without_named_engines_says_where_they_would_be(folder):
    assert run("info", "--segments") == (0, f"no named engine in {folder}\n")

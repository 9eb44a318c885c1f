"""The list of mistakes follows the code: each can still be made, and the tests that must notice it exist."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())["mutant"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one["name"])
def test_each_mistake_can_be_made_in_one_place(mutant):
    text = (ROOT / mutant["file"]).read_text()
    assert text.count(mutant["find"]) == 1
    assert mutant["find"] != mutant["replace"]
    assert all((ROOT / test).exists() for test in mutant["tests"])


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one["name"])
def test_each_mistake_is_built_into_modules_that_see_it(mutant):
    modules = mutant.get("modules", [])
    assert bool(modules) == mutant["file"].endswith(".pxd")
    assert all((ROOT / "pricecore" / module).with_suffix(".pyx").exists() for module in modules)


def test_every_room_that_must_not_be_wrong_has_some():
    assert {mutant["room"] for mutant in MUTANTS} >= {"validation", "percentiles", "order check", "ring", "eviction"}
    assert len({mutant["name"] for mutant in MUTANTS}) == len(MUTANTS)

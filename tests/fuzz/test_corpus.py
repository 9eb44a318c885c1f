"""Every input that the fuzzer began with or found goes through its target, on whatever build is tested."""

from importlib import import_module

import pytest
from helpers.compressed import require_zstd

from fuzz.harness import CORPUS, TARGETS, Broken, demand, outcome_of
from pricecore.errors import PricecoreError

MAX_CORPUS_BYTES = 300_000


@pytest.fixture(autouse=True)
def no_warnings(caplog):
    caplog.set_level("CRITICAL", "pricecore")


def inputs():
    return [(target, path.name) for target in TARGETS for path in sorted((CORPUS / target).iterdir())]


@pytest.mark.parametrize(("target", "name"), inputs())
def test_no_input_of_the_corpus_breaks_a_promise(target, name):
    if target == "payload" or "compressed" in name:
        require_zstd()
    import_module(f"fuzz.target_{target}").check((CORPUS / target / name).read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_an_input_of_nothing_breaks_no_promise(target):
    if target == "payload":
        require_zstd()
    import_module(f"fuzz.target_{target}").check(b"")


def test_the_corpus_is_small_and_has_seeds_for_every_target():
    sizes = [path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(sizes) < MAX_CORPUS_BYTES
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(TARGETS)


def test_what_no_reader_promises_is_a_finding():
    def fails():
        raise PricecoreError("documented")

    assert isinstance(outcome_of(fails), PricecoreError)
    with pytest.raises(PricecoreError):
        outcome_of(fails, OSError)
    with pytest.raises(Broken, match="sequences ascend: 3"):
        demand(False, "sequences ascend", 3)

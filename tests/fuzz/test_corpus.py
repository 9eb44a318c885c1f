"""Every input that the fuzzer began with or found goes through its target, on whatever build is tested."""

import faulthandler
from importlib import import_module

import pytest
from helpers.compressed import require_zstd

from fuzz.harness import CORPUS, TARGETS, Broken, demand, outcome_of
from pricecore.errors import PricecoreError

MAX_CORPUS_BYTES = 300_000


@pytest.fixture(autouse=True)
def no_warnings(caplog):
    caplog.set_level("CRITICAL", "pricecore")


@pytest.fixture(autouse=True)
def no_hang():
    """End the process when an input takes for ever, in compiled code perhaps: far from what any machine needs."""
    faulthandler.dump_traceback_later(300, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def inputs():
    return [(target, path.stem) for target in TARGETS for path in sorted((CORPUS / target).glob("*.input"))]


def check_of(target):
    """Return what the target does with an input, or skip the test where something that it needs is not installed."""
    if target in ("log", "repair", "payload"):
        require_zstd()
    if target in ("feed", "table"):
        pytest.importorskip("msgspec", reason="no msgspec for this interpreter")
    return import_module(f"fuzz.target_{target}").check


@pytest.mark.parametrize(("target", "name"), inputs())
def test_no_input_of_the_corpus_breaks_a_promise(target, name):
    check_of(target)((CORPUS / target / f"{name}.input").read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_an_input_of_nothing_breaks_no_promise(target):
    check_of(target)(b"")


def test_the_corpus_is_small_and_has_seeds_for_every_target():
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MAX_CORPUS_BYTES
    assert {path.suffix for path in files} == {".input"}
    assert {path.parent.name for path in files} == {path.name for path in CORPUS.iterdir()} == set(TARGETS)


def test_what_no_reader_promises_is_a_finding():
    def fails():
        raise PricecoreError("documented")

    assert isinstance(outcome_of(fails), PricecoreError)
    with pytest.raises(PricecoreError):
        outcome_of(fails, OSError)
    with pytest.raises(Broken, match="sequences ascend: 3"):
        demand(False, "sequences ascend", 3)

"""missed.toml follows the code, and what ci/coverage holds against it."""

from pathlib import Path

import pytest
from line_coverage.accounts import Account, accounts, excluded, judged

ROOT = Path(__file__).resolve().parents[2]
A_MISSED_LINE = ("pricecore/a.py", 7, "raise MemoryError()")


def account(file: str = "pricecore/a.py", sometimes: bool = False) -> Account:
    return Account(file, ["raise MemoryError()"], "memory never ends in a test", sometimes)


def sources() -> dict[str, set[str]]:
    paths = [path for path in (ROOT / "pricecore").rglob("*.p*") if path.suffix in {".py", ".pyx", ".pxd"}]
    return {
        path.relative_to(ROOT).as_posix(): {line.strip() for line in path.read_text().splitlines()} for path in paths
    }


def test_every_line_on_the_list_stands_in_its_file():
    texts = sources()
    texts["*"] = set().union(*texts.values())
    gone = [(one.file, line) for one in accounts() for line in one.lines if line not in texts.get(one.file, ())]
    assert gone == []


def test_every_entry_has_a_reason():
    assert accounts()
    assert all(len(one.reason) > 10 for one in accounts())


def test_every_file_that_is_not_counted_exists_and_has_a_reason():
    assert all((ROOT / file).is_file() and len(reason) > 10 for file, reason in excluded().items())


def test_a_missed_line_with_a_reason_is_no_complaint():
    assert judged([A_MISSED_LINE], [account()]) == []
    assert judged([A_MISSED_LINE], [account("*")]) == []


def test_a_missed_line_without_a_reason_is_named():
    (complaint,) = judged([A_MISSED_LINE], [])
    assert "pricecore/a.py:7" in complaint
    assert "raise MemoryError()" in complaint


def test_a_reason_holds_for_its_own_file_only():
    assert len(judged([A_MISSED_LINE], [account("pricecore/b.py", sometimes=True)])) == 1


@pytest.mark.parametrize(("sometimes", "complaints"), [(False, 1), (True, 0)])
def test_a_reason_that_nothing_needs_is_named_unless_it_is_needed_only_sometimes(sometimes, complaints):
    assert len(judged([], [account(sometimes=sometimes)])) == complaints

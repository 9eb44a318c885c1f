"""SECURITY.md promises nothing without a test that is there."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "SECURITY.md"
TEST = re.compile(r"`(\w+/test_\w+\.py)`")


def test_every_test_that_it_names_is_there():
    named = set(TEST.findall(DOCUMENT.read_text()))
    assert len(named) > 20
    assert {name for name in named if not (TESTS / name).is_file()} == set()


def test_every_promise_in_a_table_names_a_test():
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and line.count("|") == 5]
    promises = [row for row in rows if not row.startswith(("| an attacker |", "| --- |"))]
    assert len(promises) > 25
    assert [row for row in promises if not TEST.search(row.split("|")[4])] == []

"""README is a promise: its example runs, and its sample output is what the command prints."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

reason = "no msgspec for this interpreter"
formats = pytest.importorskip("pricecore.feeds.formats", reason=reason, exc_type=ImportError)

README = Path(__file__).parent.parent / "README.md"
TIMES = re.compile(r"\d[\d,.]* (?:s|us|/s|updates/s)\b|p\d+ [\d.,]+|max [\d.,]+")


def test_the_examples_run_as_shown(monkeypatch, tmp_path):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))  # one example registers a format
    results = doctest.testfile(str(README), module_relative=False)
    assert results.attempted > 3
    assert results.failed == 0


def without_times(report: str) -> list[str]:
    """Return the words of a report, with every duration and rate taken out."""
    return TIMES.sub("", report).split()


def test_the_sample_report_is_what_the_command_prints():
    shown = re.search(r"```\n(pricecore run: .*?)```", README.read_text(), re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-m", "pricecore", "run", "--sample"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    assert without_times(printed) == without_times(shown[1])


def test_every_link_to_a_file_leads_to_one():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text())
    assert len(links) >= 4
    assert [link for link in links if not (README.parent / link).exists()] == []

"""README is a promise: its example runs, and its sample output is what the command prints."""

import doctest
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

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


def run(*arguments: str, folder: Path) -> str:
    """Return what a command of README prints."""
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=folder).stdout


def test_the_report_of_a_replay_is_what_the_command_prints(tmp_path):
    shown = re.search(r"```\n(pricecore replay: .*?)```", README.read_text(), re.DOTALL)
    assert shown is not None
    run("-m", "pricecore", "run", "--sample", "--log", "ticks", folder=tmp_path)
    printed = run("-m", "pricecore", "replay", "ticks", folder=tmp_path)
    without_spans = [re.sub(r"(recorded +)[\d.]+", r"\1", text) for text in (printed, shown[1])]
    assert without_times(without_spans[0]) == without_times(without_spans[1])
    assert run("-m", "pricecore", "log", "verify", "ticks", folder=tmp_path).endswith("\ngood\n")


def test_a_second_process_reads_what_readme_shows(monkeypatch, tmp_path):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    lines = re.search(r"```sh\n(python -P -i -c .*?)```\n\n```\n(.*?)```", README.read_text(), re.DOTALL)
    assert lines is not None
    writes, reads = (re.search(r"-c '(.*)'", line)[1] for line in lines[1].splitlines())
    with subprocess.Popen([sys.executable, "-P", "-i", "-c", writes], stdin=PIPE, stdout=PIPE, stderr=PIPE) as first:
        first.stdin.write(b"print('ready', flush=True)\n")
        first.stdin.flush()
        first.stdout.readline()
        assert run("-c", reads, folder=tmp_path) == lines[2]


def test_every_link_to_a_file_leads_to_one():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text())
    assert len(links) >= 4
    assert [link for link in links if not (README.parent / link).exists()] == []

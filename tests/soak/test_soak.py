"""A short soak is whole: faults, a log that is read back, a report. `ci/soak --hours 24` is the run that is meant."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.processes import started
from helpers.waiting import PATIENCE_S

pytest.importorskip("msgspec", reason="no msgspec for this interpreter")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

TESTS = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "soak", "--rate", "2000", "--sample-every", "1", "--keep-mib", "8"]


@contextlib.contextmanager
def soaking(tmp_path, *arguments):
    """Start a soak; whatever becomes of it, its disk is unmounted."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH", "")]))
    out = tmp_path / "out"
    command = [*COMMAND, "--out", out, *arguments]
    try:
        with started(*command, folder=tmp_path, printed=tmp_path / "said", PYTHONPATH=path, PYTHONSAFEPATH="1") as soak:
            yield soak, out
    finally:
        if os.path.ismount(out / "disk"):
            subprocess.run(["umount", "--lazy", out / "disk"], check=True)


def report_of(out):
    assert {"report.txt", "samples.csv", "soak.svg"} <= {path.name for path in out.iterdir()}
    assert not (out / "disk").exists()
    return json.loads((out / "report.json").read_text())


def test_a_short_soak_finds_nothing_wrong_and_says_so(tmp_path):
    with soaking(tmp_path, "--seconds", "20", "--fault-every", "2.5") as (soak, out):
        code = soak.process.wait(4 * PATIENCE_S)
        assert code == 0, soak.text
        report = report_of(out)
    assert report["passed"]
    assert report["events"][0]["fault"] == "reader_killed"
    assert report["audit"]["chunks_compared"] >= 1
    assert {one["passed"] for one in report["slopes"]} == {None}, "20 s say nothing about growth"


def test_ctrl_c_ends_a_soak_with_the_report_so_far(tmp_path):
    with soaking(tmp_path, "--hours", "1") as (soak, out):
        soak.until_said("published")
        soak.process.send_signal(signal.SIGINT)
        assert soak.process.wait(4 * PATIENCE_S) == 0, soak.text
        assert "stopped: the report of what there is so far" in soak.text
        assert report_of(out)["ran_s"] < 3_600

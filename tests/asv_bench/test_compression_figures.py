"""The figures of compression: what they are of, and that nothing is measured that does not come back."""

import subprocess
import sys
from pathlib import Path

import compression_figures
import pytest
from helpers.compressed import require_zstd

require_zstd()
SCRIPT = Path(compression_figures.__file__)


def test_a_row_gives_ratio_speed_and_the_time_of_each():
    found = compression_figures.row("records", 3, [bytes(64_000_000)], [4.0, 0.5, 0.25], 1_000_000, "record")
    assert found.split() == ["records", "3", "4.00", "128", "MB/s", "256", "MB/s", "2.00", "M", "records/s"]
    found = compression_figures.row("messages", 3, [bytes(150)] * 10, [2.0, 20e-6, 40e-6], 10, "message")
    assert found.split()[-2:] == ["2.00", "us"]


def test_what_does_not_come_back_is_no_figure():
    with pytest.raises(ValueError, match="not what went in"):
        compression_figures.figures([b"one", b"two"], lambda piece: piece, lambda piece: b"one")


@pytest.mark.slow
def test_the_sample_gives_a_table():
    pytest.importorskip("msgspec")
    done = subprocess.run([sys.executable, SCRIPT, "--sample"], capture_output=True, text=True, check=True, timeout=120)
    rows = [line for line in done.stdout.splitlines() if line.startswith(("records", "messages"))]
    assert len(rows) == 12
    assert "3,193 records" in done.stderr

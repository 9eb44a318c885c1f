"""Logs written by version 1 of the format stay readable for ever."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pricecore import EventLog
from pricecore.eventlog.verifying import verify

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())


def found_in(folder: Path) -> dict:
    with EventLog.open(folder) as log:
        records = b"".join(block.tobytes() for block in log)
        return {
            "records": len(log),
            "sha256": hashlib.sha256(records).hexdigest(),
            "last_sequence": log.last_sequence,
            "symbols": log.symbols(),
            "gaps": [[gap.first_sequence, gap.last_sequence] for gap in log.gaps],
            "position": log.source_position.decode(),
        }


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_golden_log_gives_what_was_written_into_it(name):
    if name == "v1-compressed":
        pytest.importorskip("backports.zstd", reason="no zstd for this interpreter") if not has_zstd() else None
    assert found_in(GOLDEN / name) == EXPECTED[name]
    assert verify(GOLDEN / name).ok


def has_zstd() -> bool:
    try:
        import compression.zstd  # noqa: F401
    except ImportError:
        return False
    return True


def test_a_golden_log_with_its_index_is_read_from_the_middle(tmp_path):
    folder = shutil.copytree(GOLDEN / "v1-plain", tmp_path / "log")
    with EventLog.open(folder) as log:
        assert [int(sequence) for block in log.blocks(16, 20) for sequence in block["sequence"]] == [16, 17, 18, 19]


def test_the_torn_golden_log_says_how_much_is_lost():
    with EventLog.open(GOLDEN / "v1-torn") as log:
        assert log.torn[1:3] == (156, 3)

"""Names are exchanged in one step, or not at all."""

import pytest

from pricecore.primitives.exchange import exchange_files


@pytest.fixture
def pair(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("2")
    if not exchange_files(one, other):
        pytest.skip("this file system cannot exchange names")
    return one, other


def test_two_files_have_each_other_s_name(pair):
    assert [path.read_text() for path in pair] == ["2", "1"]


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_does_not_come_to_be(pair, missing):
    pair[missing].unlink()
    with pytest.raises(FileNotFoundError, match="one"):
        exchange_files(*pair)
    assert not pair[missing].exists()
    assert pair[1 - missing].exists()

"""A real, small file system that is full: a segment without room is an error when it is made, and leaves nothing."""

import os
import shutil
import subprocess

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, SegmentError, attach

SMALL_BYTES = 4 << 20  # room for one segment of these sizes, not for two


@pytest.fixture
def small_folder(tmp_path, monkeypatch):
    """A tmpfs of its own; skipped where this process may not mount one."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "pricecore", tmp_path], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"this system does not let root mount: {mounted.stderr.strip()}")
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_segment_that_does_not_fit_says_what_it_needs_and_what_there_is(small_folder):
    with pytest.raises(SegmentError) as raised:
        PriceEngine("md")
    text = str(raised.value)
    assert f"{small_folder} has {SMALL_BYTES:,} free" in text
    for word in (
        "the segment needs 3",
        "max_symbols, ring_capacity or latency_window",
        "--shm-size",
        "PRICECORE_SHM_DIR",
    ):
        assert word in text
    assert list(small_folder.iterdir()) == []
    with pytest.raises(SegmentError, match="no segment"):
        attach("md")


def test_file_system_that_others_have_filled_takes_none_until_there_is_room(small_folder):
    with (small_folder / "other").open("wb") as other:
        os.posix_fallocate(other.fileno(), 0, SMALL_BYTES - 4_096)
    with pytest.raises(SegmentError, match=r"has \d?,?\d+ free"):
        PriceEngine("md", **SMALL)
    assert [path.name for path in small_folder.iterdir()] == ["other"]
    (small_folder / "other").unlink()
    with PriceEngine("md", **SMALL) as engine:
        assert engine.update("A", 1.0)


def test_engine_in_a_file_system_that_fills_up_goes_on(small_folder):
    """All of its memory was reserved: no write of it can fail."""
    with PriceEngine("md", **SMALL) as engine, (small_folder / "other").open("wb") as other:
        os.posix_fallocate(other.fileno(), 0, os.statvfs(small_folder).f_bavail * os.statvfs(small_folder).f_frsize)
        with pytest.raises(OSError, match="No space left"):
            os.posix_fallocate(other.fileno(), 0, SMALL_BYTES)
        names = [f"S{i}" for i in range(1_024)]
        for _ in range(3):
            assert engine.update_many(names, [1.0] * len(names)) == len(names)
        with attach("md") as view:
            assert view.price("S1023") == 1.0


def test_take_over_with_sizes_that_do_not_fit_leaves_the_old_segment_as_it_was(small_folder):
    with PriceEngine("md", **SMALL) as engine:
        engine.update("A", 1.5)
    with attach("md") as view:
        with pytest.raises(SegmentError, match="--shm-size"):
            PriceEngine("md", **(SMALL | {"ring_capacity": 1 << 20}))
        assert [path.name for path in small_folder.iterdir() if path.suffix != ".wait"] == ["pricecore-md"]
        assert (view.price("A"), view.alive, view.segment.superseded) == (1.5, False, False)
        with PriceEngine("md", **SMALL) as engine:
            assert (engine.price("A"), view.generation) == (1.5, 2)

"""Files in the folder of segments: what is deleted there, and what stays."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from helpers.crashes import python, read_line
from helpers.writers import SMALL

from pricecore import PriceEngine, attach
from pricecore.primitives import file_lock, segment_file
from pricecore.primitives.segment_drafts import remove_drafts
from pricecore.primitives.segment_file import make_file
from pricecore.primitives.segment_list import remove_orphaned

DRAFT = "pricecore-md.123-0123abcd"
MAGIC = b"PRICECOR"


def drafts(folder):
    return sorted(path.name for path in folder.glob("pricecore-*.*-*"))


@pytest.mark.parametrize("content", [b"", b"x", b"{}", b"not a segment" * 1_000, b"\0" * 7])
def test_file_that_is_no_segment_stays_whatever_its_name(folder, content):
    (folder / "pricecore-md").write_bytes(content)
    (folder / "pricecore-md.wait").write_bytes(content)
    assert remove_orphaned() == []
    assert (folder / "pricecore-md").read_bytes() == (folder / "pricecore-md.wait").read_bytes() == content


@pytest.mark.parametrize("content", [b"x", b"\0" * 7, b"\0" * 7 + b"x", b"my notes of the day"])
def test_draft_that_holds_something_else_stays(folder, content):
    (folder / DRAFT).write_bytes(content)
    remove_orphaned()
    assert (folder / DRAFT).read_bytes() == content


@pytest.mark.parametrize(
    "name",
    [
        "pricecore-md.backup-2024",
        "pricecore-md.123-0123abcde",
        "pricecore-md.123-0123ABCD",
        "pricecore-md.123-0123abcd.bak",
        "pricecore-md.x123-0123abcd",
        "pricecore-.123-0123abcd",
        "xpricecore-md.123-0123abcd",
    ],
)
def test_file_that_is_not_called_as_a_draft_stays(folder, name):
    (folder / name).write_bytes(MAGIC)
    remove_orphaned()
    assert (folder / name).exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path.parent / "pricecore-real")])
def test_what_is_no_file_stays(folder, make):
    PriceEngine("real", **SMALL).close()
    make(folder / DRAFT)
    make(folder / "pricecore-md")
    assert remove_orphaned() == ["real"]
    assert drafts(folder) == [DRAFT]
    assert folder / "pricecore-md" in folder.iterdir()


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\0" * 10_000, MAGIC + b"anything"])
def test_draft_without_a_writer_is_deleted_at_once(folder, content):
    (folder / DRAFT).write_bytes(content)
    remove_orphaned()
    assert drafts(folder) == []


@pytest.mark.parametrize("by_flock", [False, True])
def test_draft_that_a_writer_is_at_work_on_stays(folder, monkeypatch, by_flock):
    if by_flock:
        monkeypatch.setattr(file_lock, "_HAS_DESCRIPTION_LOCKS", False)
    file = make_file("md", 10_000, 0o600)
    try:
        remove_orphaned()
        assert len(drafts(folder)) == 1
    finally:
        file.close()
    assert drafts(folder) == []


def test_draft_that_goes_before_its_writer_has_locked_it_is_made_again(folder, monkeypatch):
    lock, removed = segment_file.try_lock, []

    def remove_then_lock(descriptor):
        if not removed:
            removed.extend(drafts(folder))
            remove_drafts()
        return lock(descriptor)

    monkeypatch.setattr(segment_file, "try_lock", remove_then_lock)
    with PriceEngine("md", **SMALL) as engine, attach("md") as view:
        engine.update("A", 1.5)
        assert (len(removed), view.price("A"), drafts(folder)) == (1, 1.5, [])


def test_next_writer_of_the_name_deletes_what_one_that_was_killed_had_reserved(folder):
    script = (
        "import os, signal, pricecore\n"
        "from pricecore.primitives.segment_file import SegmentFile\n"
        "SegmentFile.publish = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"pricecore.PriceEngine('md', **{SMALL!r})\n"
    )
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == -signal.SIGKILL
        assert len(drafts(folder)) == 1  # of the second, which has deleted that of the first
    (folder / "pricecore-other.1-01234567").touch()
    with PriceEngine("md", **SMALL):
        assert drafts(folder) == ["pricecore-other.1-01234567"]


def test_drafts_of_a_running_writer_stay_beside_others_that_make_and_remove(folder):
    """In the middle of making a segment, while removers and another writer of the name are at work."""
    script = (
        "import sys, pricecore\n"
        "from pricecore.primitives import named_segment\n"
        "supersede, make = named_segment.supersede, named_segment.make_wait_file\n"
        "def wait(path):\n"
        "    print('made', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    return make(path)\n"
        "named_segment.make_wait_file = wait\n"
        f"engine = pricecore.PriceEngine('md', **{SMALL!r})\n"
        "print(engine.update('A', 1.5), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with python(script) as process:
        assert read_line(process) == "made\n"
        done = threading.Event()
        thread = threading.Thread(target=lambda: [remove_orphaned() for _ in range(50)] and done.set())
        thread.start()
        for _ in range(5):
            PriceEngine("other", **SMALL).close()
        thread.join(60)
        assert done.is_set()
        assert [name.split(".")[0] for name in drafts(folder)] == ["pricecore-md"]
        process.stdin.write(b"go on\n")
        assert read_line(process) == "True\n"
        with attach("md") as view:
            assert (view.price("A"), view.alive) == (1.5, True)

"""Links and other files under the names of segments: none is followed, written, opened to others or removed."""

import os
import stat

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, SegmentError, attach
from pricecore.primitives.segment_list import list_segments, remove_orphaned
from pricecore.primitives.segment_names import segment_path, wait_path

PRIVATE = b"of no segment" * 1_000


@pytest.fixture
def victim(folder):
    """A private file of the user, in the same file system."""
    victim = folder / "victim"
    victim.write_bytes(PRIVATE)
    victim.chmod(0o600)
    yield victim
    assert victim.read_bytes() == PRIVATE
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


@pytest.mark.parametrize("resume", [True, False])
def test_a_symbolic_link_is_refused(folder, victim, resume):
    for target in (victim, folder / "nowhere"):
        segment_path("md").unlink(missing_ok=True)
        segment_path("md").symlink_to(target)
        with pytest.raises(SegmentError, match="cannot open this segment"):
            PriceEngine("md", resume=resume, permissions=0o644, **SMALL)
        with pytest.raises(SegmentError, match="cannot open this segment"):
            attach("md")
    assert not (folder / "nowhere").exists()


def test_another_file_is_neither_taken_over_nor_opened_to_others(victim):
    os.link(victim, segment_path("md"))
    with pytest.raises(SegmentError):
        PriceEngine("md", permissions=0o644, **SMALL)
    with pytest.raises(SegmentError):
        attach("md")
    assert remove_orphaned() == []
    assert [facts.name for facts in list_segments() if facts.trouble] == ["md"]


def test_a_new_segment_takes_the_name_of_another_file_and_writes_nothing_into_it(victim):
    os.link(victim, segment_path("md"))
    with PriceEngine("md", resume=False, **SMALL) as engine:
        engine.update("A", 1.5)
        with attach("md") as view:
            assert view.price("A") == 1.5


@pytest.mark.parametrize("kind", ["link", "hard link", "dangling link", "pipe", "folder"])
def test_what_stands_under_the_name_of_the_wait_page_is_refused(folder, victim, kind):
    page = wait_path(segment_path("md"))
    if kind == "hard link":
        os.link(victim, page)
    elif kind == "pipe":
        os.mkfifo(page)
    elif kind == "folder":
        page.mkdir()
    else:
        page.symlink_to(victim if kind == "link" else folder / "nowhere")
    with pytest.raises(SegmentError, match=r"delete it|cannot open the page"):
        PriceEngine("md", **SMALL)
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    "name", ["../md", "a/b", "/etc/passwd", "..", ".", "a\0b", "a\n", "a.wait", "", "-a", "é", "a" * 65]
)
def test_a_name_that_leads_elsewhere_is_no_name(folder, name):
    before = sorted(folder.iterdir())
    for use in (lambda: PriceEngine(name, **SMALL), lambda: attach(name)):
        with pytest.raises(ValueError, match=r"cannot be a segment's name"):
            use()
    assert sorted(folder.iterdir()) == before

"""A real second user: what it may read, whom it believes, and that it can write nothing."""

import os
import subprocess
import sys

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine, SegmentError, SegmentInUseError, attach

NOBODY, SOMEBODY = 65_534, 65_533

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)

HEAD = """
import os, sys
import pricecore
from pricecore.primitives.segment_list import list_segments, remove_orphaned
os.setgroups([])
os.setgid({uid})
os.setuid({uid})
"""


@pytest.fixture(autouse=True)
def open_folder(folder):
    """Everybody may enter the folder and make files there, as in /dev/shm."""
    folder.chmod(0o1777)
    return folder


def as_user(uid, body):
    """Run code as another user; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD.format(uid=uid) + body], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tried(code):
    """Code that does this and prints its error."""
    return (
        f"try: print({code})\nexcept (pricecore.SegmentError, OSError) as error: print(type(error).__name__, error)\n"
    )


def make(permissions):
    """Code that makes an engine and updates it."""
    return f"engine = pricecore.PriceEngine('md', permissions={permissions:#o}, **{SMALL!r})\nengine.update('A', 1.5)\n"


def test_segment_is_its_owners_alone_by_default():
    with PriceEngine("md", **SMALL):
        assert "cannot open this segment: Permission denied" in as_user(NOBODY, tried("pricecore.attach('md')"))
        assert "cannot open this segment: Permission denied" in as_user(NOBODY, tried("pricecore.PriceEngine('md')"))
        assert as_user(NOBODY, "print(remove_orphaned())") == "[]\n"


def test_roots_segment_is_believed_by_whoever_may_read_it():
    with PriceEngine("md", permissions=0o644, **SMALL) as engine:
        engine.update("A", 1.5)
        assert as_user(NOBODY, "view = pricecore.attach('md'); print(view.price('A'), view.alive)") == "1.5 True\n"
        assert as_user(NOBODY, "print([facts.alive for facts in list_segments()])") == "[True]\n"


def test_reader_of_another_user_can_write_nothing(folder):
    attempts = (
        f"pricecore.PriceEngine('md', **{SMALL!r})",
        f"os.open({str(folder / 'pricecore-md')!r}, os.O_RDWR)",
        f"os.unlink({str(folder / 'pricecore-md')!r})",
        "remove_orphaned()",
    )
    with PriceEngine("md", permissions=0o644, **SMALL) as engine:
        engine.update("A", 1.5)
    for attempt in attempts:
        told = as_user(NOBODY, tried(attempt))
        assert "denied" in told or "not permitted" in told or told == "[]\n"
    with attach("md") as view:
        assert (view.price("A"), view.generation) == (1.5, 1)
    with PriceEngine("md", **SMALL) as engine:
        assert engine.price("A") == 1.5


def test_segment_of_a_user_that_is_neither_you_nor_root_needs_its_owners_name():
    as_user(NOBODY, make(0o644))
    with pytest.raises(SegmentError, match=rf"belongs to user {NOBODY}; attach\(name, owner={NOBODY}\) accepts that"):
        attach("md")
    assert f"attach(name, owner={NOBODY}) accepts that" in as_user(SOMEBODY, tried("pricecore.attach('md')"))
    read = f"view = pricecore.attach('md', owner={NOBODY}); print(view.price('A'), view.alive)"
    assert as_user(SOMEBODY, read) == "1.5 False\n"
    with attach("md", owner=NOBODY) as view:
        assert view.price("A") == 1.5
    with pytest.raises(SegmentError, match=f"belongs to user {NOBODY}"):
        attach("md", owner=SOMEBODY)


def test_owner_says_whom_to_believe_and_opens_nothing():
    as_user(NOBODY, make(0o600))
    told = as_user(SOMEBODY, tried(f"pricecore.attach('md', owner={NOBODY})"))
    assert "cannot open this segment: Permission denied" in told


def test_name_that_another_user_has_taken_is_not_written():
    """Not by root either, who may open any file: it would write for, and believe, somebody else."""
    as_user(NOBODY, make(0o644))
    with pytest.raises(SegmentError, match=f"belongs to user {NOBODY}") as raised:
        PriceEngine("md", **SMALL)
    assert not isinstance(raised.value, SegmentInUseError)
    assert "Permission denied" in as_user(SOMEBODY, tried(f"pricecore.PriceEngine('md', **{SMALL!r})"))


def test_user_goes_on_with_its_own_segment():
    as_user(NOBODY, make(0o600))
    assert as_user(NOBODY, make(0o600) + "print(engine.price('A'), engine.segment.generation)") == "1.5 2\n"

"""`Watched`: an engine followed by its name, whether it is there or not."""

import pytest
from helpers.writers import SMALL, UNTIL_TOLD, writer

from pricecore import PriceEngine
from pricecore.observe import Watched, watched
from pricecore.primitives.segment_list import remove_orphaned


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_engine_that_comes_later_is_found(clock):
    with Watched("md", clock=clock) as watch:
        state = watch.state()
        assert (state["status"], state["name"], watch.view) == ("not found", "md", None)
        assert "no segment 'md'" in state["message"]
        with PriceEngine("md", **SMALL) as engine:
            engine.update("A", 1.0)
            clock.now_s += 0.5
            assert (watch.state()["status"], watch.state()["messages_processed"]) == ("live", 1)
            assert watch.view.price("A") == 1.0


def test_name_is_looked_for_at_most_every_half_second(clock, monkeypatch):
    looks = []
    attach = watched.attach
    monkeypatch.setattr(watched, "attach", lambda *arguments: looks.append(arguments) or attach(*arguments))
    with Watched("md", owner=1234, clock=clock) as watch:
        for _ in range(100):
            watch.state()
        clock.now_s += 0.499
        watch.state()
        assert looks == [("md", 1234)]
        clock.now_s += 0.001
        watch.state()
        assert len(looks) == 2


def test_killed_writer_and_the_one_after_it_with_other_sizes():
    with Watched("md") as watch:
        with writer("md", "engine.update('A', 1.0)\n" + UNTIL_TOLD) as process:
            first = watch.state()
            assert (first["status"], first["messages_processed"]) == ("live", 1)
            process.kill()
            process.wait()
            assert watch.state()["status"] == "writer gone"
        with writer("md", "[engine.update('A', 2.0) for _ in range(5)]\n" + UNTIL_TOLD, ring_capacity=4_096):
            state = watch.state()
        assert (state["status"], state["messages_processed"], state["ring"]["capacity"]) == ("live", 5, 4_096)
        assert state["generation"] > first["generation"]


def test_name_that_was_removed_is_followed_to_the_next_segment():
    with Watched("md") as watch:
        PriceEngine("md", **SMALL).close()
        assert watch.state()["status"] == "writer gone"
        remove_orphaned()
        assert watch.state()["status"] == "not found"
        with PriceEngine("md", **SMALL):
            assert watch.state()["status"] == "live"


def test_file_that_is_no_segment_is_unreadable_until_it_is_one(folder, clock):
    path = folder / "pricecore-md"
    path.write_bytes(b"not a segment" * 1_000)
    path.chmod(0o600)
    with Watched("md", clock=clock) as watch:
        state = watch.state()
        assert (state["status"], state["messages_processed"]) == ("unreadable", 0)
        path.unlink()
        with PriceEngine("md", **SMALL):
            clock.now_s += 1
            assert watch.state()["status"] == "live"


@pytest.mark.parametrize(("name", "error"), [("a/b", ValueError), ("", ValueError), (None, TypeError)])
def test_name_that_no_engine_can_have_is_refused_at_once(name, error):
    with pytest.raises(error):
        Watched(name)


def test_closed_watch_says_so_and_lets_its_view_go(engine):
    watch = Watched("md")
    view = watch.view
    watch.close()
    watch.close()
    assert view.closed
    assert (watch.state()["status"], watch.view) == ("closed", None)
    assert repr(watch) == "<Watched 'md', closed>"

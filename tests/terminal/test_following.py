"""Engines that die, come back, or are not there yet."""

import re
from contextlib import ExitStack

import pytest
from helpers.writers import UNTIL_TOLD, writer

from pricecore import PriceEngine
from pricecore.primitives.segment_list import remove_orphaned

UPDATED = 'engine.update("A", 1.5)\n' + UNTIL_TOLD


@pytest.fixture(autouse=True)
def no_segments_of_earlier_tests():
    yield
    remove_orphaned()


def test_a_writer_that_is_killed_is_said_and_one_that_comes_back_is_shown(run, quick):
    with ExitStack() as processes:
        first = processes.enter_context(writer("md", UPDATED))

        async def steps(top):
            assert "live" in top.rows[0]
            assert "banner" not in {style for line in top.app._board.lines for _, style in line}
            first.kill()
            first.wait()
            await top.until(lambda: "writer gone" in top.rows[0])
            assert f"its writer, process {first.pid}, is gone; these are its last figures" in top.rows[1]
            assert "1.50" in top.text, "its last prices stay"
            assert "○ md" in top.rows[0]
            processes.enter_context(writer("md", 'engine.update("B", 2.5)\n' + UPDATED))
            await top.until(lambda: "live" in top.rows[0])
            await top.until(lambda: "2.50" in top.text)
            assert "is gone" not in top.text
            assert top.watching.shown.state["generation"] == 2
            assert None in top.watching.shown.history.series()["p50_us"], "a gap in the chart"

        run(steps, "md")


def test_one_that_comes_back_with_other_sizes_is_shown(run, quick):
    with ExitStack() as processes:
        first = processes.enter_context(writer("md", UPDATED))

        async def steps(top):
            first.kill()
            first.wait()
            await top.until(lambda: "writer gone" in top.rows[0])
            processes.enter_context(writer("md", 'engine.update("C", 7.25)\n' + UNTIL_TOLD, max_symbols=8_192))
            await top.until(lambda: "live" in top.rows[0] and "7.25" in top.text)

        run(steps, "md")


def test_an_engine_that_is_not_there_is_waited_for(run, quick):
    async def steps(top):
        assert "not found" in top.rows[0]
        assert "no segment 'later'" in top.rows[1]
        assert not re.search(r"received +0", top.text), "nothing is known, which is not zero"
        assert re.search(r"received +-", top.text)
        with writer("later", UPDATED):
            await top.until(lambda: "live" in top.rows[0])
            await top.until(lambda: "1.50" in top.text)

    run(steps, "later")


def test_a_segment_that_was_removed_is_said_and_shows_no_prices(run, quick):
    with writer("md", UPDATED) as process:

        async def steps(top):
            process.kill()
            process.wait()
            await top.until(lambda: "writer gone" in top.rows[0])
            assert remove_orphaned() == ["md"]
            await top.until(lambda: "not found" in top.rows[0])
            assert "1.50" not in top.text

        run(steps, "md")


def test_a_file_that_is_no_segment_is_said(run, folder):
    (folder / "pricecore-odd").write_bytes(b"no segment" * 1_000)

    async def steps(top):
        assert "unreadable" in top.rows[0]
        assert "this is no segment" in top.rows[1]

    run(steps, "odd")


def test_an_engine_of_this_process_that_is_closed_is_said(run):
    with PriceEngine() as engine:
        engine.update("A", 1.5)

        async def steps(top):
            assert "1.50" in top.text
            engine.close()
            await top.press("r", "down", "slash", "x", "enter", "c")
            assert "closed" in top.rows[0]
            assert "closed in this process" in top.rows[1]

        run(steps, engine)


def test_counting_ends_with_the_engine_that_it_began_with(run, quick):
    with ExitStack() as processes:
        first = processes.enter_context(writer("md", UPDATED))

        async def steps(top):
            await top.press("c")
            assert "counted since" in top.rows[0]
            first.kill()
            first.wait()
            await top.until(lambda: "writer gone" in top.rows[0])
            processes.enter_context(writer("md", UPDATED))
            await top.until(lambda: "live" in top.rows[0])
            assert "counted since" not in top.rows[0]

        run(steps, "md")


def test_a_tick_that_finds_no_parts_of_the_screen_draws_nothing(engine, run):
    from pricecore.terminal.canvas import Canvas

    async def steps(top):
        await top.app.query(Canvas).remove()
        top.app._tick()
        assert len(top.watching.shown.history) > 1

    run(steps, engine)

"""Every key, on a real engine in another process."""

import re

import pytest
from helpers.writers import UNTIL_TOLD, writer

from pricecore import PriceEngine
from pricecore.terminal.app import HELP

FEEDING = """
import threading, time
for number in range(20):
    engine.update(f"BINANCE:{number:02}", 100.0 + number)
    engine.update(f"KRAKEN:{number:02}", 100.0 + number)
print("ready", flush=True)
while True:
    engine.update("BINANCE:00", 5.0)
    time.sleep(0.001)
"""


@pytest.fixture(scope="module")
def feeding(folder):
    with writer("feed", FEEDING) as process:
        yield process


def received(top):
    return int(re.search(r"received +([\d,]+)", top.text)[1].replace(",", ""))


def first_row(top):
    return int(re.search(r"rows ([\d,]+) to", top.text)[1])


def test_q_quits_with_exit_code_0(feeding, run):
    async def steps(top):
        await top.press("q")

    assert run(steps, "feed").return_code == 0


@pytest.mark.parametrize("before", [[], ["question_mark"], ["slash"]])
def test_ctrl_c_ends_it_as_a_shell_expects_whatever_is_open(feeding, run, before):
    async def steps(top):
        await top.press(*before, "ctrl+c")

    assert run(steps, "feed").return_code == 130


def test_it_looks_by_itself(feeding, run, quick):
    async def steps(top):
        before = received(top)
        await top.until(lambda: received(top) > before)

    run(steps, "feed")


def test_space_pauses_and_goes_on(feeding, run, quick):
    async def steps(top):
        await top.press("space")
        assert "PAUSED" in top.rows[0]
        assert "space go on" in top.rows[-1]
        before = top.text
        await top.pilot.pause(0.1)
        assert top.text == before
        await top.press("space")
        assert "PAUSED" not in top.text
        assert "space pause" in top.rows[-1]
        await top.until(lambda: received(top) > int(re.search(r"received +(\d+)", before)[1]))

    run(steps, "feed")


def test_r_refreshes_also_while_paused(feeding, run):
    async def steps(top):
        await top.press("space")
        before = received(top)
        await top.pilot.pause(0.05)
        assert received(top) == before
        await top.press("r")
        assert received(top) > before

    run(steps, "feed")


def test_c_counts_from_now_and_again_from_the_start(feeding, run):
    async def steps(top):
        await top.press("space", "c")
        assert received(top) == 0
        assert "counted since " in top.rows[0]
        assert "times: engine's own window" in top.text
        await top.pilot.pause(0.02)
        await top.press("r")
        whole = top.watching.shown.whole["messages_received"]
        assert 0 < received(top) <= whole - 40
        await top.press("c")
        assert received(top) == whole
        assert "counted since" not in top.text

    run(steps, "feed")


@pytest.mark.parametrize(("forward", "back"), [("tab", "shift+tab"), ("n", "N")])
def test_tab_and_n_turn_to_the_next_engine_and_back(engine, run, forward, back):
    engine.update("ONE", 1.0)
    with PriceEngine("other", max_symbols=1_024, ring_capacity=1_024) as other:
        other.update("TWO", 2.0)

        async def steps(top):
            assert " ● md  ● other " in top.rows[0]
            assert "ONE" in top.text
            await top.press(forward)
            assert "TWO" in top.text
            assert "ONE" not in top.text
            await top.press(forward)
            assert "ONE" in top.text
            await top.press(back)
            assert "TWO" in top.text

        run(steps, "md", "other")


def test_an_engine_that_is_not_shown_has_its_chart_as_well(engine, run):
    with PriceEngine("other", max_symbols=1_024, ring_capacity=1_024) as other:
        other.update("TWO", 2.0)

        async def steps(top):
            await top.press("space", *"rrrr", "n")
            assert len(top.watching.shown.history) == 5

        run(steps, "md", "other")


def test_the_filter_works_while_it_is_typed_and_stays_after_enter(feeding, run):
    async def steps(top):
        await top.press("slash", *"kraken:1")
        assert top.rows[-1].startswith(" filter  kraken:1")
        assert "10 of 40 match kraken:1" in top.text
        assert "BINANCE" not in top.text
        await top.press("enter")
        assert " q quit" in top.rows[-1]
        assert "10 of 40 match kraken:1" in top.text
        await top.press("slash")
        assert top.rows[-1].startswith(" filter  kraken:1")
        await top.press("escape")
        assert "match" not in top.text
        assert " q quit" in top.rows[-1]

    run(steps, "feed")


def test_keys_are_letters_while_the_filter_is_typed(feeding, run):
    async def steps(top):
        await top.press("slash", *"qrtcnd", "space", "question_mark", "backspace")
        assert top.watching.pattern == "qrtcnd"
        assert not top.watching.paused
        await top.press("escape", "space")
        assert top.watching.paused

    run(steps, "feed")


def test_a_filter_that_matches_nothing_says_so(feeding, run):
    async def steps(top):
        await top.press("slash", *"[[*", "enter")
        assert "0 of 40 match [[*" in top.text

    run(steps, "feed")


def test_a_filter_given_at_the_start_can_be_cleared(feeding, run):
    async def steps(top):
        assert "20 of 40 match KRAKEN:*" in top.text
        await top.press("escape")
        assert "match" not in top.text

    run(steps, "feed", pattern="KRAKEN:*")


def test_arrows_and_pages_move_through_the_prices(feeding, run):
    async def steps(top):
        assert first_row(top) == 1
        await top.press("down", "j")
        assert first_row(top) == 3
        await top.press("up", "k", "up")
        assert first_row(top) == 1
        await top.press("pagedown")
        assert first_row(top) == 6
        await top.press("pageup")
        assert first_row(top) == 1
        await top.press("end")
        assert "to 40 of 40" in top.text
        assert "KRAKEN:19" in top.text
        last = first_row(top)
        await top.press("down")
        assert first_row(top) == last
        await top.press("home")
        assert first_row(top) == 1

    run(steps, "feed")


def test_help_names_every_key_and_keeps_the_others_away(feeding, run):
    async def steps(top):
        await top.press("question_mark")
        for key, what in HELP:
            assert key in top.text
            assert what in top.text
        await top.press("space", "escape")
        assert "q quit" in top.rows[-1]
        assert not top.watching.paused

    run(steps, "feed")


@pytest.mark.parametrize("key", ["escape", "q", "enter"])
def test_a_sheet_is_closed_by(feeding, run, key):
    async def steps(top):
        await top.press("d")
        assert "feed: live" in top.text
        await top.press(key)
        assert "feed: live" not in top.text
        assert top.app.is_running

    run(steps, "feed")


def test_details_scroll_to_their_end(feeding, run):
    async def steps(top):
        await top.press("d")
        assert "sequence" not in top.text
        await top.press(*["pagedown"] * 3)
        await top.until(lambda: "sequence" in top.text)
        await top.press(*["up"] * 40)
        await top.until(lambda: "feed: live" in top.text)

    run(steps, "feed", size=(80, 19))


def test_fifty_points_after_sixty_refreshes_and_never_more(feeding, run):
    async def steps(top):
        await top.press("space")
        points = []
        for _ in range(54):
            top.app.action_look()
            points.append(len(top.watching.shown.history))
        for _ in range(6):
            await top.press("r")
            points.append(len(top.watching.shown.history))
        assert points[-1] == max(points) == 50
        assert " 50 readings" in top.text
        assert {len(line) for line in top.watching.shown.history.series().values()} == {50}

    run(steps, "feed")


def test_an_engine_without_updates_is_shown(run):
    with writer("new", UNTIL_TOLD):

        async def steps(top):
            assert "live" in top.rows[0]
            assert "no update yet" in top.text
            assert "prices  none" in top.text
            assert "no live reading" in top.text

        run(steps, "new")


def test_the_clock_that_ticks_while_it_ends_does_no_harm(feeding, run):
    async def steps(top):
        await top.press("q")

    app = run(steps, "feed")
    app._tick()
    assert app.return_code == 0

"""The page in NiceGUI's simulated browser, on real engines."""

import asyncio
import gc

import numpy as np
import pytest

from pricecore import PriceEngine, attach
from pricecore.dashboard.mounting import MAX_SOURCES, sources_of
from pricecore.dashboard.prices import MAX_ROWS
from pricecore.observe import PerformanceTest

ROUND = 100


@pytest.fixture
def engine():
    with PriceEngine(on_bad="count") as engine:
        engine.update("BINANCE:BTCUSDT", 61_737.63)
        yield engine


async def until(condition):
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not so after 10 s")


def test_the_cards_show_the_figures_with_their_units(engine, visit):
    async def body(visitor):
        cards = visitor.page._cards
        assert cards._p95._unit.text == "µs"
        assert cards._p95._note.text == "target below 1 ms"
        assert cards._p95.badge.text == "target met"
        assert "good" in visitor.classes("p95")
        assert cards._errors._note.text == "0 of 1 updates"
        engine.update("A", -1.0)
        visitor.page.refresh()
        assert (cards._errors._number.text, cards._errors._unit.text) == ("50.0", "%")

    visit(body, engine)


def test_p95_over_the_target_is_red_and_says_so(engine, visit, monkeypatch):
    monkeypatch.setattr("pricecore.observe.state.TARGET_P95_US", 1e-6)

    async def body(visitor):
        assert visitor.classes("p95") >= {"card", "bad"}
        assert visitor.page._cards._p95.badge.text == "target missed"

    visit(body, engine)


def test_without_updates_nothing_is_judged(visit):
    async def body(visitor):
        assert "unknown" in visitor.classes("p95")
        assert visitor.text("p95-number") == "-"
        assert visitor.element("chart").options["title"]["show"]

    with PriceEngine() as engine:
        visit(body, engine)


def test_sixty_refreshes_leave_fifty_points_and_never_more(engine, visit):
    async def body(visitor):
        lengths = []
        for _ in range(60):
            visitor.click("refresh")
            options = visitor.element("chart").options
            lengths.append({len(axis["data"]) for axis in (*options["series"], options["xAxis"])})
        assert [max(one) for one in lengths[:10]] == list(range(2, 12))
        assert lengths[-1] == {50}
        assert max(map(max, lengths)) == 50

    visit(body, engine)


def test_the_page_refreshes_itself_until_it_is_switched_off(engine, visit):
    async def body(visitor):
        page = visitor.page
        page.timer.interval = 0.01
        page.timer.activate()
        seen = len(page.chart.history)
        await until(lambda: len(page.chart.history) > seen + 3)
        visitor.click("auto")
        assert page.timer.active is False
        await asyncio.sleep(0.05)
        seen = len(page.chart.history)
        await asyncio.sleep(0.1)
        assert len(page.chart.history) == seen
        visitor.click("auto")
        await until(lambda: len(page.chart.history) > seen)

    visit(body, engine)


def test_the_page_has_one_timer(engine, visit):
    from nicegui import ui

    async def body(visitor):
        timers = [one for one in visitor.user.client.elements.values() if isinstance(one, ui.timer)]
        assert timers == [visitor.page.timer]
        assert visitor.page.timer.interval == 1.0

    visit(body, engine)


def test_reset_zeroes_the_engine_after_a_question(engine, visit):
    async def body(visitor):
        visitor.click("reset")
        visitor.click("reset-cancel")
        assert engine.metrics().messages_received == 1
        visitor.click("reset")
        visitor.click("reset-confirm")
        assert engine.metrics().messages_received == 0
        assert visitor.figures()["received"] == "0"
        assert not visitor.page._statistics._count.visible

    visit(body, engine)


def test_an_attached_engine_is_counted_from_now_and_left_alone(segments, visit):
    with PriceEngine("md") as engine:
        engine.update_many(["A"] * 5, np.arange(1.0, 6.0))

        async def body(visitor):
            assert not visitor.page._statistics._reset.visible
            assert visitor.figures()["received"] == "5"
            visitor.click("count")
            assert visitor.figures()["received"] == "0"
            assert visitor.text("counting-note").startswith("counted since ")
            engine.update("A", 7.0)
            visitor.page.refresh()
            assert visitor.figures()["received"] == "1"
            visitor.click("count")
            assert visitor.figures()["received"] == "6"
            assert engine.metrics().messages_received == 6

        visit(body, "md")


def test_subscriptions_are_shown_while_there_are_any(engine, visit):
    async def body(visitor):
        assert not {"open", "behind", "reader"} & set(visitor.figures())
        subscriptions = [engine.subscribe(mode="all", name=name) for name in ("reader", "<b>page<b>")]
        engine.update_many(["A"] * 3, [1.0, 2.0, 3.0])
        subscriptions[0].poll()
        visitor.page.refresh()
        figures = visitor.figures()
        assert (figures["open"], figures["delivered"], figures["lost"]) == ("2", "3", "0")
        assert (figures["reader"], figures["<b>page<b>"]) == ("0 behind", "4 behind")
        subscriptions.clear()
        visitor.page.refresh()
        assert not {"open", "behind", "reader"} & set(visitor.figures())

    visit(body, engine)


def test_one_of_several_engines_is_chosen(segments, visit):
    with PriceEngine("one") as one, PriceEngine("two") as two, attach("two") as view:
        one.update("A", 1.0)
        two.update_many(["B", "C"], np.array([1.0, 2.0]))

        async def body(visitor):
            assert visitor.figures()["processed"] == "1"
            visitor.page.refresh()
            visitor.element("engine").value = "two"
            assert visitor.figures()["processed"] == "2"
            assert [row["symbol"] for row in visitor.element("prices").rows] == ["B", "C"]
            assert len(visitor.page.chart.history) == 1, "the chart begins anew"

        visit(body, "one", view)


def test_a_visit_may_name_the_engine(segments, visit):
    async def body(visitor):
        assert visitor.element("engine").value == "two"

    with PriceEngine("one"), PriceEngine("two"):
        visit(body, "one", "two", label="two")


def test_the_filter_and_the_order_choose_the_rows(engine, visit):
    engine.update("BINANCE:ETHUSDT", 2.0, change_24h=3.0)
    engine.update("X:BTCEUR", 3.0, change_24h=-9.0)

    async def body(visitor):
        def symbols():
            return [row["symbol"] for row in visitor.element("prices").rows]

        assert visitor.text("prices-note") == "3 symbols"
        visitor.element("filter").value = "btc"
        assert symbols() == ["BINANCE:BTCUSDT", "X:BTCEUR"]
        assert visitor.text("prices-note") == "2 of 3"
        visitor.element("filter").value = "BINANCE:*"
        assert symbols() == ["BINANCE:BTCUSDT", "BINANCE:ETHUSDT"]
        visitor.element("filter").value = "["
        visitor.element("filter").value = None
        visitor.element("sort").value = "change"
        assert symbols()[:2] == ["X:BTCEUR", "BINANCE:ETHUSDT"]

    visit(body, engine)


def test_at_most_two_hundred_rows_of_65536_symbols_are_drawn(visit):
    with PriceEngine() as engine:
        ids = engine.register([f"S{i:05d}" for i in range(65_536)])
        engine.update_many(ids, np.full(len(ids), 2.0))

        async def body(visitor):
            assert len(visitor.element("prices").rows) == MAX_ROWS
            assert visitor.text("prices-note") == "200 shown of 65,536; a filter shows others"
            rows = visitor.element("prices").rows
            engine.update("S00000", 3.0)
            visitor.page.refresh()
            assert visitor.element("prices").rows == rows, "the table rests after a long reading"
            visitor.click("refresh")
            assert visitor.element("prices").rows[0]["price"] == "3.00"

        visit(body, engine)


def test_the_table_rests_no_longer_than_it_has_to(engine, visit):
    async def body(visitor):
        engine.update("BINANCE:BTCUSDT", 5.0)

        def refreshed():
            visitor.page.refresh()
            return visitor.element("prices").rows[0]["price"] == "5.00"

        await until(refreshed)

    visit(body, engine)


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "{{ 7 * 7 }}", ":onclick", "</script><b>x</b>"])
def test_markup_in_a_name_stays_text(name, visit):
    async def body(visitor):
        assert [row["symbol"] for row in visitor.element("prices").rows] == [name]
        response = await visitor.user.http_client.get("/")
        assert name not in response.text or "<" not in name

    with PriceEngine() as engine:
        engine.update(name, 1.0)
        visit(body, engine)


def test_an_engine_that_is_not_there_is_said_and_found_later(segments, visit):
    async def body(visitor):
        page = visitor.page
        assert visitor.text("status") == "not found"
        assert page._header._banner.visible
        assert "'md'" in page._header._banner_text.text
        assert not page._statistics._count.enabled
        with PriceEngine("md") as engine:
            engine.update("A", 1.0)
            page._shown._own._look_at_s = 0.0
            page.refresh()
            assert visitor.text("status") == "live"
            assert not page._header._banner.visible
        page.refresh()
        assert visitor.text("status") == "writer gone"
        assert visitor.figures()["processed"] == "1", "its last figures stay"
        with PriceEngine("md", max_symbols=2_048, resume=False):
            page.refresh()
            assert visitor.text("status") == "live"
            assert visitor.figures()["processed"] == "0"

    visit(body, "md")


def test_an_engine_closed_while_the_page_is_open_is_said(visit):
    engine = PriceEngine()
    engine.update("A", 1.0)

    async def body(visitor):
        visitor.click("reset")
        engine.close()
        visitor.click("reset-confirm")
        visitor.click("refresh")
        assert visitor.text("status") == "closed"
        assert visitor.element("prices").rows == []
        assert visitor.user.notify.messages[0].startswith("Not reset: ")

    visit(body, engine)


def test_the_performance_test_passes_with_its_details(engine, visit):
    async def body(visitor):
        visitor.click("run-test")
        await until(lambda: visitor.text("verdict"))
        panel = visitor.page._perf
        assert visitor.text("verdict") == "PASS"
        assert "good" in visitor.classes("verdict")
        assert panel._details._values["", "applied"].text == "10,000 of 10,000"
        assert panel._button.enabled
        assert not panel._bar.visible
        assert panel._bar.props["aria-label"] == "Progress of the performance test"
        assert engine.metrics().messages_received == 1, "the engine on the page is not touched"

    visit(body, engine)


def test_the_performance_test_fails_with_what_to_do(engine, visit):
    async def body(visitor):
        visitor.click("run-test")
        await until(lambda: visitor.text("verdict"))
        assert visitor.text("verdict") == "FAIL"
        assert "bad" in visitor.classes("verdict")
        assert "the target is below" in visitor.text("test-said")

    visit(body, engine, test=PerformanceTest(target_p95_us=1e-6))


def test_a_performance_test_that_cannot_run_says_why(engine, visit, monkeypatch):
    async def body(visitor):
        visitor.click("run-test")
        await until(lambda: visitor.text("verdict"))
        assert visitor.text("verdict") == "FAIL"
        assert visitor.text("test-said").startswith("The test could not run: ValueError: updates is 0")

    visit(body, engine, test=PerformanceTest(updates=0))


def test_a_second_performance_test_is_told_to_wait(engine, visit):
    test = PerformanceTest(updates=1_000_000)

    async def body(visitor):
        first = test.start()
        visitor.click("run-test")
        await until(lambda: visitor.user.notify.messages)
        assert visitor.user.notify.messages[0].startswith("A performance test is running already")
        await until(lambda: first.is_over)
        assert first.report.applied == 1_000_000
        assert visitor.text("verdict") == ""

    visit(body, engine, test=test)


@pytest.mark.parametrize("source", [None, 7, [7], [[]]])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(TypeError, match=r"7|None|\[\]"):
        sources_of(source)


def test_no_source_and_too_many_are_refused():
    with pytest.raises(ValueError, match="0 engines to show"):
        sources_of([])
    with pytest.raises(ValueError, match=f"1 to {MAX_SOURCES}"):
        sources_of([f"e{i}" for i in range(MAX_SOURCES + 1)])
    with pytest.raises(ValueError, match="cannot be a segment's name"):
        sources_of("a/b")


def test_refreshes_leave_nothing_behind(engine, visit):
    async def objects_after_a_round(visitor):
        """Return how many objects there are beside those of before the test, after so many refreshes more."""
        for _ in range(ROUND):
            engine.update("BINANCE:BTCUSDT", 1.0)
            visitor.page.refresh()
            await asyncio.sleep(0)
        outbox = visitor.user.client.outbox
        await until(lambda: not outbox.updates and not outbox.messages)
        outbox.prune_history(1 << 62)  # as a browser does that has got it
        gc.collect()
        return len(gc.get_objects())

    async def body(visitor):
        await objects_after_a_round(visitor)
        await objects_after_a_round(visitor)  # what is made once is there
        counts = [await objects_after_a_round(visitor) for _ in range(3)]
        assert min(np.diff(counts)) < ROUND // 2, "in one of the rounds at least, no object more a refresh"

    gc.collect()
    gc.freeze()  # what earlier tests left is no longer counted
    try:
        visit(body, engine)
    finally:
        gc.unfreeze()

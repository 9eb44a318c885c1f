"""Symbols that mean harm, and very many of them."""

import numpy as np
import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine
from pricecore.observe import Labelled

HOSTILE = {
    "[red]a[/red]": "[red]a[/red]",
    "[@click=app.quit]x": "[@click=app.qui",
    "<b>b</b>": "<b>b</b>",
    "\x1b[2Jc": "\\x1b[2Jc",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "\u202ed": "\\u202ed",
    "שלום": "\\u05e9\\u05dc",
    "line\nbreak": "line\\nbreak",
    "日本株": "日本株",
    "\\": "\\",
}


@pytest.mark.parametrize(("symbol", "shown"), HOSTILE.items(), ids=map(repr, HOSTILE))
def test_a_symbol_is_shown_as_plain_text(engine, run, symbol, shown):
    engine.update(symbol, 61_829.77)

    async def steps(top):
        await top.until(lambda: "61,829.77" in top.text)
        (row,) = [row for row in top.rows if "61,829.77" in row]
        assert row.startswith(f" {shown}")
        assert "\x1b" not in top.text
        colours = {segment.style.color.name for segment in cells(top) if shown[:4] in segment.text}
        assert colours == {"#d0d0d0"}, "no colour of its own"

    def cells(top):
        return [segment for strip in top.app.screen._compositor.render_strips(top.app.size) for segment in strip]

    run(steps, engine)


def test_a_filter_is_shown_as_plain_text(engine, run):
    engine.update("A", 1.0)

    async def steps(top):
        await top.until(lambda: "0 of 1 match [red]\\x1b[31m" in top.text)

    run(steps, engine, pattern="[red]\x1b[31m")


def test_details_are_plain_text(tmp_path, run):
    with PriceEngine("md2", log=tmp_path / "[red]log", **SMALL) as engine:
        engine.update("A", 1.0)

        async def steps(top):
            await top.press("d")
            await top.until(lambda: "[blue]md[/blue]: live" in top.text and "[red]log" in top.text)

        run(steps, Labelled(engine, "[blue]md[/blue]"), size=(200, 60))


def test_of_65536_symbols_only_the_visible_rows_are_made(run, monkeypatch):
    from pricecore.observe import rows

    made = []
    real = rows._row
    monkeypatch.setattr(rows, "_row", lambda *args: made.append(args[0]) or real(*args))
    with PriceEngine() as engine:
        names = [f"X:{number:05}" for number in range(65_536)]
        engine.update_many(names, np.arange(1.0, 65_537.0))

        async def steps(top):
            await top.until(lambda: "rows 1 to 7 of 65,536" in top.text)
            assert set(made) == set(names[:7])
            await top.press("end")
            await top.until(lambda: "rows 65,530 to 65,536 of 65,536" in top.text and "X:65535" in top.text)
            assert set(made) == {*names[:7], *names[-7:]}
            made.clear()
            await top.press("slash", *"x:6553")
            await top.until(lambda: "6 of 65,536 match x:6553" in top.text)
            assert len(set(made)) <= (1 + len("x:6553")) * 7, "seven for each filter on the way there"

        run(steps, engine)

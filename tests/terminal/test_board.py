"""The picture, without a terminal: what is on it, at any size."""

import os
import re

import pytest
from helpers.writers import SMALL

from pricecore import PriceCache, PriceEngine
from pricecore.observe import Labelled
from pricecore.terminal.board import LEAST_COLUMNS, LEAST_ROWS, board
from pricecore.terminal.lines import as_text, columns_of
from pricecore.terminal.watching import Watching

EVERYTHING = (
    *("p50", "p95", "p99", "throughput", "mean", "min", "max", "p99.9", "samples", "uptime", "CPU", "received"),
    *("processed", "errors", "symbols", "sequence", "latency", "statistics", "prices", "symbol", "bid", "ask", "age"),
    *("errors by reason", "consumers", "subscriptions", "event log", "cache candles", "out of order", "error rate"),
    *("24 h", "price"),
)


@pytest.fixture
def busy(tmp_path):
    """An engine with everything that there is to be shown."""
    with PriceEngine("md", log=tmp_path / "log", on_bad="count", **SMALL) as engine:
        cache = PriceCache(100)
        engine.add_cache("candles", cache)
        cache.put("a", 1)
        cache.get("a")
        risk = engine.consumer("risk")
        reader = engine.subscribe(name="reader")
        for number in range(12):
            engine.update(f"SYMBOL{number}", 61_829.77 + number, 0.5, 0, 1.25)
            engine.update_quote(f"SYMBOL{number}", 61_829.7, 61_830.0)
        engine.update("SYMBOL0", -1.0)
        yield engine
        risk.close()
        reader.close()


@pytest.fixture
def watching(busy):
    return Watching([Labelled(busy, "md")])


def text(watching, columns=80, rows=23):
    return as_text(board(watching, columns, rows))


def test_80x24_has_everything(watching):
    shown = text(watching)
    for word in EVERYTHING:
        assert re.search(rf"(?<!\w){word}(?!\w)", shown), word
    assert "target met" in shown
    assert "risk 36 behind" in shown
    assert re.search(r"open 1, behind 36 \(\d+\.\d s\), lost 0; reader 36 behind", shown)
    assert "SYMBOL0" in shown
    assert "price_not_positive 1" in shown
    assert "…" not in re.sub(r"log .*", "", shown), "nothing is cut off but the folder of a log"


@pytest.mark.parametrize("columns", [LEAST_COLUMNS - 1, LEAST_COLUMNS, 79, 80, 99, 100, 120, 251])
@pytest.mark.parametrize("rows", [1, LEAST_ROWS - 1, LEAST_ROWS, 20, 23, 39, 90])
def test_every_line_is_exactly_as_long_as_the_window_is_wide(watching, columns, rows):
    lines = board(watching, columns, rows)
    assert len(lines) == rows
    assert {columns_of(line) for line in lines} == {columns}


def test_a_window_that_is_too_small_says_so(watching):
    assert "the window is 40x10, this needs 72x19" in text(watching, 40, 10)


def test_a_larger_window_has_more_of_everything(watching):
    small, large = text(watching), text(watching, 120, 39)
    assert (small.count("SYMBOL"), large.count("SYMBOL")) == (2, 12)
    assert "volume" in large
    assert "volume" not in small


def test_tall_windows_have_a_taller_chart(watching):
    def axis(shown):
        return sum(line[9:10] in "│┤" for line in shown.split("\n") if len(line) > 9)

    assert axis(text(watching, 80, 23)) == 8
    assert axis(text(watching, 80, 50)) == 16


def test_a_missed_target_is_said_in_words_and_in_red(watching):
    state = watching.shown.state
    state["latency"]["p95_us"], state["target_met"] = 1_234.0, False
    lines = board(watching, 80, 23)
    assert "1.23 ms" in as_text(lines)
    assert "TARGET MISSED" in as_text(lines)
    bad = {span.strip() for line in lines for span, style in line if style == "bad"}
    assert {"1.23 ms", "TARGET MISSED"} <= bad


def test_a_met_target_is_green(watching):
    good = {span.strip() for line in board(watching, 80, 23) for span, style in line if style == "good"}
    assert "target met" in good


def test_notes_that_do_not_fit_are_counted(watching, busy):
    for number in range(5):
        busy.add_cache(f"cache-{number}", PriceCache(10))
    watching.look()
    assert "and 6 more: d shows all" in text(watching)
    assert "more: d" not in text(watching, 80, 40)


def test_many_engines_are_a_name_and_a_number(busy):
    watching = Watching([Labelled(busy, f"engine-number-{number}") for number in range(9)])
    watching.turn(2)
    head = text(watching).split("\n")[0]
    assert "● engine-number-2  3 of 9" in head
    watching.turn(-3)
    assert "9 of 9" in text(watching)


def test_a_long_message_is_shown_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("PRICECORE_SHM_DIR", str(tmp_path))
    watching = Watching([Labelled("nowhere", "nowhere")])
    assert watching.shown.state["message"] in " ".join(text(watching).split())


def test_prices_that_are_old_are_marked(watching, busy, monkeypatch):
    assert "stale" not in text(watching)
    from pricecore.observe import rows

    real = rows.time.time_ns()
    monkeypatch.setattr(rows.time, "time_ns", lambda: real + 3 * 3_600 * 10**9)
    marked = [line for line in text(watching).split("\n") if line.endswith("stale")]
    assert len(marked) == 2
    assert all("3 h" in line or "180 min" in line for line in marked)


def test_the_last_rows_stay_in_sight_when_there_are_fewer(watching):
    watching.first = 11
    watching.choose("SYMBOL11")
    watching.first = 9
    shown = text(watching)
    assert "SYMBOL11 " in shown
    assert watching.first == 0


def test_the_files_that_draw_need_no_extra():
    import subprocess
    import sys

    script = (
        "import sys; sys.modules['textual'] = sys.modules['rich'] = None\n"
        "import pricecore.terminal.board, pricecore.terminal.plain, pricecore.cli.top"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ)


def test_without_an_engine_there_is_nothing_to_watch():
    with pytest.raises(ValueError, match="there is no engine to watch"):
        Watching([])

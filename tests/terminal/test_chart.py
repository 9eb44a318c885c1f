"""The line chart of Braille characters."""

import pytest

from pricecore.terminal.chart import POINTS, axis_of, chart
from pricecore.terminal.lines import as_text, columns_of

COLUMNS, ROWS = 60, 8


def series(p50, p95=None, p99=None):
    return {"p50_us": p50, "p95_us": p95 or [None] * len(p50), "p99_us": p99 or [None] * len(p50)}


def dots(lines, style):
    """Return the columns that a line of the chart passes, by row."""
    found = {}
    for row, line in enumerate(lines):
        column = 0
        for text, its_style in line:
            if its_style == style:
                found.setdefault(row, []).append(column)
            column += len(text)
    return found


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.106, 4.3], 0.1, 5.0),
        ([1.0], 1.0, 10.0),
        ([0.0], 0.001, 0.01),
        ([3.0, 3.0], 2.0, 5.0),
        ([999.0, 1_001.0], 500.0, 2_000.0),
        ([10.0, 100.0], 10.0, 100.0),
    ],
)
def test_the_axis_ends_at_round_figures(values, low, high):
    axis = axis_of(series(values))
    assert axis == pytest.approx((low, high))


def test_nothing_but_gaps_has_no_axis_and_says_so():
    assert axis_of(series([None, None])) is None
    assert "no live reading" in as_text(chart(series([None, None]), COLUMNS, ROWS))
    assert "no reading yet" in as_text(chart(series([]), COLUMNS, ROWS))


def test_a_steady_line_stands_in_one_row_over_the_whole_width():
    found = dots(chart(series([3.0] * POINTS), COLUMNS, ROWS), "p50")
    assert len(found) == 1
    assert len(next(iter(found.values()))) == COLUMNS - 10


def test_a_rising_line_goes_from_the_bottom_left_to_the_top_right():
    found = dots(chart(series([10 ** (i / 49) for i in range(POINTS)]), COLUMNS, ROWS), "p50")
    assert sorted(found) == list(range(ROWS))
    assert 10 in found[ROWS - 1]
    assert COLUMNS - 1 in found[0]
    assert max(found[ROWS - 1]) < min(found[0])


def test_few_points_stand_at_the_right():
    found = dots(chart(series([3.0, 3.0]), COLUMNS, ROWS), "p50")
    assert min(next(iter(found.values()))) > COLUMNS - 5


def test_a_gap_stays_empty():
    found = dots(chart(series([3.0] * 20 + [None] * 10 + [3.0] * 20), COLUMNS, ROWS), "p50")
    columns = next(iter(found.values()))
    assert not [column for column in columns if 31 < column < 39]
    assert min(columns) == 10
    assert max(columns) == COLUMNS - 1


def test_a_single_point_between_gaps_is_a_dot():
    assert dots(chart(series([None, 3.0, None]), COLUMNS, ROWS), "p50")


def test_three_lines_have_their_colours_and_p99_is_above_p50():
    lines = chart(series([0.1] * POINTS, [1.0] * POINTS, [9.0] * POINTS), COLUMNS, ROWS)
    assert min(dots(lines, "p99")) < min(dots(lines, "p95")) < min(dots(lines, "p50"))


@pytest.mark.parametrize("columns", [20, 36, 200])
@pytest.mark.parametrize("rows", [4, 8, 16])
def test_no_line_is_longer_than_the_chart(columns, rows):
    lines = chart(series([0.001, 1e9] * 25, [5.0] * POINTS, [None, 7.0] * 25), columns, rows)
    assert len(lines) == rows
    assert {columns_of(line) for line in lines} == {columns}

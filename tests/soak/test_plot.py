"""The picture of a run: its axis of time, and where the faults stand on it."""

import re

import pytest
from soak.plot import _FAULT_COLOUR, LEFT, RIGHT, WIDTH, plot

ENDS_S = [3.0, 59.0, 119.0, 120.0, 595.0, 600.0, 7_199.0, 7_200.0, 86_395.0]


def picture(end_s, faults=()):
    return plot({"t_s": [0.0, end_s / 2, end_s], "disk.log_mib": [0.0, 5.0, 3.0]}, faults)


def times_in(svg):
    return re.findall(r">([0-9.e+-]+) (s|min|h)</text>", svg)


@pytest.mark.parametrize("end_s", ENDS_S)
def test_times_on_the_axis_are_few_and_round(end_s):
    numbers = [float(number) for number, _ in times_in(picture(end_s))]
    step = numbers[1]
    assert 3 <= len(numbers) <= 6
    assert f"{step:e}"[:8] in ("1.000000", "2.000000", "5.000000")
    assert numbers == pytest.approx([i * step for i in range(len(numbers))])


@pytest.mark.parametrize(
    ("end_s", "last"), [(59.0, ("40", "s")), (595.0, ("8", "min")), (600.0, ("10", "min")), (86_395.0, ("20", "h"))]
)
def test_times_have_the_unit_that_fits_the_run(end_s, last):
    assert times_in(picture(end_s))[-1] == last


def test_fault_after_the_last_sample_stands_within_the_axis():
    lines = re.findall(
        rf'<line x1="([0-9.]+)" [^>]*stroke="{_FAULT_COLOUR}"', picture(595.0, [(60.0, "early"), (600.0, "late")])
    )
    assert len(lines) == 2
    assert all(LEFT <= float(x) <= WIDTH - RIGHT for x in lines)

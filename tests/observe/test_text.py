"""Figures as people read them."""

import pytest

from pricecore.observe import text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "-"),
        (0.0, "0 us"),
        (0.0014, "0.0014 us"),
        (0.0561, "0.056 us"),
        (1.234, "1.23 us"),
        (12.34, "12.3 us"),
        (999.4, "999 us"),
        (1_230.0, "1.23 ms"),
        (2_500_000.0, "2.50 s"),
        (250_000_000.0, "250 s"),
    ],
)
def test_durations(value, said):
    assert text.format_us(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0.0, "0 /s"), (0.51, "0.5 /s"), (12.3, "12 /s"), (101_204.4, "101,204 /s"), (12.34e6, "12.3 M/s")],
)
def test_rates(value, said):
    assert text.format_rate(value) == said


@pytest.mark.parametrize(("value", "said"), [(None, "-"), (0, "0"), (1_234_567, "1,234,567")])
def test_counts(value, said):
    assert text.format_count(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (512, "512 B"), (1_536, "1.5 KiB"), (31_037_849, "29.6 MiB"), (2**50 * 3, "3,072.0 TiB")],
)
def test_sizes(value, said):
    assert text.format_bytes(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0.04, "0.0 s"), (9.87, "9.9 s"), (45.2, "45 s"), (720.0, "12 min"), (18_000.0, "5 h"), (3e5, "3 d")],
)
def test_ages(value, said):
    assert text.format_age(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, "-"), (0.0, "0 %"), (0.123, "12.3 %"), (1.2e-5, "0.0012 %"), (1.0, "100 %")]
)
def test_fractions(value, said):
    assert text.format_percent(value) == said

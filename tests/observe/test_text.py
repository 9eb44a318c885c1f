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


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((61829.77, 61829.7, None), ["61,829.77", "61,829.70", "-"]),
        ((1.0, 2.0, 1e6), ["1.00", "2.00", "1,000,000.00"]),
        ((0.00001234, None, 0.00001235), ["0.00001234", "-", "0.00001235"]),
        ((None, None, None), ["-", "-", "-"]),
    ],
)
def test_the_prices_of_a_symbol_have_the_same_digits(values, texts):
    assert text.price_texts(*values, columns=12) == texts


@pytest.mark.parametrize("value", [123456.123456789, 1e300, -1.23456789e-300, 1e22])
def test_a_price_too_long_for_its_column_is_shortened_and_never_cut(value):
    (said,) = text.price_texts(value, columns=12)
    assert len(said) <= 12
    assert float(said.replace(",", "")) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0.4, "0 s"), (61, "1 min 1 s"), (3_600, "1 h 0 min"), (93_784, "1 d 2 h")],
)
def test_a_duration_has_two_units(seconds, said):
    assert text.format_duration(seconds) == said


def test_a_limit_is_written_in_the_unit_that_people_use():
    assert (text.format_limit(1_000.0), text.format_limit(0.5)) == ("1 ms", "0.5 us")


@pytest.mark.parametrize(
    ("value", "columns", "said"),
    [
        (None, 40, "-"),
        (0.0, 40, "-"),
        (9e-5, 40, "0.00009"),
        (1.5e6, 40, "1,500,000"),
        (123_456_789.25, 12, "1.23e+08"),
    ],
)
def test_volumes(value, columns, said):
    assert text.format_volume(value, columns) == said


@pytest.mark.parametrize(("value", "said"), [(None, "-"), (1.25, "+1.25 %"), (-2.345, "-2.35 %")])
def test_changes(value, said):
    assert text.format_change(value) == said


def test_the_unit_alone_gets_the_greek_letter():
    assert text.micro_sign("p95 12.3 us, 5 used by us") == "p95 12.3 µs, 5 used by us"

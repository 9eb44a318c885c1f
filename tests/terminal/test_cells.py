"""Text that came from outside, made fit for a terminal."""

import pytest

from pricecore.terminal.cells import fit, harmless, width


@pytest.mark.parametrize("text", ["BINANCE:BTCUSDT", "[red]", "<b>x</b>", "ÄÖÜ", "日本", "é", "€/$", "a\u0301"])
def test_what_a_terminal_only_shows_stays_as_it_is(text):
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\tc\x07", "a\\nb\\tc\\x07"),
        ("\u202eabc", "\\u202eabc"),
        ("\u200bzero", "\\u200bzero"),
        ("שלום", "\\u05e9\\u05dc\\u05d5\\u05dd"),
        ("سعر1", "\\u0633\\u0639\\u06311"),
        ("\x7f", "\\x7f"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_obeys_hides_or_turns_round_is_escaped(text, shown):
    assert harmless(text) == shown


@pytest.mark.parametrize(("text", "columns"), [("", 0), ("abc", 3), ("日本", 4), ("a\u0301", 1), ("Ä", 1), ("😀", 2)])
def test_width_is_in_columns(text, columns):
    assert width(text) == columns


@pytest.mark.parametrize("text", ["", "abc", "abcdefgh", "日本日本日本", "a日b本c", "e\u0301" * 9])
@pytest.mark.parametrize("columns", range(9))
def test_fitted_text_has_exactly_so_many_columns(text, columns):
    for right in (False, True):
        assert width(fit(text, columns, right=right)) == columns


def test_text_is_padded_at_the_side_that_was_asked_for_and_cut_visibly():
    assert fit("ab", 4) == "ab  "
    assert fit("ab", 4, right=True) == "  ab"
    assert fit("abcdef", 4) == "abc…"

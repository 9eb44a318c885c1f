"""The words of a refusal: every reason has them, and no value can break them."""

import pytest

from pricecore.errors import REASONS, InvalidUpdateError, RingFullError, SymbolTableFullError
from pricecore.prices.refusals import counted, refusal


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("reason", REASONS[1:])
def test_every_reason_has_an_error_and_a_line_for_the_log(reason):
    error = refusal(reason, "A", {"price": 1.5})
    kind = {"symbol_table_full": SymbolTableFullError, "ring_full": RingFullError}.get(reason, InvalidUpdateError)
    assert type(error) is kind
    assert str(error).startswith("refused 'A' (price=1.5): ")
    assert getattr(error, "reason", reason) == reason
    assert counted(reason, "A").startswith(f"update of 'A' refused ({reason}): ")
    assert counted(reason, None).startswith(f"update refused ({reason}): ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10**5_000, "<int without a repr>"),
        (Unspeakable(), "<Unspeakable without a repr>"),
        ("x" * 10**6, "'" + "x" * 99 + "..."),
        ("\ud800", "'\\ud800'"),
        ("\x1b[2J\u202e\n", "'\\x1b[2J\\u202e\\n'"),
    ],
    ids=["huge int", "unspeakable", "long", "surrogate", "escape sequence"],
)
def test_no_value_breaks_a_message_or_floods_it(value, shown):
    assert str(refusal("price_not_finite", value, {"price": value})).startswith(f"refused {shown} (price={shown}): ")
    assert shown in counted("symbol_too_long", value)


def test_refusal_without_values_has_no_parentheses():
    assert str(refusal("symbol_empty", "", {})) == "refused '': a symbol must not be empty"

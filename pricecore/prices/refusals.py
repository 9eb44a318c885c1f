"""Why an update was refused, in words: the value, the rule, and what to do."""

from pricecore.errors import InvalidUpdateError, RingFullError, SymbolTableFullError

_POSITIVE = "a price must be above zero; an engine made with allow_nonpositive=True admits zero and negative prices"
_EARLIEST = "ns since the Unix epoch, above 10**17"
_SHOWN_CHARACTERS = 100

_RULES = {
    "price_not_finite": "a price must be a finite number",
    "price_not_positive": _POSITIVE,
    "volume": "a volume must be finite and not negative; 0.0 says that none is given",
    "change": "change_24h must be a finite percentage; NaN says that none is given",
    "no_side": "a quote needs a bid or an ask; an absent side is NaN",
    "size": "a size must be finite and not negative, and 0.0 where its side is absent",
    "symbol_empty": "a symbol must not be empty",
    "symbol_too_long": "a symbol has at most 48 bytes as UTF-8",
    "symbol_encoding": "a symbol must be encodable as UTF-8; this one has a lone surrogate",
    "symbol_table_full": "all places of the symbol table are taken; make the engine with a larger max_symbols",
    "time_unit": f"this looks like s, ms or µs; timestamp_ns is {_EARLIEST}: multiply by 10**9, 10**6 or 10**3",
    "time_negative": f"timestamp_ns is {_EARLIEST}, or 0 when the source gives no time",
    "time_overflow": "timestamp_ns must fit into a signed 64-bit integer",
    "future": "this is further ahead of our clock than max_future_s allows; check the source's unit and clock, "
    "or make the engine with another max_future_s (None: no limit)",
    "ring_full": "a consumer that holds the ring has not taken its records yet",
    "symbol_id": "the id array was changed while the batch ran",
}


def _shown(value: object) -> str:
    """Return the value as a message shows it: never an error of its own, never a megabyte."""
    try:
        text = repr(value)
    except Exception:  # an int of more than 4,300 digits has no repr
        return f"<{type(value).__name__} without a repr>"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def refusal(reason: str, symbol: object, values: dict[str, object]) -> Exception:
    """Return the error for one refused update; `values` holds what the caller gave."""
    shown = ", ".join(f"{name}={_shown(value)}" for name, value in values.items())
    text = f"refused {_shown(symbol)}{f' ({shown})' if shown else ''}: {_RULES[reason]}"
    if reason == "symbol_table_full":
        return SymbolTableFullError(text, reason)
    if reason == "ring_full":
        return RingFullError(text)
    return InvalidUpdateError(text, reason)


def counted(reason: str, symbol: object) -> str:
    """Return the line for the log when a refused update is counted instead of raised."""
    where = "" if symbol is None else f" of {_shown(symbol)}"
    return f"update{where} refused ({reason}): {_RULES[reason]}"

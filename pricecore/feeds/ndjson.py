"""JSON messages with mapped fields, one a line or one from a socket: an object, or a list of such objects.

A field inside another is written with a point, `data.price`. A message that has no price of those mapped carries none.
"""

from collections.abc import Callable
from math import nan
from operator import attrgetter
from typing import Any, Optional

from msgspec import Struct, defstruct

from pricecore.errors import FormatError
from pricecore.feeds.decoding import Number, content_of, hand_on_all, message_decoder, number
from pricecore.feeds.mapping import Field, Fields
from pricecore.feeds.sink import Sink
from pricecore.feeds.timestamps import TimeReader

Decode = Callable[[bytes], int]

_PRICED = ("price", "bid", "ask")


def decoder(mapped: Fields, symbol: str = "", times: TimeReader | None = None) -> Callable[[Sink], Decode]:
    """Return the decoder of messages with these fields, as `formats.Format` takes it.

    Parameters
    ----------
    mapped : mapping
        Which field holds what.
    symbol : str
        Of messages that name none.
    times : TimeReader, optional
        Reads the times; by default in the unit of the mapping.

    Raises
    ------
    FormatError
        A field is mapped and another inside it.

    Threads: any.
    Cost: builds a msgspec type; a message costs about 2 us.
    """
    row_type = _model(mapped)
    accepted: Any = row_type | list[row_type]  # type: ignore[valid-type]
    reader = times or TimeReader(mapped["time"].time_unit if "time" in mapped else "")

    def open_decoder(sink: Sink) -> Decode:
        hand_on_row = _Rows(mapped, symbol, reader, sink).hand_on

        def hand_on(content: Any) -> int:
            return hand_on_all(content, hand_on_row) if isinstance(content, list) else hand_on_row(content)

        return message_decoder(accepted, lambda content: _carries_price(content, mapped), hand_on)

    return open_decoder


class _Rows:
    """Takes the fields out of a decoded message."""

    def __init__(self, mapped: Fields, symbol: str, times: TimeReader, sink: Sink) -> None:
        self._read = {role: attrgetter(_path(field)) for role, field in mapped.items()}
        self._divisors = {role: field.divisor for role, field in mapped.items()}
        self._symbol = symbol
        self._times = times
        self._sink = sink

    def hand_on(self, row: Any) -> int:
        price, bid, ask = self._number(row, "price"), self._number(row, "bid"), self._number(row, "ask")
        if price is None and not bid and not ask:
            return 0
        symbol, time_ns = str(self._field(row, "symbol") or self._symbol), self._time_ns(row)
        prices = 0
        if price is not None:
            change = self._number(row, "change")
            volume = self._number(row, "volume") or 0.0
            prices += self._sink.trade(symbol, price, volume, time_ns, nan if change is None else change)
        if bid or ask:
            bid_size = self._number(row, "bid_size") if bid else None
            ask_size = self._number(row, "ask_size") if ask else None
            prices += self._sink.quote(symbol, bid or nan, ask or nan, bid_size or 0.0, ask_size or 0.0, time_ns)
        return prices

    def _field(self, row: Any, role: str) -> Number:
        if role not in self._read:
            return None
        try:
            return self._read[role](row)
        except AttributeError:  # the object around it is missing or null
            return None

    def _number(self, row: Any, role: str) -> float | None:
        found = number(self._field(row, role))
        return None if found is None else found / self._divisors[role]

    def _time_ns(self, row: Any) -> int:
        found = self._field(row, "time")
        if found is None or (self._times.of_day and not self._times.dated):
            return 0
        return self._times.time_ns(found if isinstance(found, str) else repr(found))


def recognises(mapped: Fields) -> Callable[[bytes], bool]:
    """Return a test whether a message has every field of a mapping. Threads: any. Cost: decodes the message."""

    def test(message: bytes) -> bool:
        content = content_of(message)
        rows = content if isinstance(content, list) else [content]
        return bool(rows) and all(_plain_get(rows[0], field) is not None for field in mapped.values())

    return test


def _carries_price(content: Any, mapped: Fields) -> bool:
    """Tell whether what does not fit the types has a price and a symbol all the same."""
    rows = content if isinstance(content, list) else [content]
    needed = [mapped[role] for role in ("symbol",) if role in mapped]
    prices = [mapped[role] for role in _PRICED if role in mapped]
    return any(
        all(_plain_get(row, field) not in (None, "") for field in needed)
        and any(_plain_get(row, field) not in (None, "") for field in prices)
        for row in rows
    )


def _plain_get(row: Any, field: Field) -> Any:
    for key in field.name.split("."):
        row = row.get(key) if isinstance(row, dict) else None
    return row


def _path(field: Field) -> str:
    return ".".join(_attribute(key) for key in field.name.split("."))


def _attribute(key: str) -> str:
    """Return a name for a field that may be written in any way."""
    return "f" + key.encode().hex()


def _model(mapped: Fields) -> type[Struct]:
    """Return a type with the mapped fields alone: the others are skipped unread."""
    check_apart(mapped)
    tree: dict[str, Any] = {}
    for field in mapped.values():
        *outer, last = field.name.split(".")
        branch = tree
        for key in outer:
            branch = branch.setdefault(key, {})
        branch[last] = None
    return _struct(tree)


def check_apart(mapped: Fields) -> None:
    """Raise `FormatError` when a field is mapped and another inside it. Threads: any. Cost: microseconds."""
    names = {field.name for field in mapped.values()}
    for name in sorted(names):
        outer = name
        while "." in outer:
            outer = outer.rpartition(".")[0]
            if outer in names:
                raise FormatError(f"{outer!r} is mapped and so is {name!r} inside it: a field holds a value or others")


def _struct(tree: dict[str, Any]) -> type[Struct]:
    parts: list[tuple[str, Any, Any]] = []
    for key, branch in tree.items():
        kind = int | float | str | None if branch is None else Optional[_struct(branch)]  # noqa: UP045 - of a value
        parts.append((_attribute(key), kind, None))
    return defstruct("Mapped", parts, rename={_attribute(key): key for key in tree}, gc=False)

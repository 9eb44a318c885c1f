"""What the decoders of the venues share: one frame around the typed decoding, and readers of single fields."""

from collections.abc import Callable, Iterable
from math import nan
from typing import Any, TypeVar

from msgspec import DecodeError, MsgspecError
from msgspec.json import Decoder
from msgspec.json import decode as decode_any

from pricecore.errors import MalformedError
from pricecore.feeds.sink import MALFORMED

Number = float | str | None
"""A field that a venue sends as a number, as a string, empty or as null."""

_SIGNS_OF_LIFE = (b"", b"ping", b"pong")
"""Not JSON, but well-formed: OKX answers so."""

_FIRST_MICROSECOND_TIME = 10**14  # read as ms: the year 5138
_FIRST_NANOSECOND_TIME = 10**17

Content = TypeVar("Content")
Row = TypeVar("Row")


def message_decoder(
    model: type[Content], carries_price: Callable[[Any], bool], hand_on: Callable[[Content], int]
) -> Callable[[bytes], int]:
    """Return a decoder of messages: typed decoding first, and a second look at what has other types.

    Parameters
    ----------
    model : type
        A msgspec type that holds the fields that are used; others are skipped unread.
    carries_price : callable
        Tells from the plain content of a message that does not fit `model` whether it should have carried a price.
    hand_on : callable
        Takes the decoded message, hands its prices to the sink and returns how many there were.

    Returns
    -------
    callable
        As `formats.Decode`: blanks and JSON of any other kind are 0, all else that cannot be read raises.

    Threads: one at a time.
    Cost: one decoding; a second one for messages that do not fit the model.
    """
    decode_model = Decoder(model, strict=False).decode

    def decode(message: bytes) -> int:
        try:
            if not message.isascii():
                message.decode()  # msgspec does not check the fields that it skips for UTF-8
            content = decode_model(message)
        except DecodeError:
            return judge(message, carries_price)
        try:
            return hand_on(content)
        except MsgspecError as error:  # a part that is decoded by itself
            raise MalformedError(str(error)) from None

    return decode


def judge(message: bytes, carries_price: Callable[[Any], bool]) -> int:
    """Return 0 for blanks, signs of life and JSON that is no price message; raise for all else."""
    if message.strip() in _SIGNS_OF_LIFE:
        return 0
    if carries_price(decode_any(message)):
        raise MalformedError("a price message with a field that is missing or not of its type")
    return 0


def content_of(message: bytes) -> Any:
    """Return the plain content of a message, None for one that is no JSON."""
    try:
        return decode_any(message)
    except MALFORMED:
        return None


def number(value: Number) -> float | None:
    """Return a number however the venue writes it; None when it is null or empty.

    Raises
    ------
    MalformedError
        The text is no number.
    """
    if value is None or value == "":
        return None
    try:
        if type(value) is not str:
            return float(value)
        if "_" not in value:  # Python reads 1_000 as a number; no venue means it
            return float(value)
    except ValueError:
        pass
    raise MalformedError(f"{str(value)[:40]!r} is not a number")


def price_of(value: Number) -> float:
    """Return the price of a trade, which a trade must have."""
    price = number(value)
    if price is None:
        raise MalformedError("a trade without a price")
    return price


def size_of(value: Number) -> float:
    """Return the size of a trade; 0.0 when it is not given."""
    return number(value) or 0.0


def percent_of(value: Number, factor: float = 1.0) -> float:
    """Return a change in percent; `factor` is 100 where the venue gives a fraction. NaN when it is not given."""
    change = number(value)
    return nan if change is None else change * factor


def percent_change(price: float, opening: Number) -> float:
    """Return the change from the opening price in percent; NaN when there is no opening price."""
    start = number(opening)
    return (price / start - 1.0) * 100.0 if start else nan


def epoch_ns(time: int) -> int:
    """Return a time in ms, us or ns since the epoch, told apart by its size, in ns."""
    if time < _FIRST_MICROSECOND_TIME:
        return time * 1_000_000
    return time * 1_000 if time < _FIRST_NANOSECOND_TIME else time


def hand_on_all(rows: Iterable[Row], hand_on: Callable[[Row], int]) -> int:
    """Hand on every row of a message; one that cannot be read does not keep the others back, but is raised in the end.

    Returns
    -------
    int
        How many prices there were.
    """
    prices = 0
    unreadable = None
    for row in rows:
        try:
            prices += hand_on(row)
        except MalformedError as error:
            unreadable = error
    if unreadable is not None:
        raise unreadable
    return prices

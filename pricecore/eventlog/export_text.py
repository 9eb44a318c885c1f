"""Level 4: updates as CSV and as JSON lines, with the standard library and numpy alone."""

import json
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

import numpy as np

from pricecore.eventlog.export_columns import COLUMNS, Chunk, Number

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CsvWriter:
    """Writes rows as RFC 4180 has them, with a header; what is missing is empty. Threads: one at a time."""

    def __init__(self, out: IO[bytes], names: Sequence[str]) -> None:
        self._out = out
        self._names = [_csv_text(name) for name in names]
        out.write((",".join(COLUMNS) + "\n").encode())

    def write(self, chunk: Chunk) -> None:
        """Append the rows of one chunk."""
        columns = _text_columns(chunk, self._names, ("price", "quote"), "{}", "")
        self._out.write(("\n".join(map(",".join, zip(*columns, strict=True))) + "\n").encode())

    def close(self) -> None:
        """Nothing follows the last row."""


class JsonLinesWriter:
    """Writes one JSON object a line; every object has every key, what is missing is null. Threads: one at a time."""

    def __init__(self, out: IO[bytes], names: Sequence[str]) -> None:
        self._out = out
        self._names = [json.dumps(name, ensure_ascii=False) for name in names]
        self._line = "{" + ",".join(f'"{column}":%s' for column in COLUMNS) + "}"

    def write(self, chunk: Chunk) -> None:
        """Append the objects of one chunk."""
        columns = _text_columns(chunk, self._names, ('"price"', '"quote"'), '"{}"', "null")
        self._out.write(("\n".join(map(self._line.__mod__, zip(*columns, strict=True))) + "\n").encode())

    def close(self) -> None:
        """Nothing follows the last line."""


def _csv_text(name: str) -> str:
    """Return a symbol as a field: quoted when a comma, a quote or a line break is in it."""
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\r\n') else name


def _text_columns(
    chunk: Chunk, names: Sequence[str], kinds: tuple[str, str], time: str, missing: str
) -> list[Iterable[str]]:
    """Return the cells of each column, in the order of `COLUMNS`."""
    return [
        map(str, chunk.sequence.tolist()),
        map(names.__getitem__, chunk.symbol_id.tolist()),
        map(kinds.__getitem__, chunk.quote.tolist()),
        _times(chunk.timestamp_ns, time, missing),
        _times(chunk.received_ns, time, missing),
        *(_numbers(number, missing) for number in chunk.numbers.values()),
    ]


def _times(times_ns: "NDArray[np.int64]", form: str, missing: str) -> list[str]:
    """Return times in UTC with all nine digits, as ISO 8601; each second is made text once, there are few of them."""
    seconds, ns = np.divmod(times_ns, 1_000_000_000)
    distinct, places = np.unique(seconds, return_inverse=True)
    forms = [form.format(f"{text}.%09dZ") for text in np.datetime_as_string(distinct.view("M8[s]")).tolist()]
    texts = [forms[place] % part for place, part in zip(places.tolist(), ns.tolist(), strict=True)]
    for row in np.flatnonzero(times_ns == 0).tolist():
        texts[row] = missing
    return texts


def _numbers(number: Number, missing: str) -> list[str]:
    """Return the shortest text of each double that reads back as the same double."""
    pairs = zip(number.values.tolist(), number.missing.tolist(), strict=True)
    return [missing if is_missing else repr(value) for value, is_missing in pairs]

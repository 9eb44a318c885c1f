"""Which format a source is in, told from the content of its first lines, never from its name."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from pricecore.errors import FormatError
from pricecore.feeds import formats, ndjson
from pricecore.feeds.csv_tables import Table, numbered
from pricecore.feeds.formats import Format, in_message, never_recognised
from pricecore.feeds.lines import MAX_LINE_BYTES, Lines
from pricecore.feeds.mapping import Fields, fields

LINES_LOOKED_AT = 64
"""A format is recognised from the first lines of a source, of which there are at most this many."""

_BYTES_LOOKED_AT = 2 * MAX_LINE_BYTES


class Recognised(NamedTuple):
    """What the first lines of a source told."""

    format: Format | None
    line: bytes
    """By which it was recognised; else the first that is not blank."""
    rows_before: int
    """Lines before that one, blank ones apart."""
    chunks: Iterator[bytes]
    """All of the content, what was looked at included."""


def recognise(chunks: Iterable[bytes], known: Iterable[Format] | None = None) -> Recognised:
    """Find the format of a source from the content of its first lines.

    Parameters
    ----------
    chunks : iterable of bytes
        The content.
    known : iterable of Format, optional
        Formats that it may be in; by default all. The first that recognises a line is taken.

    Threads: one.
    Cost: reads no more lines than it needs, at most `LINES_LOOKED_AT`; decodes each in full.
    """
    rest = iter(chunks)
    looked_at: list[bytes] = []
    rows = list(formats.FORMATS.values() if known is None else known)
    seen: list[bytes] = []
    for _, _, line in islice(Lines(_kept(rest, looked_at)), LINES_LOOKED_AT):
        for row in rows:
            if row.recognises(line):
                return Recognised(row, line, len(seen), chain(looked_at, rest))
        if line.strip():
            seen.append(line)
    return Recognised(None, seen[0] if seen else b"", 0, chain(looked_at, rest))


def first_row(chunks: Iterable[bytes], row: Format) -> Recognised:
    """Return a source whose format is known, with its first line that is not blank."""
    return recognise(chunks, [row._replace(recognises=lambda line: bool(line.strip()))])


def mapped_source(chunks: Iterable[bytes], texts: Mapping[str, str]) -> Recognised:
    """Find out whether a source with mapped fields is JSON or CSV, and whether its columns are named or numbered.

    Raises
    ------
    FormatError
        The mapping is none, see `mapping`.
    """
    found = fields(texts)
    is_json = in_message(lambda message: message.lstrip()[:1] in (b"{", b"["))
    is_row = in_message(lambda message: bool(message.strip()))
    # No decoder yet: only of a source that is JSON do the points in the names have to make sense.
    messages = Format("ndjson", is_json, mapped=found)
    rows = Format("csv", is_row, table=Table(found))
    source = recognise(chunks, [messages, rows])
    if source.format is None:  # it is blank
        return source._replace(format=messages if _fits_messages(found) else rows)
    if source.format.table is None:
        return source
    if all(field.name.isdecimal() for field in found.values()):
        return source._replace(format=Format("csv", never_recognised, table=numbered(found, source.line)))
    return source


def _fits_messages(mapped: Fields) -> bool:
    try:
        ndjson.check_apart(mapped)
    except FormatError:
        return False
    return True


def _kept(chunks: Iterator[bytes], kept: list[bytes]) -> Iterator[bytes]:
    size_bytes = 0
    for chunk in chunks:
        kept.append(chunk)
        yield chunk
        size_bytes += len(chunk)
        if size_bytes > _BYTES_LOOKED_AT:
            return

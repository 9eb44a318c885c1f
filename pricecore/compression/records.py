"""Blocks of 64-byte records, compressed: zstd of the records as they stand, or of their columns.

Records of market data repeat in columns, not in rows: the sequence goes up by one, times by little, the sides of a
quote change one at a time. `ZSTD_COLUMNS` therefore turns n records into 8 columns of n words of 8 bytes, and puts
into the three columns of sequence, timestamp_ns and received_ns the difference to the word before, modulo 2**64. It is
exactly reversible whatever the 64 bytes hold, names and VOID records included. On recorded data it needs a quarter to
a half less than zstd alone in the same time; finer shuffles, by single bytes, need more on quotes of exchanges
(asv_bench/compression_figures.py).
"""

from typing import TYPE_CHECKING

import numpy as np

from pricecore.compression.frames import expanded, header_of
from pricecore.compression.zstd import checked_level, zstd
from pricecore.errors import CompressionError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

PLAIN = 0
ZSTD = 1
ZSTD_COLUMNS = 2
ENCODINGS = (PLAIN, ZSTD, ZSTD_COLUMNS)
"""As the log's block headers name them."""

RECORD_BYTES = 64
MOST_BLOCK_BYTES = 65_536 * RECORD_BYTES

_WORDS = 8
_DIFFERENCES = (0, 2, 3)  # the words of sequence, timestamp_ns and received_ns


def encode_block(payload: "Buffer", encoding: int, level: int = 3) -> bytes:
    """Compress the records of one block.

    Parameters
    ----------
    payload : bytes-like
        64 bytes a record; 1 to 65,536 records.
    encoding : int
        `PLAIN`, `ZSTD` or `ZSTD_COLUMNS`.
    level : int
        Of zstd, 1 (fast) to 22 (small).

    Returns
    -------
    bytes
        What `decode_block` takes. It may be longer than the payload when that is noise.

    Raises
    ------
    ValueError
        The length, the encoding or the level is none.
    MissingExtraError
        zstd is not installed.

    Threads: any.
    Cost: a compression context and, for columns, a copy of the payload. Releases the GIL for nearly all of it.
    """
    view = _bytes_of(payload)
    _check_length(view.nbytes)
    _check_encoding(encoding)
    checked_level(level)
    if encoding == PLAIN:
        return view.tobytes()
    return zstd().compress(view if encoding == ZSTD else _columns_of(view), level)


def decode_block(stored: "Buffer", encoding: int, plain_bytes: int, into: "Buffer | None" = None) -> memoryview:
    """Expand what `encode_block` returned.

    Parameters
    ----------
    stored : bytes-like
        The block's payload as it stands in a file: nothing in it is trusted.
    encoding : int
        That of the block.
    plain_bytes : int
        64 x the records of the block, which is all that the result may have.
    into : writable buffer, optional
        Of `plain_bytes` bytes; it holds the records afterwards, or anything after an error. A new one by default.

    Returns
    -------
    memoryview
        Of `plain_bytes` bytes: of `into`, of `stored` itself with `PLAIN`, else of new memory.

    Raises
    ------
    CompressionError
        The frame is damaged, or says or holds another length.
    ValueError
        `plain_bytes`, the encoding or the length of `into` is none.
    MissingExtraError
        zstd is not installed.

    Threads: any.
    Cost: up to three times `plain_bytes` for a moment; never more, whatever `stored` holds. Releases the GIL for
    nearly all of it.
    """
    _check_length(plain_bytes)
    _check_encoding(encoding)
    target = None if into is None else _bytes_of(into)
    if target is not None and target.nbytes != plain_bytes:
        raise ValueError(f"into has {target.nbytes:,} bytes; it must have {plain_bytes:,}")
    plain = _content(stored, encoding, plain_bytes)
    if encoding == ZSTD_COLUMNS:
        return _records_of(plain, np.empty(plain_bytes, np.uint8).data if target is None else target)
    if target is None:
        return plain
    target[:] = plain
    return target


def _content(stored: "Buffer", encoding: int, plain_bytes: int) -> memoryview:
    """Return what is stored, expanded to exactly `plain_bytes`."""
    view = _bytes_of(stored)
    declared_bytes = view.nbytes if encoding == PLAIN else header_of(view).plain_bytes
    if declared_bytes != plain_bytes:
        message = f"the block has {declared_bytes:,} bytes of records instead of {plain_bytes:,}"
        raise CompressionError(message, "wrong_size")
    return view if encoding == PLAIN else memoryview(expanded(view, plain_bytes))


def _columns_of(payload: memoryview) -> "NDArray[np.uint64]":
    words = np.frombuffer(payload, "<u8").reshape(-1, _WORDS)
    columns = words.T.copy(order="C")
    for word in _DIFFERENCES:
        columns[word, 1:] -= words[:-1, word]
    return columns


def _records_of(plain: memoryview, target: memoryview) -> memoryview:
    columns = np.frombuffer(plain, "<u8").reshape(_WORDS, -1)
    records = np.frombuffer(target, "<u8").reshape(-1, _WORDS)
    records[:] = columns.T
    for word in _DIFFERENCES:
        np.cumsum(columns[word], out=records[:, word])
    return target


def _bytes_of(data: "Buffer") -> memoryview:
    """Return a view of single bytes, of a structured array as well."""
    return np.frombuffer(memoryview(data), np.uint8).data


def _check_length(plain_bytes: int) -> None:
    if plain_bytes % RECORD_BYTES or not RECORD_BYTES <= plain_bytes <= MOST_BLOCK_BYTES:
        raise ValueError(f"a block has 64 bytes for each of 1 to 65,536 records, not {plain_bytes:,} bytes")


def _check_encoding(encoding: int) -> None:
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding is {encoding!r}; it must be 0 (plain), 1 (zstd) or 2 (zstd of columns)")

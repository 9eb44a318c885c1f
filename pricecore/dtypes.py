"""Level 0: the numpy dtypes of the 64-byte record and of a snapshot. `types.pxd` is the same record for C."""

import numpy as np

_RECORD_HEAD = [
    ("sequence", "<u8"),
    ("symbol_id", "<u4"),
    ("kind", "<u2"),
    ("flags", "<u2"),
    ("timestamp_ns", "<i8"),
    ("received_ns", "<i8"),
]

RECORD_DTYPE = np.dtype(
    [*_RECORD_HEAD, ("price", "<f8"), ("volume", "<f8"), ("change_24h", "<f8"), ("reserved", "<f8")]
)
"""One record of 64 bytes, read as a PRICE (kind 0)."""

QUOTE_DTYPE = np.dtype([*_RECORD_HEAD, ("bid", "<f8"), ("ask", "<f8"), ("bid_size", "<f8"), ("ask_size", "<f8")])
"""The same 64 bytes, read as a QUOTE (kind 1): `records.view(QUOTE_DTYPE)`."""

SNAPSHOT_DTYPE = np.dtype(
    [
        ("symbol_id", "<i4"),
        ("price", "<f8"),
        ("volume", "<f8"),
        ("change_24h", "<f8"),
        ("timestamp_ns", "<i8"),
        ("received_ns", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("bid_size", "<f8"),
        ("ask_size", "<f8"),
        ("quote_timestamp_ns", "<i8"),
        ("quote_received_ns", "<i8"),
    ],
    align=True,  # 96 bytes: every figure on a multiple of 8
)
"""The latest price and quote of one symbol: row i is symbol id i; what is missing is NaN, or 0 for a time."""

"""Level 4: the headers of the log's files as numpy sees them, and the names of the files: see FORMAT.md."""

import re

import numpy as np

FILE_HEADER_DTYPE = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u2"),
        ("header_bytes", "<u2"),
        ("flags", "<u4"),
        ("log_id", "V16"),
        ("sequence", "<u8"),  # of a log file: the first one; of a snapshot: the last one
        ("created_ns", "<i8"),
        ("generation", "<u8"),
        ("symbol_count", "<u4"),
        ("position_bytes", "<u4"),
        ("body_crc", "<u4"),
        ("zero", "<u4"),
        ("last_sequence", "<u8"),  # of a snapshot; 0 in a log file
        ("reserved", "V44"),
        ("crc", "<u4"),
    ]
)
"""128 bytes at the start of a log file and of a snapshot."""

BLOCK_HEADER_DTYPE = np.dtype(
    [
        ("magic", "S4"),
        ("type", "<u2"),
        ("encoding", "<u2"),
        ("first_sequence", "<u8"),
        ("count", "<u4"),
        ("stored_bytes", "<u4"),
        ("least_ns", "<i8"),
        ("greatest_ns", "<i8"),
        ("synced_sequence", "<u8"),
        ("position_bytes", "<u4"),
        ("reserved", "<u4"),
        ("previous_crc", "<u4"),
        ("crc", "<u4"),
    ]
)
"""64 bytes before the payload of a block."""

SYMBOL_DTYPE = np.dtype(
    [("sequence", "<u8"), ("symbol_id", "<u4"), ("kind", "<u2"), ("length", "<u2"), ("name", "S48")]
)
"""A record of 64 bytes, read as a SYMBOL (kind 2)."""

INDEX_HEADER_DTYPE = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u2"),
        ("zero", "<u2"),
        ("crc", "<u4"),
        ("log_bytes", "<u8"),
        ("header_crc", "<u4"),
        ("last_crc", "<u4"),
    ]
)
"""32 bytes at the start of an index."""

INDEX_DTYPE = np.dtype(
    [("offset", "<u8"), ("first_sequence", "<u8"), ("greatest_through", "<i8"), ("least_from", "<i8")]
)
"""An entry of an index."""

VERSION = 1
LOG_MAGIC, SNAPSHOT_MAGIC, INDEX_MAGIC = b"PRICELOG", b"PRICESNP", b"PRICEIDX"
BLOCK_MAGIC = b"PCB1"
RECORDS, GAP, POSITION = 0, 1, 2
"""Types of blocks."""
PLAIN, ZSTD, SHUFFLED_ZSTD = 0, 1, 2
"""Encodings of a payload."""
SKIPPED, NEVER_LOGGED, DAMAGED = 1, 2, 3
"""Reasons of a gap."""
REWRITTEN, COMPRESSED = 1, 2
"""Flags of a file that was written anew as a whole; whose blocks were joined and compressed."""

HIGHEST_SEQUENCE = (1 << 62) - 1
MAX_BLOCK_RECORDS = 65_536
MAX_POSITION_BYTES = 4_096
ALIGNMENT_BYTES = 64
LOCK_NAME = "lock"

_NAME = re.compile(r"(\d{20})\.(log|snapshot|index)(\.tmp)?")


def file_name(sequence: int, kind: str) -> str:
    """Return the name of a log's file of this kind: "log", "snapshot" or "index"."""
    return f"{sequence:020d}.{kind}"


def parse_name(name: str) -> tuple[int, str, bool] | None:
    """Return sequence, kind and whether it is a draft; None when the file is not the log's.

    A snapshot may be of a log that has no record yet; no other file is of sequence 0.
    """
    match = _NAME.fullmatch(name)
    if match is None or not (match[2] != "snapshot") <= int(match[1]) <= HIGHEST_SEQUENCE:
        return None
    return int(match[1]), match[2], match[3] is not None


def padded(length_bytes: int) -> int:
    """Return the length with the zeros that follow."""
    return -(-length_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES

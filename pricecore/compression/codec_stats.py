"""What a `PayloadCodec` reports."""

from typing import NamedTuple


class CodecStats(NamedTuple):
    """Figures of a codec since it was made or reset; exact while no other thread uses it."""

    compressed: int
    """Payloads compressed."""
    compress_in_bytes: int
    """Of these payloads."""
    compress_out_bytes: int
    """Of their frames."""
    compress_time_s: float
    """Spent in zstd, summed up over the threads."""
    decompressed: int
    """Frames expanded."""
    decompress_in_bytes: int
    """Of these frames."""
    decompress_out_bytes: int
    """Of their payloads."""
    decompress_time_s: float
    """Spent in zstd, the check of the header included, summed up over the threads."""
    ratio: float
    """Bytes of payloads over bytes of frames, both ways together; NaN before the first."""
    errors: int
    """Payloads and frames that were refused."""
    errors_by_reason: dict[str, int]
    """The same by `reason` of the `CompressionError`."""

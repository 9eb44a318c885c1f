"""What a `BufferPool` reports."""

from typing import NamedTuple


class PoolStats(NamedTuple):
    """Figures of a buffer pool at one moment; exact while no other thread uses the pool."""

    capacity: int
    """Buffers that the pool owns."""
    available: int
    """Of these, how many are free."""
    outstanding: int
    """Buffers acquired and not released, those from misses included: may exceed `capacity`."""
    hits: int
    """Acquires served from the pool."""
    misses: int
    """Acquires that found the pool empty and allocated."""
    dropped: int
    """Releases of a buffer grown beyond four times its size, whose memory was given back."""
    utilization: float
    """Fraction of `capacity` that is in use, 0 to 1; buffers from misses do not count."""

"""`PayloadCodec`: single messages, compressed."""

import os
from collections.abc import Iterable
from math import nan
from typing import TYPE_CHECKING

from pricecore.compression.codec_stats import CodecStats
from pricecore.compression.context import Context
from pricecore.compression.dictionary import DICTIONARY_BYTES, PayloadDictionary
from pricecore.compression.zstd import checked_level
from pricecore.errors import COMPRESSION_REASONS
from pricecore.primitives.pool import BufferPool, PooledBuffer

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_PAYLOAD_BYTES = 1024 * 1024
_MOST_PAYLOAD_BYTES = 1024 * 1024 * 1024


class PayloadCodec:
    """Compresses single messages with zstd: JSON of a feed, payloads to send on.

    A message of 150 bytes has little to repeat in itself; a dictionary, learnt from some hundred messages of its kind,
    is what makes it small. Each message is one zstd frame of its own, which names its length and its dictionary, so
    that any program with zstd reads it.

    Parameters
    ----------
    level : int, default 3
        1 (fast) to 22 (small).
    dictionary : PayloadDictionary or path, optional
        For both directions; a path is loaded. A frame that was made with another is refused.
    pool : BufferPool, optional
        Where `compress_pooled` and `decompress_pooled` put their results, for example ``engine.pool``; by default one
        of 512 buffers of 1 KiB, which costs nothing until it is used.
    max_payload_bytes : int, default 1,048,576
        Larger payloads are refused in both directions, 1 to 1,073,741,824.

    Raises
    ------
    MissingExtraError
        zstd is not installed: ``pip install "pricecore[zstd]"``.
    CompressionError, OSError
        The dictionary is none, or cannot be read.
    TypeError, ValueError
        A parameter is of a wrong type or outside its range.

    Threads: all methods, any number at once: each call has a zstd context to itself, kept for later calls.
    Cost: a context (some 100 KiB) for each thread that is in a call at the same time; see each method.

    Examples
    --------
    >>> from pricecore.compression import PayloadCodec
    >>> messages = [b'{"s":"BTCUSDT","p":"%d.5","T":%d}' % (60_000 + i % 97, i) for i in range(2_000)]
    >>> codec = PayloadCodec.train(messages[:1_000])
    >>> frame = codec.compress(messages[1_500])
    >>> codec.decompress(frame) == messages[1_500]
    True
    >>> len(frame) < len(messages[1_500])
    True
    >>> codec.stats().compressed, codec.stats().errors
    (1, 0)
    """

    def __init__(
        self,
        *,
        level: int = 3,
        dictionary: PayloadDictionary | str | os.PathLike[str] | None = None,
        pool: BufferPool | None = None,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
    ) -> None:
        if not 1 <= max_payload_bytes <= _MOST_PAYLOAD_BYTES:
            raise ValueError(f"max_payload_bytes is {max_payload_bytes}; it must be 1 to {_MOST_PAYLOAD_BYTES:,}")
        if pool is not None and not isinstance(pool, BufferPool):
            raise TypeError(f"pool must be a BufferPool, not {type(pool).__name__}")
        self._level = checked_level(level)
        self._dictionary = _as_dictionary(dictionary)
        self._max_payload_bytes = max_payload_bytes
        self._pool = BufferPool() if pool is None else pool
        self._all: list[Context] = []
        self._idle = [self._new_context()]  # so that what zstd would refuse is refused here

    @classmethod
    def train(
        cls,
        samples: "Iterable[Buffer]",
        *,
        max_dictionary_bytes: int = DICTIONARY_BYTES,
        level: int = 3,
        pool: BufferPool | None = None,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
    ) -> "PayloadCodec":
        """Return a codec with a dictionary learnt from `samples`; ``codec.dictionary.save(path)`` keeps that.

        Parameters
        ----------
        samples : iterable of bytes-like
            Some hundred messages of the kinds that will be sent, as they will be sent.
        max_dictionary_bytes : int, default 16,384
            256 to 16,777,216.
        level, pool, max_payload_bytes
            As for the class.

        Raises
        ------
        ValueError
            The samples are too few or too short to learn from.

        Threads: any. Cost: a second for some megabytes of samples, with the GIL released.
        """
        dictionary = PayloadDictionary.train(samples, max_dictionary_bytes)
        return cls(level=level, dictionary=dictionary, pool=pool, max_payload_bytes=max_payload_bytes)

    @property
    def dictionary(self) -> PayloadDictionary | None:
        """The dictionary of both directions, or None."""
        return self._dictionary

    @property
    def pool(self) -> BufferPool:
        """Where pooled results come from."""
        return self._pool

    def compress(self, payload: "Buffer") -> bytes:
        """Return one message as a zstd frame.

        Parameters
        ----------
        payload : bytes-like
            Contiguous; may be empty.

        Raises
        ------
        CompressionError
            It is longer than `max_payload_bytes`.
        TypeError
            It is not bytes-like; a str has to be encoded.

        Threads: any.
        Cost: one to four us for a message of a feed; allocates the frame. Releases the GIL while zstd works.
        """
        context = self._taken()
        try:
            return context.compress(payload)
        finally:
            self._idle.append(context)

    def decompress(self, frame: "Buffer") -> bytes:
        """Return the message in a zstd frame; nothing that it says is trusted.

        Parameters
        ----------
        frame : bytes-like
            One whole frame, made with this codec's dictionary or with none.

        Raises
        ------
        CompressionError
            `reason` says which: "not_a_frame"; "no_size" (made from a stream); "too_large" (before anything is
            expanded); "wrong_dictionary" (the message names both ids); "damaged". zstd's frames carry
            no checksum by default: damage that leaves a sound frame is not found.
        TypeError
            It is not bytes-like.

        Threads: any.
        Cost: a new decompression context, because the library's serves one frame only; allocates the message. Releases
        the GIL while zstd works.
        """
        context = self._taken()
        try:
            return context.decompress(frame)
        finally:
            self._idle.append(context)

    def compress_pooled(self, payload: "Buffer") -> PooledBuffer:
        """As `compress`, with the frame in a buffer of the pool, to be released by the caller.

        Threads: any. Cost: that of `compress`, and a copy.
        """
        return self._pooled(self.compress(payload))

    def decompress_pooled(self, frame: "Buffer") -> PooledBuffer:
        """As `decompress`, with the message in a buffer of the pool, to be released by the caller.

        Threads: any. Cost: that of `decompress`, and a copy.
        """
        return self._pooled(self.decompress(frame))

    def stats(self) -> CodecStats:
        """Return what was done so far. Threads: any. Cost: adds up the contexts."""
        all_contexts = list(self._all)

        def total(name: str) -> int:
            return sum(getattr(context, name) for context in all_contexts)

        plain_bytes = total("compress_in_bytes") + total("decompress_out_bytes")
        frame_bytes = total("compress_out_bytes") + total("decompress_in_bytes")
        counts = [(reason, sum(c.errors.get(reason, 0) for c in all_contexts)) for reason in COMPRESSION_REASONS]
        errors = {reason: count for reason, count in counts if count}
        return CodecStats(
            compressed=total("compressed"),
            compress_in_bytes=total("compress_in_bytes"),
            compress_out_bytes=total("compress_out_bytes"),
            compress_time_s=total("compress_ns") / 1e9,
            decompressed=total("decompressed"),
            decompress_in_bytes=total("decompress_in_bytes"),
            decompress_out_bytes=total("decompress_out_bytes"),
            decompress_time_s=total("decompress_ns") / 1e9,
            ratio=plain_bytes / frame_bytes if frame_bytes else nan,
            errors=sum(errors.values()),
            errors_by_reason=errors,
        )

    def reset_stats(self) -> None:
        """Begin all figures at 0 again; calls that run meanwhile may be counted or not.

        Threads: any. Cost: microseconds a context.
        """
        for context in list(self._all):
            context.reset()

    def _taken(self) -> Context:
        """Take a context that no other thread has: list.pop is one step, with and without a GIL."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._new_context()

    def _new_context(self) -> Context:
        context = Context(self._level, self._dictionary, self._max_payload_bytes)
        self._all.append(context)
        return context

    def _pooled(self, data: bytes) -> PooledBuffer:
        buffer = self._pool.acquire()
        buffer.extend(data)
        return buffer

    def __repr__(self) -> str:
        return f"<PayloadCodec: level {self._level}, {self._dictionary or 'no dictionary'}>"

    def __reduce__(self) -> "tuple[object, ...]":
        raise TypeError("a PayloadCodec cannot be pickled: save its dictionary, and make one from that")


def _as_dictionary(given: PayloadDictionary | str | os.PathLike[str] | None) -> PayloadDictionary | None:
    if given is None or isinstance(given, PayloadDictionary):
        return given
    if not isinstance(given, str | os.PathLike):
        raise TypeError(f"dictionary must be a PayloadDictionary or a path, not {given!r}")
    return PayloadDictionary.load(given)

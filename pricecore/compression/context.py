"""One zstd context and what was done with it: the part of a `PayloadCodec` that one thread has at a time."""

from time import perf_counter_ns
from typing import TYPE_CHECKING

from pricecore.compression.frames import expanded, header_of
from pricecore.compression.zstd import zstd
from pricecore.errors import CompressionError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from pricecore.compression.dictionary import PayloadDictionary


class Context:
    """Compresses and expands, checks limits, counts. Threads: one at a time, which `PayloadCodec` sees to."""

    __slots__ = (
        "_compress",
        "_dictionary",
        "_end_of_frame",
        "_max_payload_bytes",
        "compress_in_bytes",
        "compress_ns",
        "compress_out_bytes",
        "compressed",
        "decompress_in_bytes",
        "decompress_ns",
        "decompress_out_bytes",
        "decompressed",
        "errors",
    )

    def __init__(self, level: int, dictionary: "PayloadDictionary | None", max_payload_bytes: int) -> None:
        compressor = zstd().ZstdCompressor(level, zstd_dict=None if dictionary is None else dictionary.zstd_dict)
        self._compress = compressor.compress
        self._end_of_frame = compressor.FLUSH_FRAME
        self._dictionary = dictionary
        self._max_payload_bytes = max_payload_bytes
        self.reset()

    def reset(self) -> None:
        """Begin all counts at 0 again."""
        self.compressed = self.compress_in_bytes = self.compress_out_bytes = self.compress_ns = 0
        self.decompressed = self.decompress_in_bytes = self.decompress_out_bytes = self.decompress_ns = 0
        self.errors: dict[str, int] = {}

    def compress(self, payload: "Buffer") -> bytes:
        """Return `payload` as one frame."""
        plain_bytes = len(payload) if type(payload) is bytes else memoryview(payload).nbytes
        if plain_bytes > self._max_payload_bytes:
            raise self._refusal(_too_large("the payload has", plain_bytes, self._max_payload_bytes))
        begin_ns = perf_counter_ns()
        frame: bytes = self._compress(payload, self._end_of_frame)
        self.compress_ns += perf_counter_ns() - begin_ns
        self.compressed += 1
        self.compress_in_bytes += plain_bytes
        self.compress_out_bytes += len(frame)
        return frame

    def decompress(self, frame: "Buffer") -> bytes:
        """Return the payload of one frame."""
        begin_ns = perf_counter_ns()
        try:
            payload = self._expand(frame)
        except CompressionError as error:
            raise self._refusal(error) from None
        self.decompress_ns += perf_counter_ns() - begin_ns
        self.decompressed += 1
        self.decompress_in_bytes += memoryview(frame).nbytes
        self.decompress_out_bytes += len(payload)
        return payload

    def _expand(self, frame: "Buffer") -> bytes:
        plain_bytes, dictionary_id = header_of(frame)
        if plain_bytes > self._max_payload_bytes:
            raise _too_large("the zstd frame announces", plain_bytes, self._max_payload_bytes)
        if dictionary_id == 0:
            return expanded(frame, plain_bytes)
        dictionary = self._dictionary
        if dictionary is None or dictionary.id != dictionary_id:
            ours = "none" if dictionary is None else f"dictionary {dictionary.id}"
            message = f"the zstd frame was made with dictionary {dictionary_id}, this codec has {ours}"
            raise CompressionError(message, "wrong_dictionary")
        return expanded(frame, plain_bytes, dictionary.zstd_dict)

    def _refusal(self, error: CompressionError) -> CompressionError:
        self.errors[error.reason] = self.errors.get(error.reason, 0) + 1
        return error


def _too_large(what: str, found_bytes: int, limit_bytes: int) -> CompressionError:
    message = f"{what} {found_bytes:,} bytes, this codec takes up to {limit_bytes:,}: max_payload_bytes sets that"
    return CompressionError(message, "too_large")

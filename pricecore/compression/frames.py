"""Expands one zstd frame of untrusted origin, in no more memory than the caller says."""

from typing import TYPE_CHECKING, NamedTuple

from pricecore.compression.zstd import zstd
from pricecore.errors import CompressionError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LEAST_WINDOW_LOG, _MOST_WINDOW_LOG = 10, 30
"""What zstd takes as a limit of the window that a frame may ask for."""


class FrameHeader(NamedTuple):
    """What a frame says of itself."""

    plain_bytes: int
    dictionary_id: int
    """0: none is named."""


def header_of(frame: "Buffer") -> FrameHeader:
    """Read the header of a frame.

    Raises
    ------
    CompressionError
        It is none ("not_a_frame"), or does not say how long its content is ("no_size").
    """
    library = zstd()
    try:
        info = library.get_frame_info(frame)
    except library.ZstdError:
        raise CompressionError("these bytes do not begin with a zstd frame", "not_a_frame") from None
    if info.decompressed_size is None:
        message = "the zstd frame does not say how long its content is: one made from a stream is refused"
        raise CompressionError(message, "no_size")
    return FrameHeader(info.decompressed_size, info.dictionary_id)


def expanded(frame: "Buffer", plain_bytes: int, dictionary: object = None) -> bytes:
    """Return the content of one frame, which has `plain_bytes` bytes.

    The output never grows beyond `plain_bytes`, and a frame may not ask for a window much larger than that, whatever
    its header says. Nothing may stand behind it.

    Parameters
    ----------
    frame : bytes-like
    plain_bytes : int
        At least 0; the caller has judged it.
    dictionary : ZstdDict, optional

    Raises
    ------
    CompressionError
        It is no whole and sound frame of that length ("damaged").

    Threads: any.
    Cost: a new decompression context; its output, twice for a moment. Releases the GIL.
    """
    library = zstd()
    window_log = min(max(plain_bytes.bit_length(), _LEAST_WINDOW_LOG), _MOST_WINDOW_LOG)
    limits = {library.DecompressionParameter.window_log_max: window_log}
    decompressor = library.ZstdDecompressor(dictionary, limits)
    try:
        plain: bytes = decompressor.decompress(frame, plain_bytes)
    except library.ZstdError as error:
        raise CompressionError(f"the zstd frame is damaged: {error}", "damaged") from None
    _require_end(decompressor, len(plain), plain_bytes)
    return plain


def _require_end(decompressor: object, found_bytes: int, plain_bytes: int) -> None:
    """Refuse a frame that did not end where it had to."""
    at_end: bool = decompressor.eof  # type: ignore[attr-defined]
    behind: bytes = decompressor.unused_data  # type: ignore[attr-defined]
    if not at_end or found_bytes != plain_bytes:
        message = (
            f"the zstd frame gave {found_bytes:,} of {plain_bytes:,} bytes and did not end there: cut off or longer"
        )
        raise CompressionError(message, "damaged")
    if behind:
        raise CompressionError(f"{len(behind):,} bytes stand behind the end of the zstd frame", "damaged")

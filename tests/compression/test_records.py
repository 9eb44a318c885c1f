"""Blocks of records come back bit for bit, whatever they hold; what is no such block is refused in bounded memory."""

import tracemalloc

import numpy as np
import pytest
from helpers.compressed import engine_records, require_zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore.compression.records import ENCODINGS, PLAIN, ZSTD, ZSTD_COLUMNS, decode_block, encode_block
from pricecore.errors import CompressionError

zstd = require_zstd()

RECORDS = engine_records()
NOISE = np.random.default_rng(3).bytes(64 * 257)
COMPRESSED = (ZSTD, ZSTD_COLUMNS)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 1_000])
@pytest.mark.parametrize("level", [1, 3, 9, 22])
def test_records_of_an_engine_come_back_bit_for_bit(encoding, count, level):
    payload = RECORDS[:count].tobytes()
    assert decode_block(encode_block(payload, encoding, level), encoding, len(payload)) == payload


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_noise_comes_back_bit_for_bit(encoding):
    assert decode_block(encode_block(NOISE, encoding), encoding, len(NOISE)) == NOISE


@given(st.binary(min_size=1, max_size=20), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_any_bytes_come_back_bit_for_bit(pattern, count):
    payload = (pattern * (count * 64))[: count * 64]
    for encoding in COMPRESSED:
        assert decode_block(encode_block(payload, encoding, 1), encoding, len(payload)) == payload


@pytest.mark.parametrize("word", [0, 2, 3])
def test_differences_wrap_around_at_both_ends(word):
    words = np.zeros((6, 8), "<u8")
    words[:, word] = [0, 2**64 - 1, 1, 2**63, 2**63 - 1, 0]
    payload = words.tobytes()
    assert decode_block(encode_block(payload, ZSTD_COLUMNS), ZSTD_COLUMNS, len(payload)) == payload


def test_the_columns_are_those_that_the_format_describes():
    words = np.frombuffer(RECORDS.tobytes(), "<u8").reshape(-1, 8)
    columns = np.frombuffer(zstd.decompress(encode_block(RECORDS, ZSTD_COLUMNS)), "<u8").reshape(8, -1)
    for word in range(8):
        plain = words[:, word]
        differences = np.concatenate([plain[:1], plain[1:] - plain[:-1]])
        assert np.array_equal(columns[word], differences if word in (0, 2, 3) else plain)


def test_columns_need_less_than_records_as_they_stand():
    assert len(encode_block(RECORDS, ZSTD_COLUMNS)) < 0.8 * len(encode_block(RECORDS, ZSTD))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_structured_array_is_taken_as_its_bytes(encoding):
    target = np.empty_like(RECORDS)
    stored = encode_block(RECORDS, encoding)
    assert decode_block(stored, encoding, RECORDS.nbytes, into=target).obj is not None
    assert target.tobytes() == RECORDS.tobytes()


def test_a_higher_level_needs_less():
    sizes = [len(encode_block(RECORDS, ZSTD_COLUMNS, level)) for level in (1, 19)]
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("other", [64 * 256, 64 * 258, 64, 64 * 65_536])
def test_another_length_than_the_header_says_is_refused(encoding, other):
    stored = encode_block(NOISE, encoding)
    with pytest.raises(CompressionError, match="16,448 bytes of records instead of") as caught:
        decode_block(stored, encoding, other)
    assert caught.value.reason == "wrong_size"


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_frame_cut_at_any_byte_is_refused(encoding):
    stored = encode_block(RECORDS[:20], encoding)
    for cut in range(len(stored)):
        with pytest.raises(CompressionError):
            decode_block(stored[:cut], encoding, 20 * 64)


def test_a_frame_with_a_checksum_is_read_and_refused_without_it():
    payload = RECORDS[:20].tobytes()
    frame = zstd.compress(payload, options={zstd.CompressionParameter.checksum_flag: 1})
    assert decode_block(frame, ZSTD, len(payload)) == payload
    for cut in range(1, 5):
        with pytest.raises(CompressionError, match="did not end there"):
            decode_block(frame[:-cut], ZSTD, len(payload))


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_flipped_bit_is_refused_or_gives_bytes_of_the_same_length(encoding):
    stored = encode_block(RECORDS[:10], encoding)
    for bit in range(len(stored) * 8):
        flipped = bytearray(stored)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert len(decode_block(flipped, encoding, 640)) == 640
        except CompressionError:
            continue


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_bytes_behind_the_frame_are_refused(encoding):
    stored = encode_block(RECORDS[:10], encoding)
    for behind in (b"\0", stored):
        with pytest.raises(CompressionError, match="behind the end"):
            decode_block(stored + behind, encoding, 640)


def blocks_of(frame: bytes) -> bytes:
    """Return what stands behind the header of a frame that names its length and no dictionary."""
    flags = frame[4]
    single_segment = bool(flags & 0x20)
    size_bytes = {0: 1 if single_segment else 0, 1: 2, 2: 4, 3: 8}[flags >> 6]
    return frame[5 + (not single_segment) + size_bytes :]


def lying(frame: bytes, plain_bytes: int) -> bytes:
    """Return the frame with a header that announces `plain_bytes`: size in 8 bytes, a single segment."""
    return frame[:4] + b"\xe0" + plain_bytes.to_bytes(8, "little") + blocks_of(frame)


def wide(frame: bytes, plain_bytes: int, window_log: int) -> bytes:
    """Return the frame with a header that asks for a window of 2**window_log bytes."""
    return frame[:4] + b"\x80" + bytes([(window_log - 10) << 3]) + plain_bytes.to_bytes(4, "little") + blocks_of(frame)


def bombs(plain_bytes: int) -> dict[str, bytes]:
    """Return small frames of 64 MiB of zeros: one that says so, and some that announce `plain_bytes`."""
    honest = zstd.compress(bytes(64 * 1024 * 1024), options={zstd.CompressionParameter.window_log: 16})
    return {
        "honest": honest,
        "in one segment": lying(honest, plain_bytes),
        "with a window": wide(honest, plain_bytes, 16),
    }


@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("kind", ["honest", "in one segment", "with a window"])
@pytest.mark.parametrize("count", [1_024, 16_384])  # the second is too long to be expanded in one go
def test_a_bomb_is_refused_before_it_grows(encoding, kind, count):
    frame = bombs(64 * count)[kind]
    tracemalloc.start()
    with pytest.raises(CompressionError):
        decode_block(frame, encoding, 64 * count)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 3 * 64 * count


def test_a_frame_that_announces_more_or_less_than_it_holds_is_refused():
    stored = encode_block(NOISE, ZSTD)
    assert decode_block(lying(stored, len(NOISE)), ZSTD, len(NOISE)) == NOISE
    for other in (64 * 256, 64 * 258):
        with pytest.raises(CompressionError):
            decode_block(lying(stored, other), ZSTD, other)


def test_a_frame_that_does_not_say_its_length_is_refused():
    compressor = zstd.ZstdCompressor()
    frame = compressor.compress(NOISE) + compressor.flush()
    with pytest.raises(CompressionError, match="does not say how long") as caught:
        decode_block(frame, ZSTD, len(NOISE))
    assert caught.value.reason == "no_size"


def test_a_frame_that_asks_for_a_large_window_is_refused():
    payload = NOISE * 4  # longer than what zstd expands in one go, without a window
    stored = encode_block(payload, ZSTD)
    assert decode_block(wide(stored, len(payload), 17), ZSTD, len(payload)) == payload
    with pytest.raises(CompressionError, match="too much memory"):
        decode_block(wide(stored, len(payload), 26), ZSTD, len(payload))


@pytest.mark.parametrize("stored", [b"", b"\0" * 64, b"PRICELOG" * 20, bytes.fromhex("28b52ffd")])
def test_what_is_no_frame_is_refused_as_such(stored):
    with pytest.raises(CompressionError, match="do not begin with a zstd frame"):
        decode_block(stored, ZSTD, 64)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 64 * 65_537])
def test_a_length_that_no_block_has_is_named(length):
    with pytest.raises(ValueError, match=f"{length:,} bytes"):
        encode_block(bytes(length), PLAIN)
    with pytest.raises(ValueError, match=f"{length:,} bytes"):
        decode_block(b"", PLAIN, length)


@pytest.mark.parametrize("encoding", [-1, 3, 65_535, None])
def test_an_unknown_encoding_is_named(encoding):
    with pytest.raises(ValueError, match=rf"encoding is {encoding}; it must be 0 \(plain\)"):
        encode_block(bytes(64), encoding)
    with pytest.raises(ValueError, match=rf"encoding is {encoding}; it must be 0 \(plain\)"):
        decode_block(bytes(64), encoding, 64)


@pytest.mark.parametrize("level", [0, -1, 23])
def test_a_level_out_of_range_is_named(level):
    with pytest.raises(ValueError, match=f"level is {level}; it must be 1 to 22"):
        encode_block(bytes(64), ZSTD, level)


@pytest.mark.parametrize("level", ["3", 3.0, True])
def test_a_level_of_another_type_is_a_type_error(level):
    with pytest.raises(TypeError, match="level must be an int"):
        encode_block(bytes(64), ZSTD, level)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_target_of_another_length_is_refused(encoding):
    with pytest.raises(ValueError, match="into has 128 bytes; it must have 64"):
        decode_block(encode_block(bytes(64), encoding), encoding, 64, into=bytearray(128))

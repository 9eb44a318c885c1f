"""The checksum of the log is zlib's, at every length and alignment."""

import random
import zlib

import pytest

from pricecore.primitives.crc32 import crc32_of

NOISE = random.Random(7).randbytes(4_096)


@pytest.mark.parametrize("start", [0, 1, 7, 15, 63])
def test_crc_is_that_of_zlib_at_every_length(start):
    for length in [*range(300), 1_023, 1_024, 4_000]:
        part = NOISE[start : start + length]
        assert crc32_of(part) == zlib.crc32(part), length


def test_crc_goes_on_where_another_one_stopped():
    for cut in range(0, 200, 7):
        assert crc32_of(NOISE[cut:200], crc32_of(NOISE[:cut])) == zlib.crc32(NOISE[:200])


def test_crc_of_a_large_block_is_that_of_zlib():
    block = NOISE * 1_024
    assert crc32_of(block) == zlib.crc32(block)


def test_crc_finds_every_single_bit():
    good = crc32_of(NOISE[:256])
    for bit in range(256 * 8):
        flipped = bytearray(NOISE[:256])
        flipped[bit // 8] ^= 1 << bit % 8
        assert crc32_of(flipped) != good

"""zstd is found where it is, and its absence is told with what to install."""

import sys

import pytest

from pricecore.compression import PayloadCodec
from pricecore.compression.records import PLAIN, ZSTD, decode_block, encode_block
from pricecore.compression.zstd import zstd
from pricecore.errors import MissingExtraError

NAMES = ("compression.zstd", "backports.zstd")


@pytest.fixture
def no_zstd(monkeypatch):
    for name in NAMES:
        monkeypatch.setitem(sys.modules, name, None)  # import raises ImportError
    zstd.cache_clear()
    yield
    zstd.cache_clear()


@pytest.mark.parametrize(
    "use", [PayloadCodec, lambda: encode_block(bytes(64), ZSTD), lambda: decode_block(b"", ZSTD, 64)]
)
def test_without_zstd_the_error_says_what_to_install(no_zstd, use):
    with pytest.raises(MissingExtraError, match=r'pip install "pricecore\[zstd\]"') as caught:
        use()
    assert isinstance(caught.value, ImportError)


def test_plain_blocks_need_no_zstd(no_zstd):
    assert decode_block(encode_block(bytes(128), PLAIN), PLAIN, 128) == bytes(128)


def test_zstd_that_appears_later_is_found(no_zstd, monkeypatch):
    with pytest.raises(MissingExtraError):
        zstd()
    monkeypatch.setitem(sys.modules, "backports.zstd", sys)
    assert zstd() is sys


def test_the_standard_library_goes_before_the_backport(no_zstd, monkeypatch):
    for name, module in zip(NAMES, (pytest, sys), strict=True):
        monkeypatch.setitem(sys.modules, name, module)
    assert zstd() is pytest

"""Zip archives: members as sources, and what cannot be read."""

import io
import zipfile

import pytest

from pricecore.errors import FormatError
from pricecore.feeds.archive import is_archive, members


def zipped(method=zipfile.ZIP_DEFLATED, **contents):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def test_every_member_is_read(write):
    found = members(write(zipped(**{"a/x.csv": b"1\n", "y.csv": b"2\n" * 1_000_000, "a/": b""})))
    assert [(member.path.rpartition("file/")[2], b"".join(member.chunks())) for member in found] == [
        ("a/x.csv", b"1\n"),
        ("y.csv", b"2\n" * 1_000_000),
    ]
    assert [member.position_bytes for member in found] == [member.size_bytes for member in found] == [2, 2_000_000]
    assert [member.damage for member in found] == [None, None]


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["20131008_gc_trade_201310.csv", "20131008_gc_trade_201312.csv"], ["201310", "201312"]),
        (["AIG.csv", "BAC.csv"], ["AIG", "BAC"]),
        (["day_AIG_quote.csv", "day_AIG_trade.csv"], ["quote", "trade"]),
        (["only.csv"], [""]),
    ],
)
def test_the_part_of_a_name_that_is_a_members_own(write, names, parts):
    assert [member.part for member in members(write(zipped(**dict.fromkeys(names, b"x"))))] == parts


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_flipped_byte_of_an_archive_is_another_error(write, method):
    content = b"symbol,price\n" + b"A,1.5\n" * 20
    packed = zipped(method, **{"a\u20ac.csv": content})
    for at in range(len(packed)):
        spoilt = bytearray(packed)
        spoilt[at] ^= 0xFF
        try:
            found = members(write(bytes(spoilt)))
        except FormatError:
            continue
        for member in found:
            read = b"".join(member.chunks())
            member.close()
            assert member.damage or read == content


def test_a_damaged_member_gives_what_can_be_read(write):
    content = b"".join(b"%d\n" % (i * i) for i in range(200_000))
    packed = bytearray(zipped(x=content))
    packed[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    (member,) = members(write(bytes(packed)))
    read = b"".join(member.chunks())
    assert member.damage.startswith("damaged: ")
    assert content.startswith(read[: 1 << 16])


def test_an_archive_is_told_by_its_first_bytes(write, tmp_path):
    assert is_archive(write(zipped(x=b"")))
    assert not is_archive(write(b"PK is no archive"))
    assert not is_archive(tmp_path / "missing")
    assert not is_archive(tmp_path)


def test_what_cannot_be_opened_says_why(write):
    whole = zipped(x=b"1\n" * 1000)
    with pytest.raises(FormatError, match="damaged"):
        members(write(whole[:-30]))
    with pytest.raises(FormatError, match="empty"):
        members(write(zipped()))
    encrypted = bytearray(whole)
    encrypted[whole.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FormatError, match="x in it is encrypted"):
        members(write(bytes(encrypted)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_of_which_one_piece_becomes_gigabytes_is_refused(write, method):
    """The standard library unpacks all that it has read at once: 256 KiB of bzip2 can be 5 GB."""
    with pytest.raises(FormatError, match=f"x in it is packed by method {method}, not by deflate: unpack it first"):
        members(write(zipped(method, x=bytes(10_000_000))))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bomb_comes_out_in_small_pieces(write, method):
    (member,) = members(write(zipped(method, x=bytes(20_000_000))))
    assert max(map(len, member.chunks())) <= 1 << 18

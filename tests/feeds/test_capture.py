"""Lines out of files: plain, packed, damaged, and with lines of any length."""

import gzip
import os
import threading
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricecore.errors import FormatError
from pricecore.feeds import capture
from pricecore.feeds.capture import Capture, timed_messages
from pricecore.feeds.lines import MAX_LINE_BYTES, UNREADABLE


@pytest.fixture
def write(tmp_path):
    def write(content: bytes):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def read(path):
    """Return the lines and the damage of a file."""
    file = Capture(path)
    lines = list(file.lines())
    file.close()
    return lines, file.damage


NEITHER_GZIP_NOR_ZIP = st.binary(max_size=200).map(lambda noise: noise.replace(b"\x1f", b"\n").replace(b"PK", b"\n"))


@settings(deadline=None)
@given(content=NEITHER_GZIP_NOR_ZIP, chunk_bytes=st.integers(1, 8))
def test_lines_are_those_of_the_text_whatever_the_chunks(tmp_path_factory, content, chunk_bytes):
    path = tmp_path_factory.mktemp("lines") / "file"
    expected = content.split(b"\n")
    expected = expected if expected[-1] else expected[:-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capture, "_CHUNK_BYTES", chunk_bytes)
        for packed in (content, gzip.compress(content)):
            path.write_bytes(packed)
            assert read(path) == (expected, None)


def test_gzip_is_told_by_its_first_bytes_and_may_have_several_members(write):
    assert read(write(gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n"))) == ([b"a", b"bc", b"d"], None)


def test_members_may_be_padded(write):
    packed = gzip.compress(b"a\n") + bytes(70_000) + gzip.compress(b"b\n") + bytes(100)
    assert read(write(packed)) == ([b"a", b"b"], None)


def test_an_empty_file_has_no_lines(write):
    assert read(write(b"")) == ([], None)
    assert read(write(gzip.compress(b""))) == ([], None)


def test_a_packed_file_cut_at_any_byte_gives_what_can_be_read(write):
    lines = [b"%d %d" % (i, i * i) for i in range(40)]
    packed = gzip.compress(b"\n".join(lines) + b"\n")
    for end in range(2, len(packed)):
        found, damage = read(write(packed[:end]))
        assert damage == "cut off in mid-gzip"
        whole = found[:-1] if found and found[-1] == UNREADABLE else found
        assert whole == lines[: len(whole)]


def test_a_line_that_the_damage_cut_is_unreadable(write):
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b"one\ntwo\n123") + packer.flush(zlib.Z_SYNC_FLUSH)
    assert read(write(packed)) == ([b"one", b"two", UNREADABLE], "cut off in mid-gzip")


def test_flipped_bytes_are_damage_and_the_lines_before_them_count(write):
    packed = bytearray(gzip.compress(b"".join(b"%d\n" % (i * i) for i in range(200_000))))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)
    lines, damage = read(write(bytes(packed)))
    assert lines[:3] == [b"0", b"1", b"4"]
    assert damage.startswith("damaged: ")


def test_garbage_after_a_packed_file_is_damage(write):
    lines, damage = read(write(gzip.compress(b"a\nb\n") + b"garbage"))
    assert lines == [b"a", b"b"]
    assert damage.startswith("damaged: ")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_of_ten_megabytes_is_read_and_a_longer_one_is_unreadable(write, pack):
    longest = b"x" * MAX_LINE_BYTES
    for ending in (b"\n", b"\nafter\n"):
        lines, damage = read(write(pack(b"before\n" + longest + b"\n" + longest + b"y" + ending)))
        assert damage is None
        assert [len(line) for line in lines[:2]] == [6, MAX_LINE_BYTES]
        assert lines[2:] == [UNREADABLE, b"after"] if ending != b"\n" else lines[2:] == [UNREADABLE]


def test_an_endless_line_takes_no_memory(write):
    path = write(gzip.compress(bytes(100 << 20), 1) + gzip.compress(b"\nafter\n"))
    tracemalloc.start()
    lines, damage = read(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (lines, damage) == ([UNREADABLE, b"after"], None)
    assert peak_bytes < 4 * MAX_LINE_BYTES


def test_the_position_reaches_the_size(write):
    path = write(gzip.compress(b"a\n" * 1000))
    file = Capture(path)
    assert file.position_bytes == 0
    list(file.lines())
    assert file.position_bytes == file.size_bytes == path.stat().st_size
    file.close()


def test_a_pipe_can_be_read(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a\nb\n",))
    writer.start()
    file = Capture(path)
    assert list(file.lines()) == [b"a", b"b"]
    assert file.size_bytes == 0
    file.close()
    writer.join()


@pytest.mark.parametrize("pack", [bytes, lambda text: gzip_flushed(text)], ids=["plain", "gzip"])
def test_a_silent_pipe_can_be_interrupted_and_is_no_damage(pack):
    reading, writing = os.pipe()
    os.write(writing, pack(b"a\nb\n"))
    file = Capture(f"/dev/fd/{reading}")
    chunks = file.chunks()
    assert next(chunks).startswith(b"a\nb")
    rest = []
    reader = threading.Thread(target=lambda: rest.extend(chunks))
    reader.start()
    file.interrupt()
    reader.join(60)
    assert not reader.is_alive()
    assert (rest, file.damage) == ([], None)
    file.close()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("pack", [bytes, lambda text: gzip_flushed(text)], ids=["plain", "gzip"])
def test_lines_come_out_before_the_pipe_has_ended(pack):
    reading, writing = os.pipe()
    os.write(writing, pack(b"a\n"))
    file = Capture(f"/dev/fd/{reading}")
    assert next(file.lines()) == b"a"
    file.close()
    os.close(reading)
    os.close(writing)


def gzip_flushed(content):
    """Return packed content as a live packer sends it: whole up to here, and not ended."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush(zlib.Z_SYNC_FLUSH)


def test_a_zip_archive_cannot_be_read_as_a_stream(write):
    with pytest.raises(FormatError, match="give `pricecore run` the name of the file"):
        read(write(b"PK\x03\x04" + bytes(100)))


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_is_no_file_raises(tmp_path, name):
    with pytest.raises(OSError, match="directory"):
        Capture(tmp_path / name)


def test_the_receive_time_is_taken_off():
    lines = [b"1723161253937085768 {} ", b"12 [1, 2]"]
    assert list(timed_messages(lines, 7)) == [(1723161253937085768, 7, b"{} "), (12, 7, b"[1, 2]")]


def test_a_line_without_a_receive_time_came_with_the_one_before():
    lines = [b'{"a": 1}', b"5 {}", b'{"a": 1}', b"", b"17", b"+6 x", b"9" * 20 + b" x", b"6 "]
    assert [record[::2] for record in timed_messages(lines, 0)] == [
        (0, b'{"a": 1}'),
        (5, b"{}"),
        (5, b'{"a": 1}'),
        (5, b""),
        (5, b"17"),
        (5, b"+6 x"),
        (5, b"9" * 20 + b" x"),
        (6, b""),
    ]


def test_the_receive_time_may_be_in_seconds_with_a_fraction():
    lines = [b"1633998512.0633569: {}", b"1633998513: [1]", b"1633998514.1234567891: b'x'"]
    assert list(timed_messages(lines, 0)) == [
        (1633998512_063356900, 0, b"{}"),
        (1633998513_000000000, 0, b"[1]"),
        (1633998514_123456789, 0, b"b'x'"),
    ]


def test_seconds_that_do_not_fit_are_no_time_and_no_part_of_the_message():
    lines = [b"9999999999.0: {}", b"5: {}", b"9999999999.9: {}", b"9223372036.0: {}", b"9223372035.999999999: {}"]
    times_ns = [time_ns for time_ns, _, message in timed_messages(lines, 0) if message == b"{}"]
    assert times_ns == [0, 5 * 10**9, 5 * 10**9, 5 * 10**9, 9223372035_999999999]


def test_lines_of_connections_and_of_messages_sent_carry_no_message():
    lines = [
        b"1633998512.5: {}",
        b"wss://stream.example.com:9443/stream?streams=a@b/c@d <-> 1633998511.9",
        b'ws://example.com <- 1633998512.1: {"op":"subscribe"}',
        b"wss://example.com",
    ]
    assert [message for _, _, message in timed_messages(lines, 0)] == [b"{}", b"", b"", b"wss://example.com"]

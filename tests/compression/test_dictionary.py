"""A dictionary's file comes back as it was saved, or not at all."""

import os

import pytest
from helpers.compressed import feed_messages, require_zstd

from pricecore.compression import PayloadCodec, PayloadDictionary
from pricecore.errors import CompressionError

zstd = require_zstd()

MESSAGES = feed_messages()
TRAINED = PayloadDictionary.train(MESSAGES, 1_024)
OTHER = PayloadDictionary.train([message.replace(b"btcusdt", b"ethusdt") for message in MESSAGES], 1_024)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "feed.dictionary"
    TRAINED.save(path)
    return path


def test_a_saved_dictionary_comes_back(saved):
    found = PayloadDictionary.load(saved)
    assert (found.id, found.content) == (TRAINED.id, TRAINED.content)
    assert saved.read_bytes() == TRAINED.content
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_save_writes_through_no_link(tmp_path, kind):
    victim, draft = tmp_path / "victim", tmp_path / f"feed.{os.getpid()}.tmp"
    victim.write_bytes(b"private")
    draft.symlink_to(victim) if kind == "link" else os.link(victim, draft)
    TRAINED.save(tmp_path / "feed")
    assert victim.read_bytes() == b"private"
    assert PayloadDictionary.load(tmp_path / "feed").id == TRAINED.id


def test_the_same_samples_give_the_same_id_and_others_another():
    assert PayloadDictionary.train(MESSAGES, 1_024).id == TRAINED.id
    assert OTHER.id != TRAINED.id


def test_the_id_is_one_that_zstd_leaves_free():
    assert 32_768 <= TRAINED.id < 2**31
    assert zstd.ZstdDict(TRAINED.content).dict_id == TRAINED.id


def test_every_flipped_bit_of_the_file_is_refused(saved):
    for at in range(len(TRAINED.content)):
        damaged = bytearray(TRAINED.content)
        damaged[at] ^= 1 << at % 8
        saved.write_bytes(damaged)
        with pytest.raises(CompressionError, match=r"feed\.dictionary: ") as caught:
            PayloadDictionary.load(saved)
        assert caught.value.reason == "damaged"


def test_a_file_that_is_cut_off_is_refused(saved):
    for length in (0, 1, 7, 8, 100, len(TRAINED.content) - 1):
        saved.write_bytes(TRAINED.content[:length])
        with pytest.raises(CompressionError):
            PayloadDictionary.load(saved)


def test_a_file_that_is_too_large_is_refused_without_reading_all_of_it(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CompressionError, match="at most 16,777,216 are taken") as caught:
        PayloadDictionary.load(path)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("at", range(8, 24))
def test_a_dictionary_with_damaged_tables_is_refused_when_it_is_made_or_works(at):
    content = bytearray(TRAINED.content)
    content[at] ^= 0xFF
    try:
        codec = PayloadCodec(dictionary=PayloadDictionary(content))
    except CompressionError as error:
        reason = error.reason
    else:
        reason = "damaged" if codec.decompress(codec.compress(MESSAGES[0])) == MESSAGES[0] else "other bytes came back"
    assert reason == "damaged"


def test_a_dictionary_of_another_tool_is_taken_by_its_content_only(tmp_path):
    foreign = zstd.train_dict(MESSAGES, 1_024)
    path = tmp_path / "foreign"
    path.write_bytes(foreign.dict_content)
    assert PayloadDictionary(path.read_bytes()).id == foreign.dict_id
    with pytest.raises(CompressionError, match="damaged, or of another tool"):
        PayloadDictionary.load(path)


def test_a_failed_save_leaves_the_old_file_and_no_draft(saved, monkeypatch):

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        OTHER.save(saved)
    assert saved.read_bytes() == TRAINED.content
    assert list(saved.parent.iterdir()) == [saved]


def test_a_save_replaces_the_file_as_a_whole(saved):
    OTHER.save(saved)
    assert PayloadDictionary.load(saved).id == OTHER.id


@pytest.mark.parametrize("samples", [[], [b""], [b"a"], [b"abc", b"def"]])
def test_too_few_samples_are_refused_with_what_is_needed(samples):
    with pytest.raises(
        ValueError, match=rf"{len(samples)} samples of {sum(map(len, samples))} bytes in all are too few"
    ):
        PayloadDictionary.train(samples)


@pytest.mark.parametrize("size", [0, 255, 16_777_217])
def test_a_size_out_of_range_is_named(size):
    with pytest.raises(ValueError, match=f"max_dictionary_bytes is {size}; it must be 256 to"):
        PayloadDictionary.train(MESSAGES, size)


def test_samples_may_come_from_a_generator_of_any_bytes():
    assert PayloadDictionary.train((memoryview(message) for message in MESSAGES), 1_024).id == TRAINED.id

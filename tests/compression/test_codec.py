"""Single messages: small with a dictionary, refused when they do not fit, counted, safe from any thread."""

import copy
import doctest
import math
import pickle

import pytest
from helpers.compressed import feed_messages, require_zstd
from helpers.threads import run_threads
from hypothesis import given, settings
from hypothesis import strategies as st

import pricecore
from pricecore.compression import PayloadCodec, PayloadDictionary
from pricecore.compression import codec as codec_module
from pricecore.errors import CompressionError

zstd = require_zstd()

MESSAGES = feed_messages()
TRAINED = PayloadCodec.train(MESSAGES[:700])
OTHER = PayloadCodec.train([b"{'another': 'venue', 'n': %d}" % (i * 7919) for i in range(700)])


def fresh(**options) -> PayloadCodec:
    return PayloadCodec(dictionary=TRAINED.dictionary, **options)


@pytest.mark.parametrize("codec", [PayloadCodec(), PayloadCodec(level=19), TRAINED, OTHER])
def test_messages_come_back(codec):
    for message in [*MESSAGES[700:], b"", b"{}", bytes(100_000)]:
        assert codec.decompress(codec.compress(message)) == message


@given(st.binary(max_size=2_000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_come_back(payload):
    assert TRAINED.decompress(TRAINED.compress(payload)) == payload


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_payload_and_frame_is_taken(kind):
    codec = fresh()
    assert codec.decompress(kind(codec.compress(kind(MESSAGES[900])))) == MESSAGES[900]


def test_a_dictionary_is_what_makes_short_messages_small():
    plain, trained = PayloadCodec(), fresh()
    for message in MESSAGES[700:]:
        plain.compress(message)
        trained.compress(message)
    assert plain.stats().ratio < 1.5
    assert trained.stats().ratio > 2.5


def test_other_programs_with_zstd_read_the_frames():
    content = zstd.ZstdDict(TRAINED.dictionary.content)
    assert zstd.decompress(TRAINED.compress(MESSAGES[0]), content) == MESSAGES[0]
    assert zstd.decompress(PayloadCodec().compress(MESSAGES[0])) == MESSAGES[0]


def test_frames_of_other_programs_are_read_when_they_say_their_length():
    content = zstd.ZstdDict(TRAINED.dictionary.content)
    assert fresh().decompress(zstd.compress(MESSAGES[0], zstd_dict=content)) == MESSAGES[0]
    options = {zstd.CompressionParameter.checksum_flag: 1}
    assert fresh().decompress(zstd.compress(MESSAGES[0], options=options)) == MESSAGES[0]


def test_a_frame_without_a_dictionary_is_read_by_a_codec_with_one():
    assert fresh().decompress(PayloadCodec(level=9).compress(MESSAGES[0] * 3)) == MESSAGES[0] * 3


def test_the_wrong_dictionary_is_refused_and_both_ids_are_named():
    frame = OTHER.compress(MESSAGES[0])
    codec = fresh()
    text = f"dictionary {OTHER.dictionary.id}, this codec has dictionary {codec.dictionary.id}"
    with pytest.raises(CompressionError, match=text) as caught:
        codec.decompress(frame)
    assert caught.value.reason == "wrong_dictionary"


def test_a_frame_with_a_dictionary_is_refused_by_a_codec_without_one():
    with pytest.raises(CompressionError, match=f"dictionary {TRAINED.dictionary.id}, this codec has none"):
        PayloadCodec().decompress(TRAINED.compress(MESSAGES[0]))


def test_a_payload_over_the_limit_is_refused_in_both_directions():
    codec = PayloadCodec(max_payload_bytes=1_000)
    assert codec.decompress(codec.compress(bytes(1_000))) == bytes(1_000)
    with pytest.raises(CompressionError, match="payload has 1,001 bytes, this codec takes up to 1,000") as caught:
        codec.compress(bytes(1_001))
    assert caught.value.reason == "too_large"
    with pytest.raises(CompressionError, match="announces 1,001 bytes, this codec takes up to 1,000") as caught:
        codec.decompress(PayloadCodec().compress(bytes(1_001)))
    assert caught.value.reason == "too_large"


def test_the_limit_counts_bytes_and_not_items():
    codec = PayloadCodec(max_payload_bytes=1_000)
    with pytest.raises(CompressionError, match="1,600 bytes"):
        codec.compress(memoryview(bytes(1_600)).cast("d"))


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "not_a_frame"),
        (b"{}", "not_a_frame"),
        (bytes(100), "not_a_frame"),
        (TRAINED.compress(MESSAGES[0])[:-1], "damaged"),
        (TRAINED.compress(MESSAGES[0]) + b"\0", "damaged"),
        (TRAINED.compress(MESSAGES[0]) * 2, "damaged"),
        (b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + TRAINED.compress(MESSAGES[0]), "damaged"),
    ],
)
def test_what_is_no_whole_frame_is_refused_and_counted(frame, reason):
    codec = fresh()
    with pytest.raises(CompressionError) as caught:
        codec.decompress(frame)
    assert caught.value.reason == reason
    stats = codec.stats()
    assert (stats.errors, stats.errors_by_reason) == (1, {reason: 1})
    assert (stats.decompressed, stats.decompress_in_bytes, stats.decompress_out_bytes) == (0, 0, 0)


def test_a_frame_cut_anywhere_is_refused():
    codec = fresh()
    frame = codec.compress(MESSAGES[0] * 5)
    for cut in range(len(frame)):
        with pytest.raises(CompressionError):
            codec.decompress(frame[:cut])
    assert codec.stats().errors == len(frame)


def test_a_codec_works_on_after_errors():
    codec = fresh(max_payload_bytes=1_000)
    for _ in range(3):
        with pytest.raises(CompressionError):
            codec.decompress(b"nonsense")
        with pytest.raises(CompressionError):
            codec.compress(bytes(1_001))
        assert codec.decompress(codec.compress(MESSAGES[0])) == MESSAGES[0]
    assert codec.stats().errors_by_reason == {"too_large": 3, "not_a_frame": 3}


@pytest.mark.parametrize("wrong", ["text", None, 5, [1]])
def test_what_is_not_bytes_like_is_a_type_error_and_not_counted(wrong):
    codec = fresh()
    with pytest.raises(TypeError):
        codec.compress(wrong)
    with pytest.raises(TypeError):
        codec.decompress(wrong)
    assert codec.stats().errors == 0


def test_figures_add_up():
    codec = fresh()
    frames = [codec.compress(message) for message in MESSAGES]
    for frame in frames[:400]:
        codec.decompress(frame)
    stats = codec.stats()
    plain, stored = (
        [sum(map(len, MESSAGES[:n])) for n in (1_000, 400)],
        [sum(map(len, frames[:n])) for n in (1_000, 400)],
    )
    assert (stats.compressed, stats.decompressed) == (1_000, 400)
    assert [stats.compress_in_bytes, stats.decompress_out_bytes] == plain
    assert [stats.compress_out_bytes, stats.decompress_in_bytes] == stored
    assert stats.ratio == sum(plain) / sum(stored)
    assert 0 < stats.compress_time_s < 10
    assert 0 < stats.decompress_time_s < 10


def test_a_new_and_a_reset_codec_have_no_figures():
    codec = fresh()
    codec.compress(MESSAGES[0])
    codec.reset_stats()
    for stats in (codec.stats(), fresh().stats()):
        assert math.isnan(stats.ratio)
        assert not any(value for value in stats._replace(ratio=0))


def test_pooled_results_are_buffers_of_the_pool():
    pool = pricecore.BufferPool(buffers=4, buffer_size=256)
    codec = fresh(pool=pool)
    with codec.compress_pooled(MESSAGES[0]) as frame, codec.decompress_pooled(frame) as payload:
        assert bytes(payload) == MESSAGES[0]
        assert bytes(frame) == codec.compress(MESSAGES[0])
        assert (pool.stats().outstanding, pool.stats().misses) == (2, 0)
    assert pool.stats().outstanding == 0
    assert codec.pool is pool


def test_a_refused_frame_takes_no_buffer():
    codec = fresh()
    with pytest.raises(CompressionError):
        codec.decompress_pooled(b"nonsense")
    assert codec.pool.stats().outstanding == 0


def test_an_engine_s_pool_serves_frames():
    with pricecore.PriceEngine() as engine, fresh(pool=engine.pool).compress_pooled(MESSAGES[0]) as frame:
        assert engine.pool.stats().outstanding == 1
        assert TRAINED.decompress(frame) == MESSAGES[0]


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_that_share_a_codec_get_their_own_messages_and_exact_figures(threads):
    codec = fresh()
    rounds = 3

    def work(index):
        own = [b"%d:%s" % (index, message) for message in MESSAGES]
        for _ in range(rounds):
            for message in own:
                assert codec.decompress(codec.compress(message)) == message
            with pytest.raises(CompressionError):
                codec.decompress(b"nonsense")

    run_threads(threads, work)
    stats = codec.stats()
    total = threads * rounds * len(MESSAGES)
    assert (stats.compressed, stats.decompressed, stats.errors) == (total, total, threads * rounds)
    assert stats.compress_in_bytes == stats.decompress_out_bytes == threads * rounds * sum(len(m) + 2 for m in MESSAGES)
    assert stats.compress_out_bytes == stats.decompress_in_bytes


def test_contexts_are_kept_and_no_more_than_there_were_threads_at_once():
    codec = fresh()

    def work(index):
        for message in MESSAGES:
            codec.compress(message)

    for _ in range(3):
        run_threads(3, work)
    assert 1 <= len(codec._all) <= 3
    assert len(codec._idle) == len(codec._all)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"level": 0}, ValueError, "level is 0; it must be 1 to 22"),
        ({"level": "3"}, TypeError, "level must be an int"),
        ({"max_payload_bytes": 0}, ValueError, "max_payload_bytes is 0; it must be 1 to"),
        ({"max_payload_bytes": 2**30 + 1}, ValueError, "max_payload_bytes is 1073741825; it must be 1 to"),
        ({"pool": 5}, TypeError, "pool must be a BufferPool, not int"),
        ({"dictionary": "no/such/file"}, FileNotFoundError, "no/such/file"),
        ({"dictionary": 5}, TypeError, "dictionary must be a PayloadDictionary or a path, not 5"),
    ],
)
def test_wrong_parameters_are_refused_by_name(options, error, text):
    with pytest.raises(error, match=text):
        PayloadCodec(**options)


def test_a_codec_says_what_it_is():
    assert repr(PayloadCodec(level=5)) == "<PayloadCodec: level 5, no dictionary>"
    assert repr(TRAINED).startswith(f"<PayloadCodec: level 3, <PayloadDictionary {TRAINED.dictionary.id}: ")


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy])
def test_a_codec_does_not_pickle_and_says_what_to_do(duplicate):
    with pytest.raises(TypeError, match="save its dictionary"):
        duplicate(TRAINED)


def test_a_refusal_keeps_its_reason_through_a_pickle():
    error = pickle.loads(pickle.dumps(CompressionError("the text", "damaged")))
    assert (str(error), error.reason) == ("the text", "damaged")


def test_a_dictionary_given_by_its_path_is_loaded(tmp_path):
    TRAINED.dictionary.save(tmp_path / "feed.dictionary")
    codec = PayloadCodec(dictionary=tmp_path / "feed.dictionary")
    assert codec.dictionary.id == TRAINED.dictionary.id
    assert codec.decompress(TRAINED.compress(MESSAGES[0])) == MESSAGES[0]
    assert isinstance(codec.dictionary, PayloadDictionary)


def test_the_example_in_the_documentation_runs():
    results = doctest.testmod(codec_module)
    assert (results.failed, results.attempted) == (0, 7)

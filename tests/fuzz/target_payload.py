"""Payloads: zstd frames with and without a dictionary, dictionaries themselves, and the records of a block."""

from functools import cache

from fuzz.harness import Reader, demand, outcome_of, own_folder
from pricecore.compression import PayloadCodec, PayloadDictionary
from pricecore.compression.records import MOST_BLOCK_BYTES, RECORD_BYTES, decode_block, encode_block
from pricecore.errors import CompressionError

MAX_PAYLOAD_BYTES = 16_384
SAMPLE = '{"e":"trade","s":"SYMBOL%d","p":"%d.25","q":"0.%03d","T":17231612553%02d}'


@cache
def dictionary() -> PayloadDictionary:
    """Return the same dictionary at each call, and in each process."""
    return PayloadDictionary.train([(SAMPLE % (k % 7, k * k, k % 997, k % 89)).encode() for k in range(600)], 1_024)


@cache
def codecs() -> tuple[PayloadCodec, PayloadCodec]:
    plain = PayloadCodec(max_payload_bytes=MAX_PAYLOAD_BYTES)
    return plain, PayloadCodec(dictionary=dictionary(), max_payload_bytes=MAX_PAYLOAD_BYTES)


def check(data: bytes) -> None:
    """Take the first byte for what the rest is."""
    reader = Reader(data)
    way = (check_frame, check_payload, check_dictionary, check_dictionary_file, check_block)
    way[reader.number(1) % len(way)](reader)


def check_frame(reader: Reader) -> None:
    frame = reader.rest()
    for codec in codecs():
        before = codec.stats()
        payload = outcome_of(lambda codec=codec: codec.decompress(frame), CompressionError)
        if isinstance(payload, bytes):
            demand(len(payload) <= MAX_PAYLOAD_BYTES, "a payload has a limit", len(payload))
            demand(codec.decompress(codec.compress(payload)) == payload, "a payload comes back")
            longer = outcome_of(lambda codec=codec: codec.decompress(frame + b"\0"), CompressionError)
            demand(isinstance(longer, CompressionError), "nothing may stand behind a frame")
            with codec.decompress_pooled(frame) as buffer:
                demand(bytes(buffer) == payload, "a pooled payload is the same")
        else:
            demand(codec.stats().errors == before.errors + 1, "a refusal is counted")


def check_payload(reader: Reader) -> None:
    payload = reader.rest()
    for codec in codecs():
        frame = outcome_of(lambda codec=codec: codec.compress(payload), CompressionError)
        if isinstance(frame, bytes):
            demand(codec.decompress(frame) == payload, "a payload comes back")
        else:
            demand(len(payload) > MAX_PAYLOAD_BYTES, "only what is too large is refused", frame)


def check_dictionary(reader: Reader) -> None:
    """Take the rest as a dictionary: whatever is taken as one works."""
    content = reader.rest()
    found = outcome_of(lambda: PayloadDictionary(content), CompressionError)
    if not isinstance(found, PayloadDictionary):
        return
    demand(0 < found.id < 1 << 32, "a dictionary has an id", found.id)
    check_with(found)


def check_with(found: PayloadDictionary) -> None:
    payload = (SAMPLE % (1, 2, 3, 4)).encode()
    codec = outcome_of(lambda: PayloadCodec(dictionary=found), CompressionError)
    if isinstance(codec, PayloadCodec):
        demand(codec.decompress(codec.compress(payload)) == payload, "a payload comes back with any dictionary")


def check_dictionary_file(reader: Reader) -> None:
    content = reader.rest()
    with own_folder() as folder:
        path = folder / "dictionary"
        path.write_bytes(content)
        found = outcome_of(lambda: PayloadDictionary.load(path), CompressionError)
        if isinstance(found, PayloadDictionary):
            found.save(path)
            demand(path.read_bytes() == content, "a dictionary is saved as it was")
            check_with(found)


def check_block(reader: Reader) -> None:
    """Take the rest as the payload of a block in a log."""
    encoding, plain_bytes = reader.number(1) % 3, RECORD_BYTES * (1 + reader.number(1))
    stored = reader.rest()
    records = outcome_of(lambda: decode_block(stored, encoding, plain_bytes), CompressionError)
    if isinstance(records, memoryview):
        demand(records.nbytes == plain_bytes <= MOST_BLOCK_BYTES, "a block has the length it should have")
        into = bytearray(plain_bytes)
        decode_block(stored, encoding, plain_bytes, into)
        demand(into == records, "expanded into a buffer it is the same")
        for other in range(3):
            again = decode_block(encode_block(records, other), other, plain_bytes)
            demand(again == records, "encoded again it comes back", other)

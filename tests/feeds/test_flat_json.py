"""The reader of plain JSON: what it reads is what json and float() read, and it takes nothing it is not sure of."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricecore.feeds.flat_json import read

PLAIN_TEXT = st.text(
    [c for c in map(chr, range(0x20, 0x7F)) if c not in '"\\'],
    max_size=20,
)
DECIMALS = st.decimals(min_value=0, max_value=10**14, allow_nan=False, allow_infinity=False).map(lambda d: f"{d:f}")
VALUES = PLAIN_TEXT | st.integers() | st.booleans() | st.none() | DECIMALS
KEYS = st.sampled_from(string.ascii_letters) | PLAIN_TEXT.filter(lambda key: key != "data")


def packed(content) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


@given(st.dictionaries(KEYS, VALUES, min_size=1))
def test_a_flat_object_is_read_by_its_letters(content):
    texts = {key: json.dumps(value) if type(value) is not str else value for key, value in content.items()}
    found = read(packed(content))
    assert {key: field[0] for key, field in found.items()} == {
        key: text for key, text in texts.items() if len(key) == 1 and key in string.ascii_letters
    }


@given(DECIMALS | st.from_regex(r"[0-9]{1,18}|[0-9]{1,12}\.[0-9]{1,12}", fullmatch=True))
def test_a_decimal_is_what_float_reads_or_is_left_alone(text):
    _, _, decimal = read(b'{"p":"%s"}' % text.encode())["p"]
    assert decimal is None or decimal.hex() == float(text).hex()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("61837.63000000", 61837.63),
        ("0.00000000", 0.0),
        ("0", 0.0),
        ("9007199254740992", 2.0**53),
        ("0.1", 0.1),
        ("1.00000000000000", 1.0),
    ],
)
def test_decimals_as_exchanges_write_them_are_read(text, number):
    assert read(b'{"p":"%s"}' % text.encode())["p"][2] == number


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "-1", "+1", "01", "00.5", "1.2.3", "1e5", "0x10", "1_0", " 1", "9007199254740993", "1" * 19],
)
def test_texts_that_are_no_sure_decimals_are_left_alone(text):
    assert read(b'{"p":"%s"}' % text.encode())["p"] == (text, None, None)


@pytest.mark.parametrize(("value", "number"), [(b"0", 0), (b"1723161255342", 1723161255342), (b"9" * 18, 10**18 - 1)])
def test_whole_numbers_are_read(value, number):
    assert read(b'{"T":%s}' % value)["T"][1] == number


@pytest.mark.parametrize("value", [b"9" * 19, b"-1", b"1.0", b'"1"', b"true", b"null"])
def test_other_values_are_no_whole_numbers(value):
    assert read(b'{"T":%s}' % value)["T"][1] is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b'{"',
        b'{"p',
        b'{"p"',
        b'{"p":',
        b'{"p":}',
        b'{"p":1',
        b'{"p":1,',
        b'{"p":1,}',
        b'{"p":1}}',
        b'{"p":1} ',
        b' {"p":1}',
        b'{"p": 1}',
        b'{"p" :1}',
        b'{"p":1,"p":2}',
        b'{"p":[1]}',
        b'{"p":{}}',
        b'{"data":1}',
        b'{"p":"\\n"}',
        b'{"p":"\n"}',
        b'{"p":"\x00"}',
        b'{"p":"\xc3\xa9"}',
        b'{"\\u0070":1}',
        b'{"p":01}',
        b'{"p":-}',
        b'{"p":1.}',
        b'{"p":1e5}',
        b'{"p":tru}',
        b'{"p":nul',
        b'{"p":falsy}',
        b'{"p":fals',
        b'{"p":NaN}',
        b"{'p':1}",
        b"{p:1}",
        b'{"p":1;"q":2}',
    ],
)
def test_all_else_is_not_plain(message):
    assert read(message) is None


@given(st.binary(max_size=40) | st.text('{}[]":,.-0123456789eptrulfsan \\', max_size=30).map(str.encode))
def test_what_is_read_is_json(message):
    found = read(message)
    if found is not None:
        content = json.loads(message)
        assert {key for key in content if len(key) == 1 and key in string.ascii_letters} == set(found)

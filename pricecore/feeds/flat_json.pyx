"""The reader of plain JSON objects, and of the numbers in them. See the .pxd for what is plain."""

import string

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp

cdef double[MAX_DIGITS] POWERS_OF_TEN               # all exact: a double holds 10^22
cdef uint64_t EXACT_BELOW = <uint64_t>1 << 53       # every whole number up to here is a double
cdef char[256] IN_TEXT                              # bytes that stand for themselves in a JSON string
cdef int k

POWERS_OF_TEN[0] = 1.0
for k in range(1, MAX_DIGITS):
    POWERS_OF_TEN[k] = POWERS_OF_TEN[k - 1] * 10.0
for k in range(256):
    IN_TEXT[k] = 0x20 <= k < 0x80 and k != b'"' and k != b"\\"


cdef inline bint is_digit(char c) noexcept nogil:
    return <unsigned char>(c - c"0") < 10


cdef inline bint is_letter(char c) noexcept nogil:
    return b"a" <= (c | 0x20) <= b"z"


cdef const char* text_end(const char* at, const char* end) noexcept nogil:
    """Return what follows the text whose opening quote is at `at`; NULL: it is not plain, or cut."""
    if at >= end or at[0] != b'"':
        return NULL
    at += 1
    while IN_TEXT[<unsigned char>at[0]]:
        at += 1
    return at + 1 if at < end and at[0] == b'"' else NULL


cdef inline const char* skip_digits(const char* at) noexcept nogil:
    while is_digit(at[0]):
        at += 1
    return at


cdef inline const char* number_end(const char* at) noexcept nogil:
    """Return what follows a number as JSON spells it, its exponent left for the caller to trip on; NULL: it is none."""
    cdef const char* start
    if at[0] == b"-":
        at += 1
    start = at
    at = skip_digits(start)
    if at == start or (start[0] == b"0" and at - start > 1):
        return NULL
    if at[0] == b".":
        start = at + 1
        at = skip_digits(start)
        if at == start:
            return NULL
    return at


cdef inline const char* literal_end(const char* at, const char* end) noexcept nogil:
    cdef Py_ssize_t length = 5 if at[0] == b"f" else 4
    if end - at < length:
        return NULL
    if memcmp(at, b"true", 4) == 0 or memcmp(at, b"null", 4) == 0 or memcmp(at, b"false", length) == 0:
        return at + length
    return NULL


cdef inline const char* value_end(const char* at, const char* end, Field* field) noexcept nogil:
    """Fill `field` from the value at `at`; return what follows it, or NULL."""
    cdef const char* after
    if at[0] == b'"':
        after = text_end(at, end)
        field.kind, field.text, field.length = TEXT, at + 1, after - at - 2
    elif is_digit(at[0]) or at[0] == b"-":
        after = number_end(at)
        field.kind, field.text, field.length = NUMBER, at, after - at
    else:
        after = literal_end(at, end)
        field.kind, field.text, field.length = LITERAL, at, after - at
    return after


cdef inline Field* place_of(const char* key, Py_ssize_t length, Flat* flat, Field* skipped) noexcept nogil:
    """Return where the field of a key belongs; NULL: with this key the object is not plain."""
    if length != 1 or not is_letter(key[0]):
        return skipped if length != 4 or memcmp(key, b"data", 4) != 0 else NULL
    if has(flat, key[0]):
        return NULL
    flat.present |= letter_bit(key[0])
    return &flat.fields[key[0] & 63]


cdef const char* flat_read(const char* at, const char* end, Flat* flat) noexcept nogil:
    """Read the object that starts at `at`; return what follows it, or NULL when it is not plain."""
    cdef const char* key
    cdef Field skipped
    cdef Field* field
    flat.present = 0
    if at >= end or at[0] != b"{":
        return NULL
    while True:
        key = at + 1                                # past the brace or the comma
        at = text_end(key, end)
        if at == NULL or end - at < 2 or at[0] != b":":
            return NULL
        field = place_of(key + 1, at - key - 2, flat, &skipped)
        if field == NULL:
            return NULL
        at = value_end(at + 1, end, field)
        if at == NULL or at >= end:                 # past it: a number ran on to the zero
            return NULL
        if at[0] != b",":
            return at + 1 if at[0] == b"}" else NULL


cdef bint whole_of(const Flat* flat, char letter, int64_t* value) noexcept nogil:
    """Read a number without sign and fraction; a field that did not come leaves `value`. False: not such a number."""
    cdef const Field* field = field_of(flat, letter)
    cdef int64_t whole = 0
    cdef const char* at
    cdef const char* end
    if field == NULL:
        return True
    if field.kind != NUMBER or field.length > MAX_DIGITS:
        return False
    at, end = field.text, field.text + field.length
    while at < end:
        if not is_digit(at[0]):
            return False
        whole = whole * 10 + (at[0] - c"0")
        at += 1
    value[0] = whole
    return True


cdef bint decimal_of(const Flat* flat, char letter, double* value) noexcept nogil:
    """Read a number, or a text that holds one, rounded as float() rounds; False: absent, signed, or not sure to be.

    Digits that fit into 53 bits, divided by a power of ten that a double holds, round once, as they should (Clinger,
    How to Read Floating Point Numbers Accurately, 1990).
    """
    cdef const Field* field = field_of(flat, letter)
    cdef uint64_t digits = 0
    cdef const char* at
    cdef const char* end
    cdef const char* point
    if field == NULL or field.kind == LITERAL or not 0 < field.length <= MAX_DIGITS:
        return False
    at, end = field.text, field.text + field.length
    point = end
    while at < end:
        if is_digit(at[0]):
            digits = digits * 10 + (at[0] - c"0")
        elif at[0] == b"." and point == end and at > field.text and at + 1 < end:
            point = at
        else:
            return False
        at += 1
    if digits > EXACT_BELOW or (field.text[0] == b"0" and point - field.text > 1):
        return False
    value[0] = <double>digits / POWERS_OF_TEN[end - point - 1 if point < end else 0]
    return True


def read(bytes message not None):
    """Return the fields of a plain object by their letter; None when it is not plain.

    The compiled decoders use the C functions; this is their door for tests and for a look by hand.

    Parameters
    ----------
    message : bytes
        An object and nothing else.

    Returns
    -------
    dict or None
        By letter: the text of the field, the whole number that it is, the decimal that it is; None: not that.

    Threads: any.
    Cost: linear in the message; allocates the dict.
    """
    cdef const char* end = <const char*>message + len(message)
    cdef Flat flat
    if flat_read(message, end, &flat) != end:
        return None
    return {letter: values_of(&flat, ord(letter)) for letter in string.ascii_letters if has(&flat, ord(letter))}


cdef object values_of(const Flat* flat, char letter):
    cdef const Field* field = &flat.fields[letter & 63]
    cdef int64_t whole = 0
    cdef double decimal = 0.0
    return (
        field.text[:field.length].decode("ascii"),
        whole if whole_of(flat, letter, &whole) else None,
        decimal if decimal_of(flat, letter, &decimal) else None,
    )

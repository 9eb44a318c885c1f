"""Level 6: reads a JSON object in its plainest form, as exchanges write their trades: flat, without blanks, ASCII.

Contract    `flat_read` either returns the end of the object, and then a full JSON reader would find the same fields,
            or NULL: the bytes are not plain, whatever else they are. Who gets NULL asks a full reader.
            Not plain: blanks, escapes, bytes beyond ASCII, nesting, exponents, an empty object, a letter twice, and
            the key `data`, which makes an envelope.
            A zero byte stands at `end` or behind it, as behind every bytes object: the loops stop there.
Fields      those whose key is one letter are kept, by that letter; the others are checked and skipped.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp

cdef enum FieldKind:
    TEXT = 1
    NUMBER = 2
    LITERAL = 3                     # true, false, null

cdef struct Field:
    const char* text                # without the quotes; not ended by a zero
    Py_ssize_t length
    FieldKind kind

cdef struct Flat:
    uint64_t present                # bit letter & 63 of every key that came; the fields of the others hold nothing
    Field fields[64]

cdef enum:
    MAX_DIGITS = 18                 # as many fit into an int64


cdef inline uint64_t letter_bit(char letter) noexcept nogil:
    return <uint64_t>1 << (letter & 63)


cdef inline bint has(const Flat* flat, char letter) noexcept nogil:
    return (flat.present & letter_bit(letter)) != 0


cdef inline const Field* field_of(const Flat* flat, char letter) noexcept nogil:
    """Return the field of a letter; NULL: it did not come."""
    if has(flat, letter):
        return &flat.fields[letter & 63]
    return NULL


cdef inline bint is_text(const Flat* flat, char letter, const char* text, Py_ssize_t length) noexcept nogil:
    """Is this field there, a text, and equal to `text`?"""
    cdef const Field* field = field_of(flat, letter)
    return field != NULL and field.kind == TEXT and field.length == length and memcmp(field.text, text, length) == 0


cdef inline uint64_t letters(const char* text) noexcept nogil:
    """Return the bits of all these letters."""
    cdef uint64_t bits = 0
    while text[0]:
        bits |= letter_bit(text[0])
        text += 1
    return bits


cdef const char* text_end(const char* at, const char* end) noexcept nogil
cdef const char* flat_read(const char* at, const char* end, Flat* flat) noexcept nogil
cdef bint whole_of(const Flat* flat, char letter, int64_t* value) noexcept nogil
cdef bint decimal_of(const Flat* flat, char letter, double* value) noexcept nogil

"""Level 4: whether bytes from outside are UTF-8, without the GIL.

Source      the table of well-formed byte sequences of the Unicode standard (table 3-7): nothing overlong, no
            surrogates, nothing above U+10FFFF; the same as Python's own decoder takes.
"""


cdef inline bint is_utf8(const unsigned char* text, size_t length) noexcept nogil:
    cdef size_t i = 0, k, follow
    cdef unsigned char c, least, most
    while i < length:
        c = text[i]
        i += 1
        if c < 0x80:
            continue
        if not 0xC2 <= c <= 0xF4:
            return False
        follow = 1 if c < 0xE0 else 2 if c < 0xF0 else 3
        least = 0xA0 if c == 0xE0 else 0x90 if c == 0xF0 else 0x80
        most = 0x9F if c == 0xED else 0x8F if c == 0xF4 else 0xBF
        if i + follow > length or not least <= text[i] <= most:
            return False
        for k in range(1, follow):
            if text[i + k] & 0xC0 != 0x80:
                return False
        i += follow
    return True

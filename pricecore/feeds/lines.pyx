"""Lines out of chunks, and the receive time off each line."""

cimport cython
from cpython.bytearray cimport PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX, int64_t
from libc.string cimport memchr, memcmp

MAX_LINE_BYTES = 10 << 20
"""A longer line is dropped while it is read and comes out as `UNREADABLE`."""

UNREADABLE = b"\xff"
"""Stands for a line that was too long or was cut off: no UTF-8, so every decoder counts it as malformed."""

Record = tuple[int, int, bytes]
"""Receive time in ns, number of the source, message."""

cdef enum:
    LONGEST = 10485760              # MAX_LINE_BYTES
    NS_DIGITS = 19
    SECOND_DIGITS = 10
    FRACTION_DIGITS = 9

cdef int64_t MAX_SECONDS = INT64_MAX // 1000000000      # below it they fit 64 bits as ns, whatever the fraction

cdef const char* NO_TEXT = b"\xff"


cdef class Stamp:
    """How the lines of a source tell their time; this one: not at all."""

    cdef int64_t take_off(self, const char** line, Py_ssize_t* size, int64_t before) noexcept nogil:
        return before


@cython.final
cdef class CaptureStamp(Stamp):
    """Lines `<ns> <message>`, `<seconds with a fraction>: <message>` as cryptofeed captures have it, or the message
    alone, which is taken to have come with the line before it, as one whose seconds do not fit is. A line of
    cryptofeed that tells of a connection or of a message sent is an empty message.
    """

    cdef int64_t take_off(self, const char** line, Py_ssize_t* size, int64_t before) noexcept nogil:
        cdef const char* text = line[0]
        cdef Py_ssize_t length = size[0]
        cdef Py_ssize_t after
        cdef int64_t time_ns = before
        if length and c"0" <= text[0] <= c"9":
            after = leading_time(text, length, &time_ns)
            if after:
                line[0] = text + after
                size[0] = length - after
                return time_ns
        elif length and text[0] == c"w" and not_received(text, length):
            size[0] = 0
        return before


cdef Py_ssize_t leading_time(const char* text, Py_ssize_t size, int64_t* time_ns) noexcept nogil:
    """Return where the message begins behind the time, 0 when there is no time.

    Seconds that do not fit leave `time_ns` as it was.
    """
    cdef Py_ssize_t at = digits_at(text, 0, size)
    cdef Py_ssize_t end
    cdef int64_t seconds
    if at < size and at <= NS_DIGITS and text[at] == c" ":
        return at + 1 if number_fits(text, at, time_ns) else 0
    if at > SECOND_DIGITS:
        return 0
    end = at
    if at < size and text[at] == c".":
        end = digits_at(text, at + 1, size)
        if end == at + 1:
            return 0
    if size - end < 2 or text[end] != c":" or text[end + 1] != c" ":
        return 0
    if number_fits(text, at, &seconds) and seconds < MAX_SECONDS:
        time_ns[0] = seconds * 1000000000 + fraction_ns(text, at + 1, end)
    return end + 2


cdef Py_ssize_t digits_at(const char* text, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    while at < size and c"0" <= text[at] <= c"9":
        at += 1
    return at


cdef bint number_fits(const char* text, Py_ssize_t digits, int64_t* number) noexcept nogil:
    cdef Py_ssize_t i
    number[0] = 0
    for i in range(digits):
        if number[0] > (INT64_MAX - 9) // 10:
            return False
        number[0] = number[0] * 10 + (text[i] - c"0")
    return True


cdef int64_t fraction_ns(const char* text, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    cdef int64_t fraction = 0
    cdef int i
    for i in range(FRACTION_DIGITS):
        fraction = fraction * 10 + (text[at + i] - c"0" if at + i < end else 0)
    return fraction


cdef bint not_received(const char* text, Py_ssize_t size) noexcept nogil:
    """Tell whether the line is `ws[s]://address <-> ...` or `ws[s]://address <- ...`."""
    cdef Py_ssize_t scheme = 5 if size > 5 and text[2] != c"s" else 6
    cdef const char* space
    cdef Py_ssize_t left
    if size <= scheme or memcmp(text, b"wss://" if scheme == 6 else b"ws://", scheme) != 0:
        return False
    space = <const char*> memchr(text + scheme, c" ", size - scheme)
    if space == NULL or space == text + scheme:
        return False
    left = size - (space - text)
    return left > 3 and memcmp(space, b" <-", 3) == 0 and (space[3] == c">" or space[3] == c" ")


@cython.final
cdef class Lines:
    """The lines of one source.

    Parameters
    ----------
    chunks : iterable of bytes
        The content, in pieces of any size.
    number : int
        Of the source; each record carries it.
    stamp : Stamp, optional
        Takes the receive time off each line; by default lines have none.
    damaged : callable, optional
        Tells at the end of the chunks whether they broke off: then what follows the last newline is half a line.

    Iterating gives (time in ns, number, message) of each line, without its newline. A line without a time has that of
    the line before it.

    Threads: one at a time.
    Cost: about 50 ns a line, beside the chunks; a copy only of lines that lie in two chunks.
    """

    def __init__(self, chunks, int number=0, Stamp stamp=None, damaged=None):
        self.chunks = iter(chunks)
        self.number = number
        self.stamp = Stamp() if stamp is None else stamp
        self.damaged = damaged
        self.head = bytearray()

    def __iter__(self):
        return self

    def __next__(self):
        if not (self.next_in_chunk() or self.refill()):
            raise StopIteration
        return self.time_ns, self.number, PyBytes_FromStringAndSize(self.message, self.size)

    def skip(self, count):
        """Pass over the next lines, at most `count`; return how many there were.

        Threads: as iterating. Cost: as iterating, without the copies.
        """
        passed = 0
        while passed < count and (self.next_in_chunk() or self.refill()):
            passed += 1
        return passed

    cdef bint next_in_chunk(self) noexcept nogil:
        """Go to the next line if all of it is there; else `refill` does."""
        cdef const char* line = self.at
        cdef const char* newline
        if line == NULL:
            return False
        newline = <const char*> memchr(line, c"\n", self.end - line)
        if newline == NULL:
            return False
        self.at = newline + 1
        self.accept(line, newline - line)
        return True

    cdef int refill(self) except -1:
        """Read chunks up to the end of the line that has begun, and go there; False at the end of them."""
        cdef const char* newline
        if self.ended:
            return False
        self.keep(self.at, self.end - self.at)
        for chunk in self.chunks:
            self.chunk = chunk
            self.at = PyBytes_AS_STRING(self.chunk)
            self.end = self.at + PyBytes_GET_SIZE(self.chunk)
            newline = <const char*> memchr(self.at, c"\n", self.end - self.at)
            if newline != NULL:
                self.keep(self.at, newline - self.at)
                self.at = newline + 1
                return self.accept_kept()
            self.keep(self.at, self.end - self.at)
        self.ended = True
        self.chunk, self.at, self.end = None, NULL, NULL
        return self.finish()

    cdef int keep(self, const char* part, Py_ssize_t size) except -1:
        if self.dropping or size == 0:
            return 0
        if PyByteArray_GET_SIZE(self.head) + size > LONGEST:
            self.head.clear()
            self.dropping = True
        else:
            self.head += part[:size]
        return 0

    cdef int accept_kept(self) except -1:
        if self.dropping:
            self.accept(NO_TEXT, 1)
        else:
            self.joined = bytes(self.head)
            self.accept(PyBytes_AS_STRING(self.joined), PyBytes_GET_SIZE(self.joined))
        self.dropping = False
        self.head.clear()
        return True

    cdef int finish(self) except -1:
        """Accept what follows the last newline, if there is anything."""
        if not self.dropping and PyByteArray_GET_SIZE(self.head) == 0:
            return False
        if self.damaged is not None and self.damaged():
            self.dropping = True            # half a number would pass for a number
        return self.accept_kept()

    cdef void accept(self, const char* line, Py_ssize_t size) noexcept nogil:
        if size > LONGEST:
            line, size = NO_TEXT, 1
        self.time_ns = self.stamp.take_off(&line, &size, self.time_ns)
        self.message = line
        self.size = size

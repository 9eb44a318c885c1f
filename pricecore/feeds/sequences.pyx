"""Are the numbers that a venue gives its messages complete? Gaps and repeats are counted; nothing is dropped."""

cimport cython
from libc.stdint cimport int64_t

from pricecore.types cimport NAME_BYTES

MAX_KEYS = 1 << 17
"""Keys remembered in one series, none longer than a symbol: a flood of garbage costs no more memory."""

cdef enum:
    NEW_LINE = 3                # lower numbers in a row that follow each other: less may be messages that were late


@cython.final
cdef class Newest:
    """The newest number of one key, in a box: to store another one costs no lookup and no int."""


@cython.final
@cython.no_gc_clear             # a decoder may still hold it
cdef class Series:
    """The numbers of one kind of message, each key (a symbol, a connection) counted by itself.

    A number below the newest one is a duplicate. The third in a row that directly follows the one before (is above
    it, where numbers are not dense) begins a new line instead, counted as one gap with nothing missing: the venue began
    anew, or the newest number was garbage. The two before it stay counted as duplicates.

    Parameters
    ----------
    dense : bool
        Whether every number comes once, so that a missing one is a gap. Otherwise numbers only may not go back, and
        equal ones are fine (several trades of one order share them).

    Attributes
    ----------
    gaps, missing, duplicates : int
        Times that numbers were left out or began anew, how many were left out in all, and numbers not above the newest.

    Threads: one at a time.
    Cost: a dict lookup.
    """

    def __cinit__(self, bint dense=True):
        self.dense = dense
        self.last = {}
        self.missing = 0

    cpdef int check(self, object key, int64_t number, int64_t count=1) except -1:
        """Take the next number of a key; `count`: it is the last of so many that came in one message.

        One below zero is not a venue's and not looked at.
        """
        cdef Newest newest
        cdef int64_t before                 # what the newest number should be
        if number < 0:
            return 0
        before = number - max(count, 1)
        found = self.last.get(key)
        if found is None:
            return self.remember(key, number)
        newest = <Newest>found
        if number < newest.number:
            return self.go_back(newest, before, number)
        newest.run = 0
        if self.dense and number == newest.number:
            self.duplicates += 1
            return 0
        if self.dense and before > newest.number:
            self.gaps += 1
            missing = self.missing + (before - newest.number)
            with cython.critical_section(self):     # any thread may read it
                self.missing = missing
        newest.number = number
        return 0

    cdef int go_back(self, Newest newest, int64_t before, int64_t number) except -1:
        """Count a number below the newest; `before`: the one that it directly follows."""
        cdef bint follows = before == newest.lower if self.dense else number > newest.lower
        newest.run = newest.run + 1 if newest.run and follows else 1
        newest.lower = number
        if newest.run < NEW_LINE:
            self.duplicates += 1
        else:
            self.gaps += 1
            newest.number = number
            newest.run = 0
        return 0

    cdef int remember(self, object key, int64_t number) except -1:
        cdef Newest newest
        if len(self.last) < MAX_KEYS and not (type(key) is str and len(key) > NAME_BYTES):
            newest = Newest.__new__(Newest)
            newest.number = number
            self.last[key] = newest
        return 0

    def reset(self):
        """Forget the last numbers, as after a new connection; the counts stay."""
        self.last.clear()

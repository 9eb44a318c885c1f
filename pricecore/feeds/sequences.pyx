"""Are the numbers that a venue gives its messages complete? Gaps and repeats are counted; nothing is dropped."""

cimport cython
from libc.stdint cimport int64_t

MAX_KEYS = 1 << 17
"""Keys remembered in one series; a flood of garbage symbols costs no more memory."""


@cython.final
cdef class Series:
    """The numbers of one kind of message, each key (a symbol, a connection) counted by itself.

    Parameters
    ----------
    dense : bool
        Whether every number comes once, so that a missing one is a gap. Otherwise numbers only may not go back, and
        equal ones are fine (several trades of one order share them).

    Attributes
    ----------
    gaps, missing, duplicates : int
        Times that numbers were left out, how many in all, and numbers not above an earlier one.

    Threads: one at a time.
    Cost: a dict lookup and a dict store.
    """

    def __init__(self, bint dense=True):
        self.dense = dense
        self.last = {}

    cpdef int check(self, object key, int64_t number, int64_t count=1) except -1:
        """Take the next number of a key; `count`: it is the last of so many that came in one message."""
        cdef int64_t last
        found = self.last.get(key)
        if found is None:
            if len(self.last) < MAX_KEYS:
                self.last[key] = number
            return 0
        last = found
        if self.dense and number - count != last:
            if number <= last:
                self.duplicates += 1
                return 0
            if number - count > last:
                self.gaps += 1
                self.missing += number - count - last
        elif number < last:
            self.duplicates += 1
            return 0
        self.last[key] = number
        return 0

    def reset(self):
        """Forget the last numbers, as after a new connection; the counts stay."""
        self.last.clear()

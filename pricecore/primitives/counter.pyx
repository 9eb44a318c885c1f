"""`AtomicCounter`: the counter of counter.pxd as a Python object."""

cimport cython
from cpython.long cimport PyLong_CheckExact
from cpython.number cimport PyNumber_Index
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from pricecore.primitives.arguments cimport Method, Parameters, put_before
from pricecore.primitives.atomics cimport unlikely
from pricecore.primitives.counter cimport counter_add, counter_free, counter_get, counter_new, counter_reset

cdef Parameters add_parameters


cdef int64_t as_int64(object number, str name) except? -1:
    # Cython alone would truncate a float; only what can be an index is an integer here.
    try:
        return <int64_t> (number if PyLong_CheckExact(number) else PyNumber_Index(number))
    except OverflowError:
        raise OverflowError(f"{name} must be from -2**63 to 2**63 - 1, got {number}") from None
    except TypeError:
        raise TypeError(f"{name} must be an int, got {type(number).__name__}") from None


@cython.final
cdef class AtomicCounter:
    """Signed 64-bit counter that loses no add, whichever threads add to it.

    Parameters
    ----------
    value : int, default 0
        What to start from, -2**63 to 2**63 - 1.

    Raises
    ------
    OverflowError
        `value` is outside that range.

    Notes
    -----
    A sum outside the range wraps around. Counts are exact but order nothing else (relaxed memory order):
    having seen a count does not mean seeing what its thread wrote before.

    Threads: all methods, any thread.
    Cost: never blocks; one cache line of memory.

    Examples
    --------
    >>> from pricecore.primitives.counter import AtomicCounter
    >>> counter = AtomicCounter()
    >>> counter.add(), counter.add(5), counter.reset(), counter.get()
    (1, 6, 6, 0)
    """

    def __cinit__(self, value=0):
        self.counter = counter_new(as_int64(value, "value"))
        if self.counter == NULL:
            raise MemoryError("no memory for a counter")

    def __dealloc__(self):
        counter_free(self.counter)

    def add(self, n=1):
        """Add `n` and return the new value.

        Parameters
        ----------
        n : int, default 1
            What to add, -2**63 to 2**63 - 1; negative subtracts.

        Returns
        -------
        int
            The value right after this add: no two threads that add 1 get the same.
            (Returning it costs about a quarter of the call; it is what makes tickets possible.)

        Raises
        ------
        OverflowError
            `n` is outside its range; nothing is added.

        Threads: any.
        Cost: wait-free; allocates the int it returns.
        """
        return counter_add(self.counter, as_int64(n, "n"))

    def get(self):
        """Return the value of this moment.

        Threads: any.
        Cost: wait-free; allocates the int it returns.
        """
        return counter_get(self.counter)

    def reset(self):
        """Set the counter to 0 and return what it held, in one step: every add is reported exactly once.

        Threads: any.
        Cost: lock-free; allocates the int it returns.
        """
        return counter_reset(self.counter)

    def __repr__(self):
        return f"AtomicCounter({counter_get(self.counter)})"


cdef object add_as_given(AtomicCounter self, PyObject** args, Py_ssize_t count, PyObject* keywords):
    """`add` itself: one, the common case; anything else by way of Cython's parse."""
    if unlikely(count != 0 or keywords != NULL):
        return add_parameters.parsed(self, args, count, keywords)
    return counter_add(self.counter, 1)


put_before(AtomicCounter, "add", <Method>add_as_given, &add_parameters)

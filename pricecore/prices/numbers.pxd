"""Numbers as Python callers have them, to C: a float costs one comparison, everything else a call."""

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from libc.stdint cimport int64_t


cdef double slow_double(object number, str name) except? -1.0
cdef int64_t slow_time(object time_ns, bint* overflow) except? -1


cdef inline double as_double(object number, str name) except? -1.0:
    """Return a double; TypeError names the argument when it is no number."""
    if PyFloat_CheckExact(number):
        return PyFloat_AS_DOUBLE(number)
    return slow_double(number, name)


cdef extern from *:
    """
    #include <Python.h>
    /* One call for the common case: an exact int that fits. */
    static inline int64_t pc_long_as_time(PyObject *number, int *overflow)
    {
        return (int64_t)PyLong_AsLongLongAndOverflow(number, overflow);
    }
    """
    int64_t long_as_time "pc_long_as_time" (object number, int* overflow) except? -1
    bint is_exact_int "PyLong_CheckExact" (object number) noexcept


cdef inline int64_t as_time(object time_ns, bint* overflow) except? -1:
    """Return ns since the epoch; TypeError says where to get them; `overflow`: beyond int64."""
    cdef int over = 0
    cdef int64_t value
    if is_exact_int(time_ns):
        value = long_as_time(time_ns, &over)
        overflow[0] = over != 0
        return value
    return slow_time(time_ns, overflow)

"""Numbers as Python callers have them, to C: a float costs one comparison, everything else a call."""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from pricecore.primitives.atomics cimport likely


cdef double slow_double(object number, str name) except? -1.0
cdef int64_t slow_time(object time_ns, bint* overflow) except? -1


cdef extern from *:
    """
    #include <Python.h>
    #include <stdint.h>
    /* The value of an exact int below 2^63 from its digits, without a call; 0 where the digits are not ours to read. */
    #if PY_VERSION_HEX < 0x030F0000 && !defined(PYPY_VERSION) && !defined(Py_LIMITED_API) && PYLONG_BITS_IN_DIGIT == 30
    static inline int pc_digits_of(PyObject *number, int64_t *value)
    {
        const PyLongObject *digits = (const PyLongObject *)number;
    #if PY_VERSION_HEX >= 0x030C0000
        const digit *d = digits->long_value.ob_digit;
        size_t count = digits->long_value.lv_tag >> 3;
        int negative = (digits->long_value.lv_tag & 3) == 2;
    #else
        const digit *d = digits->ob_digit;
        Py_ssize_t size = Py_SIZE(number);
        size_t count = (size_t)(size < 0 ? -size : size);
        int negative = size < 0;
    #endif
        uint64_t sum;
        if (count == 3 && d[2] < 8 && !negative) {      /* as all times of our days */
            *value = (int64_t)(d[0] | (uint64_t)d[1] << 30 | (uint64_t)d[2] << 60);
            return 1;
        }
        if (count > 3 || (count == 3 && d[2] >= 8))
            return 0;
        sum = count > 0 ? d[0] : 0;
        if (count > 1)
            sum |= (uint64_t)d[1] << 30;
        if (count > 2)
            sum |= (uint64_t)d[2] << 60;
        *value = negative ? -(int64_t)sum : (int64_t)sum;
        return 1;
    }
    #else
    static inline int pc_digits_of(PyObject *number, int64_t *value) { (void)number; (void)value; return 0; }
    #endif
    """
    bint digits_of "pc_digits_of" (PyObject* number, int64_t* value) noexcept
    bint is_exact_int "PyLong_CheckExact" (PyObject* number) noexcept
    bint is_exact_float "PyFloat_CheckExact" (PyObject* number) noexcept
    double double_of "PyFloat_AS_DOUBLE" (PyObject* number) noexcept


cdef inline bint quick_double(PyObject* number, double* value) noexcept:
    """Read an exact float or int, the int rounded as float() rounds; False: slow_double reads it."""
    cdef int64_t whole
    if likely(is_exact_float(number)):
        value[0] = double_of(number)
        return True
    if is_exact_int(number) and digits_of(number, &whole):
        value[0] = <double>whole
        return True
    return False


cdef inline bint quick_time(PyObject* time_ns, int64_t* value) noexcept:
    """Read an exact int; False: slow_time reads it."""
    return likely(is_exact_int(time_ns)) and digits_of(time_ns, value)


cdef inline double as_double(object number, str name) except? -1.0:
    """Return a double; TypeError names the argument when it is no number."""
    cdef double value
    return value if quick_double(<PyObject*>number, &value) else slow_double(number, name)


cdef inline int64_t as_time(object time_ns, bint* overflow) except? -1:
    """Return ns since the epoch; TypeError says where to get them; `overflow`: beyond int64."""
    cdef int64_t value
    return value if quick_time(<PyObject*>time_ns, &value) else slow_time(time_ns, overflow)

"""The slow half of reading numbers: ints, Decimals, numpy scalars, and errors that say what to do."""

import math
import operator

from cpython.float cimport PyFloat_AsDouble
from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.stdint cimport int64_t


cdef bint is_number(object value) except -1:
    """float() also reads text; and all that numpy has, has __float__: text, times, complex numbers."""
    if isinstance(value, (str, bytes, bytearray)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        return False
    return getattr(getattr(value, "dtype", None), "kind", "f") not in "cmMSU"


cdef double slow_double(object number, str name) except? -1.0:
    """Return float(number) for anything that is a number; a subclass of float is the float that it holds."""
    if not is_number(number):
        raise TypeError(f"{name} must be a number, not {type(number).__name__} {number!r}; convert it with float()")
    try:
        return PyFloat_AsDouble(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
    except ValueError:
        if hasattr(number, "is_snan"):  # a signalling NaN of decimal
            return math.nan
        raise


cdef int64_t slow_time(object time_ns, bint* overflow) except? -1:
    """Return ns since the epoch from any integer type."""
    cdef int over = 0
    cdef int64_t value
    try:
        number = operator.index(time_ns)
    except TypeError:
        raise TypeError(
            f"timestamp_ns must be an int, ns since the Unix epoch, not {type(time_ns).__name__} {time_ns!r}; "
            f"time.time_ns() gives the present one, a pandas Timestamp has it as .value"
        ) from None
    value = PyLong_AsLongLongAndOverflow(number, &over)
    overflow[0] = over != 0
    return value

"""The columns of a batch, as arrays that C reads: in place when they are ready, converted once when not."""

cimport numpy as cnp
from cpython.list cimport PyList_GET_ITEM
from cpython.object cimport PyObject
from libc.stdint cimport int32_t

from pricecore.prices.arrays import float_column, id_column, name_column, time_column

cdef extern from "Python.h":
    bint is_str "PyUnicode_Check" (PyObject* item) noexcept

cnp.import_array()


cdef void extremes(const int32_t* ids, Py_ssize_t count, int32_t* least, int32_t* most) noexcept nogil:
    cdef Py_ssize_t i
    cdef int32_t low = 0, high = 0
    for i in range(count):
        low = min(low, ids[i])
        high = max(high, ids[i])
    least[0], most[0] = low, high


cdef inline bint is_ready(object column, int kind) noexcept:
    """A one-dimensional, contiguous, aligned array of this type in native order: read in place."""
    return (
        cnp.PyArray_CheckExact(column)
        and cnp.PyArray_TYPE(<cnp.ndarray>column) == kind
        and cnp.PyArray_NDIM(<cnp.ndarray>column) == 1
        and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>column)
        and cnp.PyArray_ISNOTSWAPPED(<cnp.ndarray>column)
        and cnp.PyArray_ISALIGNED(<cnp.ndarray>column)
    )


cdef object as_ids_or_names(object symbols):
    """Return an int32 array of ids, or a list of str of our own."""
    cdef Py_ssize_t i
    cdef list names
    if is_ready(symbols, cnp.NPY_INT32):
        return symbols
    ids = id_column(symbols)
    if ids is not None:
        return ids
    names = name_column(symbols)
    for i in range(len(names)):
        if not is_str(PyList_GET_ITEM(names, i)):
            raise TypeError(f"symbols[{i}] must be a str or an id, not {type(names[i]).__name__} {names[i]!r}")
    return names


cdef object as_floats(str name, object column, Py_ssize_t rows):
    if column is None:
        return None
    if is_ready(column, cnp.NPY_FLOAT64) and cnp.PyArray_DIM(<cnp.ndarray>column, 0) == rows:
        return column
    return float_column(name, column, rows)


cdef object as_times(object column, Py_ssize_t rows):
    if column is None:
        return None
    if is_ready(column, cnp.NPY_INT64) and cnp.PyArray_DIM(<cnp.ndarray>column, 0) == rows:
        return column
    return time_column("timestamps_ns", column, rows)

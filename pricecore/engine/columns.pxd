"""Level 5: the columns of a batch, as arrays that C reads."""

from libc.stdint cimport int32_t


cdef void extremes(const int32_t* ids, Py_ssize_t count, int32_t* least, int32_t* most) noexcept nogil
cdef object as_ids_or_names(object symbols)
cdef object as_floats(str name, object column, Py_ssize_t rows)
cdef object as_times(object column, Py_ssize_t rows)

"""The bytes of records that a caller hands in: bytes, numpy arrays and scalars, or any buffer.

numpy builds a format string whenever a structured array is exported, hence a way of our own into its arrays and
scalars. A module that cimports this calls `numpy.import_array()` first.
"""

cimport numpy as cnp
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.object cimport PyObject_TypeCheck, PyTypeObject

cdef extern from "numpy/arrayscalars.h":
    ctypedef struct PyVoidScalarObject:
        char* obval
        cnp.PyArray_Descr* descr
    PyTypeObject PyVoidArrType_Type

cdef extern from "numpy/arrayobject.h":
    bint PyDataType_REFCHK(cnp.PyArray_Descr* dtype)
    cnp.npy_intp PyDataType_ELSIZE(cnp.PyArray_Descr* dtype)

cdef struct Source:
    const char* data                # valid while the caller's object is held, until source_close
    Py_ssize_t size_bytes
    bint exported                   # through the buffer protocol: `view` has to be released
    Py_buffer view


cdef inline int refuse_objects(cnp.PyArray_Descr* dtype) except -1:
    if PyDataType_REFCHK(dtype):
        raise TypeError(f"records must be plain bytes, got dtype {<object> dtype} that holds Python objects")
    return 0


cdef inline int source_of_array(Source* source, cnp.ndarray array) except -1:
    refuse_objects(cnp.PyArray_DESCR(array))
    if not cnp.PyArray_IS_C_CONTIGUOUS(array):
        raise ValueError("records must be contiguous: pass numpy.ascontiguousarray(records)")
    source.data = cnp.PyArray_BYTES(array)
    source.size_bytes = cnp.PyArray_NBYTES(array)
    return 0


cdef inline int source_of_scalar(Source* source, PyVoidScalarObject* scalar) except -1:
    refuse_objects(scalar.descr)
    source.data = scalar.obval
    source.size_bytes = PyDataType_ELSIZE(scalar.descr)
    return 0


cdef inline int source_open(Source* source, object records) except -1:
    """Point `source` at the contiguous bytes of `records`; TypeError, ValueError or BufferError when there are none."""
    source.exported = False
    if PyBytes_CheckExact(records):
        source.data = PyBytes_AS_STRING(records)
        source.size_bytes = PyBytes_GET_SIZE(records)
    elif PyObject_TypeCheck(records, &PyVoidArrType_Type):
        source_of_scalar(source, <PyVoidScalarObject*> records)
    elif cnp.PyArray_Check(records):
        source_of_array(source, <cnp.ndarray> records)
    else:
        PyObject_GetBuffer(records, &source.view, PyBUF_SIMPLE)
        source.data = <const char*> source.view.buf
        source.size_bytes = source.view.len
        source.exported = True
    return 0


cdef inline void source_close(Source* source) noexcept:
    if source.exported:
        PyBuffer_Release(&source.view)

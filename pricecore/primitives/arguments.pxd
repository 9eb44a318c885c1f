"""Methods that take their arguments as they come: see arguments.h."""

from cpython.object cimport PyObject

cdef extern from "arguments.h":
    ctypedef object (*Method "pc_method")(object self, PyObject** args, Py_ssize_t count, PyObject* keywords)

    enum:
        PARAMETERS "PC_MOST_PARAMETERS"

    ctypedef struct Parameters "pc_parameters":
        Method parsed

    int describe "pc_describe" (Parameters* parameters, tuple names, tuple rest) except -1
    bint put_before "pc_put_before" (
        type cls, const char* name, Method method, Parameters* parameters) noexcept
    bint bind "pc_bind" (
        const Parameters* parameters, PyObject** args, Py_ssize_t count, PyObject* keywords, PyObject** bound) noexcept

"""Level 2: results.py's tuples, made from a record at once."""

from pricecore.types cimport Record

cdef extern from *:
    """
    #include <Python.h>
    /* An empty instance of a tuple's subclass: what tuple.__new__ makes, without the tuple in between. */
    static inline PyObject *pc_new_tuple_of(PyObject *type, Py_ssize_t size)
    {
        PyObject *made = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, size);
    #if PY_VERSION_HEX >= 0x030E0000
        if (made != NULL)
            ((PyTupleObject *)made)->ob_hash = -1;      /* not computed yet */
    #endif
        return made;
    }
    static inline void pc_put(PyObject *tuple, Py_ssize_t i, PyObject *item)
    {
        Py_INCREF(item);
        PyTuple_SET_ITEM(tuple, i, item);
    }
    """
    tuple new_tuple_of "pc_new_tuple_of" (object type, Py_ssize_t size)
    void put "pc_put" (tuple target, Py_ssize_t i, object item) noexcept


cdef inline tuple price_update_of(object cls, object symbol, const Record* record):
    """Return PriceUpdate, which the caller has as `cls`, of a PRICE."""
    cdef tuple result = new_tuple_of(cls, 7)
    put(result, 0, symbol)
    put(result, 1, record.price)
    put(result, 2, record.volume)
    put(result, 3, record.timestamp_ns)
    put(result, 4, record.change_24h)
    put(result, 5, record.received_ns)
    put(result, 6, record.sequence)
    return result


cdef inline tuple quote_of(object cls, object symbol, const Record* record):
    """Return Quote, which the caller has as `cls`, of a QUOTE."""
    cdef tuple result = new_tuple_of(cls, 8)
    put(result, 0, symbol)
    put(result, 1, record.price)
    put(result, 2, record.volume)
    put(result, 3, record.change_24h)
    put(result, 4, record.reserved)
    put(result, 5, record.timestamp_ns)
    put(result, 6, record.received_ns)
    put(result, 7, record.sequence)
    return result

"""Level 3: the calls for one entry of a cache; how it is kept whole: core.pxd."""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from pricecore.caching.core cimport CacheCore, Removed


cdef class CacheStore(CacheCore):
    cdef object fetch(self, PyObject* key, object default)
    cdef int store(self, PyObject* key, PyObject* value, int64_t ttl_ns) except -1
    cdef int place(self, PyObject* key, PyObject* value, int64_t ttl_ns, Removed* removed) except -1
    cdef object take(self, PyObject* key, object default)
    cdef object glance(self, PyObject* key, object default)


cdef object quick_get(CacheStore self, PyObject* key, object default)
cdef int quick_put(CacheStore self, PyObject* key, PyObject* value, object ttl_s) except -1

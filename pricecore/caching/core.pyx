"""`CacheCore`: entries of a cache found, taken out and released; the contract is explained in core.pxd."""

from cpython.object cimport Py_EQ, PyObject, PyObject_RichCompareBool
from cpython.ref cimport Py_XDECREF, Py_XINCREF
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from pricecore.prices.lru cimport (
    Lru, LruEntry, lru_free, lru_insert, lru_new, lru_oldest, lru_probe, lru_remove,
)
from pricecore.prices.wheel cimport (
    WHEEL_NONE, is_expired, wheel_add, wheel_free, wheel_is_due, wheel_new, wheel_remove, wheel_step,
)

from pricecore.caching.limits import check_callable, check_capacity, check_ttl_ns
from pricecore.caching.telling import tell_evicted

cdef extern from *:
    """
    #include <Python.h>
    """
    # Without the errors that Cython's own declarations expect: the collector's calls have none.
    ctypedef int (*Visit "visitproc")(PyObject* met, void* argument) noexcept
    ctypedef int (*Traverse "traverseproc")(PyObject* self, Visit visit, void* argument) noexcept
    ctypedef int (*Clear "inquiry")(PyObject* self) noexcept
    ctypedef struct Collected "PyTypeObject":
        Traverse tp_traverse
        Clear tp_clear


cdef class CacheCore:
    """What `PriceCache` is made of: its memory, and how entries come and go."""

    def __cinit__(self, capacity, *, ttl_s=None, loader=None, on_evict=None):
        cdef int32_t entries = check_capacity(capacity)
        self.ttl_ns = check_ttl_ns(ttl_s)
        self.on_evict = check_callable("on_evict", on_evict)
        if not lru_new(&self.lru, entries):
            raise MemoryError(f"no memory for a cache of {entries:,} entries")
        self.counts.capacity = entries

    def __dealloc__(self):
        cdef int32_t i
        if self.lru.entries != NULL:
            for i in range(1, self.lru.fresh):
                Py_XDECREF(self.lru.entries[i].key)
                Py_XDECREF(self.lru.entries[i].value)
        lru_free(&self.lru)
        wheel_free(self.wheel)

    cdef int same_key(self, int32_t index, PyObject* key) except -1:
        """Have Python compare a stored key with this one; the cache is let go meanwhile, and on an error for good.

        Returns 1: equal, 0: not, 2: the entry is another one by now.
        """
        cdef PyObject* stored = self.lru.entries[index].key
        cdef int equal
        Py_XINCREF(stored)
        let_go(self)
        try:
            equal = PyObject_RichCompareBool(<object>stored, <object>key, Py_EQ)
        except BaseException:
            Py_XDECREF(stored)
            raise
        hold(self)
        # Also the block may be another one, and smaller.
        if index <= self.lru.capacity and self.lru.entries[index].key == stored:
            Py_XDECREF(stored)                  # not the last reference: the cache has one
            return equal
        let_go(self)
        Py_XDECREF(stored)
        hold(self)
        return 2

    cdef int32_t find(self, PyObject* key, uint32_t tag) except -1:
        """Return the entry of a key, 0: there is none. Call while holding the cache; on an error it is let go."""
        cdef uint64_t version, at
        cdef int32_t index
        cdef int equal
        for _ in range(MAX_SEARCHES):
            version = self.lru.version
            at = tag
            while True:
                index = lru_probe(&self.lru, &at, key, tag)
                if index >= 0:
                    return index
                equal = self.same_key(-index, key)
                if equal == 1:
                    return -index
                if equal == 2 or self.lru.version != version:
                    break                       # what lies behind may have moved before the place we are at
        let_go(self)
        raise RuntimeError(
            f"the cache was changed during each of {MAX_SEARCHES:,} comparisons of a key of type "
            f"{type(<object>key).__name__}: its __eq__ must not change the cache")

    cdef int32_t find_live(self, PyObject* key, uint32_t tag, Removed* removed) except -1:
        """As `find`; an entry that has expired is none, and a few others that have are collected."""
        return self.drop_expired(self.find(key, tag), removed)

    cdef int32_t drop_expired(self, int32_t index, Removed* removed) noexcept nogil:
        """Return the entry, 0 when it has expired; collect it then, and a few others that have."""
        cdef int64_t now_ns
        if self.wheel == NULL:
            return index
        now_ns = now_of(self)
        if index and is_expired(self.wheel, index, now_ns):
            self.take_out(index, LEFT_EXPIRED, removed)
            index = 0
        self.collect(now_ns, removed)
        return index

    cdef void take_out(self, int32_t index, int reason, Removed* removed) noexcept nogil:
        """Move an entry from the cache to `removed`."""
        cdef LruEntry* entry = &self.lru.entries[index]
        removed.entries[removed.count] = RemovedEntry(entry.key, entry.value, reason)
        removed.count += 1
        count_up(&self.counts.left[reason])
        lru_remove(&self.lru, index)
        if self.wheel != NULL:
            wheel_remove(self.wheel, index)

    cdef void collect(self, int64_t now_ns, Removed* removed) noexcept nogil:
        """Take out a few entries that have expired, of those that nobody asks for."""
        cdef int32_t index
        cdef int _
        for _ in range(BUDGET):
            if not wheel_is_due(self.wheel, now_ns):
                break
            index = wheel_step(self.wheel, now_ns)
            if index == WHEEL_NONE:
                break
            if index > 0:
                self.take_out(index, LEFT_EXPIRED, removed)

    cdef int32_t insert(self, PyObject* key, PyObject* value, uint32_t tag, Removed* removed) noexcept:
        """Add a key that is not there; the entry longest unused makes room for it."""
        if self.lru.count == self.lru.capacity:
            self.take_out(lru_oldest(&self.lru), LEFT_CAPACITY, removed)
        Py_XINCREF(key)
        Py_XINCREF(value)
        count_up(&self.counts.inserted)
        return lru_insert(&self.lru, key, value, tag)

    cdef bint has_wheel(self) noexcept nogil:
        """Make the wheel with the first entry that expires; False without memory for it."""
        if self.wheel == NULL:
            self.wheel = wheel_new(self.lru.capacity)
        return self.wheel != NULL

    cdef void expire_in(self, int32_t index, int64_t ttl_ns) noexcept nogil:
        """There is a wheel."""
        cdef int64_t now_ns = now_of(self)
        wheel_add(self.wheel, index, now_ns + ttl_ns, now_ns)

    cdef int release(self, Removed* removed) except -1:
        """Let entries go that have left, and tell the user. Runs Python: the cache is whole and let go."""
        cdef int i
        cdef RemovedEntry* entry
        Py_XDECREF(removed.old)
        if self.on_evict is not None:
            return self.release_telling(removed)
        for i in range(removed.count):
            entry = &removed.entries[i]
            Py_XDECREF(entry.key)
            Py_XDECREF(entry.value)
        return 0

    cdef int release_telling(self, Removed* removed) except -1:
        cdef int i
        cdef RemovedEntry entry
        cdef object interrupt = None
        for i in range(removed.count):
            entry = removed.entries[i]
            key, value = <object>entry.key, <object>entry.value
            Py_XDECREF(entry.key)
            Py_XDECREF(entry.value)
            try:
                self.tell(key, value, entry.reason)
            except BaseException as error:          # a KeyboardInterrupt: the others are told all the same
                interrupt = error
        if interrupt is not None:
            raise interrupt
        return 0

    cdef int tell(self, object key, object value, int reason) except -1:
        if not tell_evicted(self.on_evict, key, value, reason):
            hold(self)
            count_up(&self.counts.callback_errors)
            let_go(self)
        return 0

    cdef int forget_load(self, object key) except -1:
        """A load of this key that is under way is not to be stored: what the key stands for has changed."""
        if self.loads is not None:
            self.loads.forget(key)
        return 0


# The collector sees what Cython knows of; the references in the block are added here.
cdef Traverse plain_traverse
cdef Clear plain_clear


cdef int traverse_core(PyObject* self, Visit visit, void* argument) noexcept:
    cdef const Lru* lru = &(<CacheCore>self).lru
    cdef int met = plain_traverse(self, visit, argument)
    cdef int32_t i
    if met or lru.entries == NULL:
        return met
    for i in range(1, lru.fresh):
        if lru.entries[i].key != NULL:
            met = visit(lru.entries[i].key, argument) or visit(lru.entries[i].value, argument)
            if met:
                return met
    return 0


cdef int clear_core(PyObject* self) noexcept:
    """One entry at a time: each leaves a cache that is whole."""
    cdef CacheCore core = <CacheCore>self
    cdef Removed removed
    while core.lru.count:
        nobody(&removed)
        hold(core)
        if core.lru.count:
            core.take_out(lru_oldest(&core.lru), LEFT_DELETED, &removed)
        let_go(core)
        if removed.count:
            Py_XDECREF(removed.entries[0].key)
            Py_XDECREF(removed.entries[0].value)
    return plain_clear(self)


plain_traverse = (<Collected*>CacheCore).tp_traverse
plain_clear = (<Collected*>CacheCore).tp_clear
(<Collected*>CacheCore).tp_traverse = traverse_core
(<Collected*>CacheCore).tp_clear = clear_core

"""`CacheStore`: the calls that read and write one entry of a cache.

A str whose hash is known is looked up, moved and returned without running Python and without a function call between;
any other key, and a cache whose entries expire, take the longer way through `fetch` and `store`.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF, Py_XINCREF
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from pricecore.caching.core cimport (
    LEFT_DELETED, CacheCore, Removed, count_up, hold, let_go, nobody, now_of, size_of, tag_of,
)
from pricecore.prices.lru cimport lru_probe, lru_tag, lru_touch
from pricecore.prices.symbols cimport cached_hash, is_exact_str
from pricecore.prices.wheel cimport is_expired, wheel_is_due, wheel_remove
from pricecore.primitives.arguments cimport PARAMETERS, Method, Parameters, bind, describe, put_before
from pricecore.primitives.atomics cimport likely, load_relaxed, unlikely

from pricecore.caching.absent import Absent
from pricecore.caching.limits import check_ttl_ns


cdef inline bint is_ready_text(PyObject* key) noexcept:
    return is_exact_str(key) and cached_hash(key) != -1


cdef inline bint is_overdue(CacheStore self, int32_t index) noexcept nogil:
    """Whether this entry has expired, or the wheel has work to do."""
    cdef int64_t now_ns = now_of(self)
    return is_expired(self.wheel, index, now_ns) or wheel_is_due(self.wheel, now_ns)


cdef class CacheStore(CacheCore):
    """What `PriceCache` is made of: the calls for one entry; see there."""

    cdef object fetch(self, PyObject* key, object default):
        """`get` with any key, of a cache whose entries may expire."""
        cdef Removed removed
        cdef uint32_t tag = tag_of(key)
        cdef int32_t index
        nobody(&removed)
        hold(self)
        index = self.find_live(key, tag, &removed)
        if index:
            lru_touch(&self.lru, index)
            count_up(&self.counts.hits)
            default = <object>self.lru.entries[index].value
        else:
            count_up(&self.counts.misses)
        let_go(self)
        self.release(&removed)
        return default

    cdef int store(self, PyObject* key, PyObject* value, int64_t ttl_ns) except -1:
        """`put` with any key, and with entries that expire; ttl_ns 0: this one does not."""
        cdef Removed removed
        nobody(&removed)
        self.place(key, value, ttl_ns, &removed)
        return self.release(&removed)

    cdef int place(self, PyObject* key, PyObject* value, int64_t ttl_ns, Removed* removed) except -1:
        """`store`, but what leaves is the caller's to release. Nothing has left when it raises."""
        cdef uint32_t tag = tag_of(key)
        cdef int32_t index
        hold(self)
        index = self.find(key, tag)
        if ttl_ns and not self.has_wheel():
            let_go(self)
            raise MemoryError(f"no memory for the times at which {self.capacity:,} entries expire")
        index = self.drop_expired(index, removed)
        if index:
            removed.old = self.lru.entries[index].value
            Py_XINCREF(value)
            self.lru.entries[index].value = value
            lru_touch(&self.lru, index)
        else:
            index = self.insert(key, value, tag, removed)
        if ttl_ns:
            self.expire_in(index, ttl_ns)
        elif self.wheel != NULL:
            wheel_remove(self.wheel, index)
        let_go(self)
        return 0

    cdef object take(self, PyObject* key, object default):
        """Take the entry of a key out and return its value; `default` when there is none."""
        cdef Removed removed
        cdef uint32_t tag = tag_of(key)
        cdef int32_t index
        nobody(&removed)
        if load_relaxed(&self.loading):
            self.forget_load(<object>key)
        hold(self)
        index = self.find_live(key, tag, &removed)
        if index:
            default = <object>self.lru.entries[index].value
            self.take_out(index, LEFT_DELETED, &removed)
        let_go(self)
        self.release(&removed)
        return default

    cdef object glance(self, PyObject* key, object default):
        """Return the value of a key and leave everything as it is."""
        cdef uint32_t tag = tag_of(key)
        cdef int32_t index
        hold(self)
        index = self.find(key, tag)
        if index and (self.wheel == NULL or not is_expired(self.wheel, index, now_of(self))):
            default = <object>self.lru.entries[index].value
        let_go(self)
        return default

    def get(self, key, default=None):
        """Return the value of a key, and make it the one most recently used.

        Parameters
        ----------
        key : hashable
        default : object
            What to return when the key is not there, or has expired.

        Returns
        -------
        object

        Raises
        ------
        TypeError
            The key has no hash.

        Threads: any. Cost: O(1); allocates nothing, reads no clock while no entry expires.
        """
        return quick_get(self, <PyObject*>key, default)

    def peek(self, key, default=None):
        """Return the value of a key as `get`, but leave order and statistics as they are.

        Threads: any. Cost: O(1), allocates nothing.
        """
        return self.glance(<PyObject*>key, default)

    def put(self, key, value, ttl_s=None):
        """Store a value, in place of the one there is, and make its key the one most recently used.

        Parameters
        ----------
        key : hashable
        value : object
        ttl_s : float, optional
            Seconds until it expires, above 0 and at most 1e9; None: the cache's own. Each `put` begins them anew.

        Raises
        ------
        TypeError, ValueError
            The key has no hash; ttl_s is no such number.
        MemoryError
            No room for the times, with the first entry that expires; nothing was stored.

        Threads: any. Cost: O(1); allocates nothing, but for the first entry that expires 16 bytes a place.
        """
        quick_put(self, <PyObject*>key, <PyObject*>value, ttl_s)

    def delete(self, key):
        """Remove a key; a load of it that is under way will not be stored.

        Returns
        -------
        bool
            Whether it was there.

        Threads: any. Cost: O(1).
        """
        return self.take(<PyObject*>key, Absent) is not Absent

    def __getitem__(self, key):
        value = quick_get(self, <PyObject*>key, Absent)
        if value is Absent:
            raise KeyError(key)
        return value

    def __setitem__(self, key, value):
        quick_put(self, <PyObject*>key, <PyObject*>value, None)

    def __delitem__(self, key):
        if self.take(<PyObject*>key, Absent) is Absent:
            raise KeyError(key)

    def __contains__(self, key):
        return self.glance(<PyObject*>key, Absent) is not Absent

    def __len__(self):
        return size_of(self)

    @property
    def capacity(self):
        """How many entries it keeps."""
        return load_relaxed(&self.counts.capacity)

    @property
    def ttl_s(self):
        """Seconds until an entry expires unless `put` says otherwise; None: never."""
        return self.ttl_ns / 1e9 if self.ttl_ns else None


cdef object quick_get(CacheStore self, PyObject* key, object default):
    """`get` itself: of a str whose hash is known no Python runs, and with a GIL nobody else."""
    cdef uint32_t tag
    cdef uint64_t at
    cdef int32_t index
    if unlikely(not is_ready_text(key)):
        return self.fetch(key, default)
    at = tag = lru_tag(cached_hash(key))
    hold(self)
    index = lru_probe(&self.lru, &at, key, tag)
    if unlikely(index < 0 or (self.wheel != NULL and (index == 0 or is_overdue(self, index)))):
        let_go(self)
        return self.fetch(key, default)
    if likely(index):
        lru_touch(&self.lru, index)
        count_up(&self.counts.hits)
        default = <object>self.lru.entries[index].value
    else:
        count_up(&self.counts.misses)
    let_go(self)
    return default


cdef int quick_put(CacheStore self, PyObject* key, PyObject* value, object ttl_s) except -1:
    """`put` itself, as quick_get."""
    cdef Removed removed
    cdef PyObject* old
    cdef uint32_t tag
    cdef uint64_t at
    cdef int32_t index
    cdef int64_t ttl_ns = self.ttl_ns
    if unlikely(ttl_s is not None):
        ttl_ns = check_ttl_ns(ttl_s)
    if unlikely(load_relaxed(&self.loading) != 0):
        self.forget_load(<object>key)
    if unlikely(ttl_ns != 0 or not is_ready_text(key)):
        return self.store(key, value, ttl_ns)
    at = tag = lru_tag(cached_hash(key))
    hold(self)
    index = lru_probe(&self.lru, &at, key, tag)
    if unlikely(index < 0 or self.wheel != NULL):
        let_go(self)
        return self.store(key, value, ttl_ns)
    if index:
        old = self.lru.entries[index].value
        Py_XINCREF(value)
        self.lru.entries[index].value = value
        lru_touch(&self.lru, index)
        let_go(self)
        Py_XDECREF(old)
        return 0
    nobody(&removed)
    self.insert(key, value, tag, &removed)
    let_go(self)
    return self.release(&removed) if removed.count else 0


cdef object get_given(CacheStore self, PyObject** given, Py_ssize_t count, PyObject* keywords):
    """`get` with its arguments as they come."""
    cdef PyObject* bound[PARAMETERS]
    if likely(keywords == NULL and count == 1):
        return quick_get(self, given[0], None)
    if bind(&get_parameters, given, count, keywords, bound):
        return quick_get(self, bound[0], <object>bound[1])
    return get_parameters.parsed(self, given, count, keywords)


cdef object put_given(CacheStore self, PyObject** given, Py_ssize_t count, PyObject* keywords):
    cdef PyObject* bound[PARAMETERS]
    if likely(keywords == NULL and count == 2):
        quick_put(self, given[0], given[1], None)
        return None
    if bind(&put_parameters, given, count, keywords, bound):
        quick_put(self, bound[0], bound[1], <object>bound[2])
        return None
    return put_parameters.parsed(self, given, count, keywords)


cdef Parameters get_parameters, put_parameters
describe(&get_parameters, ("key", "default"), (None,))
describe(&put_parameters, ("key", "value", "ttl_s"), (None,))

# Whether they answer; where not, Cython's own methods do, and are only slower.
_put_before = {
    "get": put_before(CacheStore, "get", <Method>get_given, &get_parameters),
    "put": put_before(CacheStore, "put", <Method>put_given, &put_parameters),
}

"""`CacheStore`: the calls that read and write one entry of a cache; the contract is explained in store.pxd."""

from cpython.object cimport Py_EQ, PyObject, PyObject_RichCompareBool
from cpython.ref cimport Py_XDECREF, Py_XINCREF
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from pricecore.prices.lru cimport (
    Lru, LruEntry, lru_free, lru_insert, lru_new, lru_oldest, lru_probe, lru_remove, lru_tag, lru_touch,
)
from pricecore.prices.symbols cimport cached_hash, is_exact_str
from pricecore.prices.wheel cimport (
    WHEEL_NONE, is_expired, wheel_add, wheel_free, wheel_is_due, wheel_new, wheel_remove, wheel_step,
)
from pricecore.primitives.arguments cimport PARAMETERS, Method, Parameters, bind, describe, put_before
from pricecore.primitives.atomics cimport likely, unlikely
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns

from pricecore.caching.limits import check_callable, check_capacity, check_ttl_ns
from pricecore.caching.telling import tell

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


cdef inline uint32_t tag_of(PyObject* key) except? 0:
    """Return the tag of a key's hash; TypeError for what has none."""
    if is_exact_str(key) and cached_hash(key) != -1:
        return lru_tag(cached_hash(key))
    return lru_tag(hash(<object>key))


cdef inline bint is_ready_text(PyObject* key) noexcept:
    return is_exact_str(key) and cached_hash(key) != -1


cdef inline bint is_overdue(CacheStore self, int32_t index) noexcept nogil:
    """Whether this entry has expired, or the wheel has work to do."""
    cdef int64_t now_ns = clock_ns(CLOCK_STEADY)
    return is_expired(self.wheel, index, now_ns) or wheel_is_due(self.wheel, now_ns)


cdef class CacheStore:
    """What `PriceCache` is made of: the calls for one entry; see there."""

    def __cinit__(self, capacity, *, ttl_s=None, loader=None, on_evict=None):
        cdef int32_t entries = check_capacity(capacity)
        self.ttl_ns = check_ttl_ns(ttl_s)
        self.on_evict = check_callable("on_evict", on_evict)
        if not lru_new(&self.lru, entries):
            raise MemoryError(f"no memory for a cache of {entries:,} entries")

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
        cdef int32_t index = self.find(key, tag)
        cdef int64_t now_ns
        if self.wheel != NULL:
            now_ns = clock_ns(CLOCK_STEADY)
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
        return lru_insert(&self.lru, key, value, tag)

    cdef bint has_wheel(self) noexcept nogil:
        """Make the wheel with the first entry that expires; False without memory for it."""
        if self.wheel == NULL:
            self.wheel = wheel_new(self.lru.capacity)
        return self.wheel != NULL

    cdef int release(self, Removed* removed) except -1:
        """Let entries go that have left, and tell the user. Runs Python: the cache is whole and let go."""
        cdef int i
        cdef RemovedEntry* entry
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
        if not tell(self.on_evict, key, value, reason):
            hold(self)
            count_up(&self.counts.callback_errors)
            let_go(self)
        return 0

    cdef int forget_load(self, object key) except -1:
        """A load of this key that is under way is not to be stored: what the key stands for has changed."""
        if self.loads is not None:
            self.loads.forget(key)
        return 0

    cdef object fetch(self, PyObject* key, object default):
        """`get` with any key, of a cache whose entries may expire."""
        cdef Removed removed
        cdef uint32_t tag = tag_of(key)
        cdef int32_t index
        removed.count = 0
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
        cdef uint32_t tag = tag_of(key)
        cdef PyObject* old = NULL
        cdef int32_t index
        removed.count = 0
        hold(self)
        index = self.find_live(key, tag, &removed)
        if ttl_ns and not self.has_wheel():
            let_go(self)
            self.release(&removed)
            raise MemoryError(f"no memory for the times at which {self.lru.capacity:,} entries expire")
        if index:
            old = self.lru.entries[index].value
            Py_XINCREF(value)
            self.lru.entries[index].value = value
            lru_touch(&self.lru, index)
        else:
            index = self.insert(key, value, tag, &removed)
        if ttl_ns:
            wheel_add(self.wheel, index, clock_ns(CLOCK_STEADY) + ttl_ns, clock_ns(CLOCK_STEADY))
        elif self.wheel != NULL:
            wheel_remove(self.wheel, index)
        let_go(self)
        Py_XDECREF(old)
        return self.release(&removed)

    cdef object take(self, PyObject* key, object default):
        """Take the entry of a key out and return its value; `default` when there is none."""
        cdef Removed removed
        cdef uint32_t tag = tag_of(key)
        cdef int32_t index
        removed.count = 0
        if self.loading:
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
        if index and (self.wheel == NULL or not is_expired(self.wheel, index, clock_ns(CLOCK_STEADY))):
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
        return self.take(<PyObject*>key, nothing) is not nothing

    def __getitem__(self, key):
        value = quick_get(self, <PyObject*>key, nothing)
        if value is nothing:
            raise KeyError(key)
        return value

    def __setitem__(self, key, value):
        quick_put(self, <PyObject*>key, <PyObject*>value, None)

    def __delitem__(self, key):
        if self.take(<PyObject*>key, nothing) is nothing:
            raise KeyError(key)

    def __contains__(self, key):
        return self.glance(<PyObject*>key, nothing) is not nothing

    def __len__(self):
        return self.lru.count

    @property
    def capacity(self):
        """How many entries it keeps."""
        return self.lru.capacity

    @property
    def ttl_s(self):
        """Seconds until an entry expires unless `put` says otherwise; None: never."""
        return self.ttl_ns / 1e9 if self.ttl_ns else None


nothing = object()                  # stands for "not there" where None may be a value


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
    if unlikely(self.loading):
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
    removed.count = 0
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


# The collector sees what Cython knows of; the references in the block are added here.
cdef Traverse plain_traverse
cdef Clear plain_clear


cdef int traverse_store(PyObject* self, Visit visit, void* argument) noexcept:
    cdef const Lru* lru = &(<CacheStore>self).lru
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


cdef int clear_store(PyObject* self) noexcept:
    """One entry at a time: each leaves a cache that is whole."""
    cdef CacheStore store = <CacheStore>self
    cdef Removed removed
    while store.lru.count:
        removed.count = 0
        hold(store)
        if store.lru.count:
            store.take_out(lru_oldest(&store.lru), LEFT_DELETED, &removed)
        let_go(store)
        if removed.count:
            Py_XDECREF(removed.entries[0].key)
            Py_XDECREF(removed.entries[0].value)
    return plain_clear(self)


plain_traverse = (<Collected*>CacheStore).tp_traverse
plain_clear = (<Collected*>CacheStore).tp_clear
(<Collected*>CacheStore).tp_traverse = traverse_store
(<Collected*>CacheStore).tp_clear = clear_store

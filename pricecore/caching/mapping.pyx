"""`CacheMapping`: what concerns many entries of a cache, and what makes it a mapping."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF, Py_XINCREF
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport free, malloc

from pricecore.caching.core cimport (
    LEFT_CAPACITY, LEFT_DELETED, LEFT_EXPIRED, CacheCore, Removed, RemovedEntry, hold, let_go, nobody, now_of,
    size_of, tag_of,
)
from pricecore.caching.store cimport CacheStore
from pricecore.prices.lru cimport (
    LRU_END, Lru, LruEntry, lru_bytes, lru_free, lru_insert, lru_new, lru_newest, lru_oldest, lru_touch,
)
from pricecore.prices.wheel cimport Wheel, is_expired, wheel_add, wheel_bytes, wheel_free, wheel_new
from pricecore.primitives.atomics cimport load_relaxed, store_relaxed

from pricecore.caching.absent import Absent
from pricecore.caching.limits import check_capacity, check_ttl_ns


cdef inline bint has_expired(const Wheel* wheel, int32_t index, int64_t now_ns) noexcept nogil:
    return wheel != NULL and is_expired(wheel, index, now_ns)


cdef class CacheMapping(CacheStore):
    """What `PriceCache` is made of: the calls for many entries; see there."""

    def pop(self, key, *default):
        """Remove a key and return its value, or the default when it is not there; without one KeyError.

        Threads: any. Cost: O(1).
        """
        if len(default) > 1:
            raise TypeError(f"pop takes a key and at most one default, not {len(default)}")
        value = self.take(<PyObject*>key, default[0] if default else Absent)
        if value is Absent:
            raise KeyError(key)
        return value

    def popitem(self):
        """Remove the entry longest unused and return its key and value; KeyError when the cache is empty.

        Threads: any. Cost: O(1), and as much for each entry that has expired in front of it.
        """
        cdef Removed removed
        cdef int32_t index
        cdef int reason = LEFT_EXPIRED
        while reason == LEFT_EXPIRED:
            nobody(&removed)
            hold(self)
            index = lru_oldest(&self.lru)
            if index == LRU_END:
                let_go(self)
                raise KeyError("popitem(): the cache is empty")
            reason = LEFT_EXPIRED if has_expired(self.wheel, index, now_of(self)) else LEFT_DELETED
            self.take_out(index, reason, &removed)
            let_go(self)
            item = <object>removed.entries[0].key, <object>removed.entries[0].value
            self.release(&removed)
        return item

    def setdefault(self, key, default=None):
        """Return the value of a key as `get`, but counted as neither hit nor miss; where there is none, store `default`
        and return that. Of several threads at once, all get the same value.

        Threads: any. Cost: O(1), as `put`.
        """
        cdef Removed removed
        cdef uint32_t tag = tag_of(<PyObject*>key)
        cdef int32_t index
        cdef bint no_room = False
        nobody(&removed)
        if load_relaxed(&self.loading):
            self.forget_load(key)
        hold(self)
        index = self.find_live(<PyObject*>key, tag, &removed)
        if index:
            lru_touch(&self.lru, index)
            default = <object>self.lru.entries[index].value
        elif self.ttl_ns and not self.has_wheel():
            no_room = True
        else:
            index = self.insert(<PyObject*>key, <PyObject*>default, tag, &removed)
            if self.ttl_ns:
                self.expire_in(index, self.ttl_ns)
        let_go(self)
        self.release(&removed)
        if no_room:
            raise MemoryError(f"no memory for the times at which {self.capacity:,} entries expire")
        return default

    def get_many(self, keys):
        """Return a dict of the keys that are there and their values, each touched and counted as by `get`.

        Threads: any; other calls may come between two keys. Cost: one `get` a key, and the dict.
        """
        found = {}
        for key in keys:
            value = self.get(key, Absent)
            if value is not Absent:
                found[key] = value
        return found

    def put_many(self, items, ttl_s=None):
        """Store the items of a mapping, or pairs of key and value, in their order.

        Threads: any; other calls may come between two items. Cost: one `put` an item.
        """
        check_ttl_ns(ttl_s)
        for key, value in (items.items() if hasattr(items, "keys") else items):
            self.put(key, value, ttl_s)

    def update(self, items=(), /, **named):
        """`put_many`, as a dict has it.

        Threads: any. Cost: that of `put_many`.
        """
        self.put_many(items)
        self.put_many(named)

    def items(self):
        """Return a list of keys and values as they are now, the most recently used first.

        Threads: any. Cost: O(n): reads all under one hold, then makes the list.
        """
        return self.listed(LIST_ITEMS)

    def keys(self):
        """Return a list of the keys, in the order of `items`.

        Threads: any. Cost: that of `items`.
        """
        return self.listed(LIST_KEYS)

    def values(self):
        """Return a list of the values, in the order of `items`.

        Threads: any. Cost: that of `items`.
        """
        return self.listed(LIST_VALUES)

    def __iter__(self):
        return iter(self.listed(LIST_KEYS))

    def clear(self):
        """Remove everything; loads that are under way will not be stored. Capacity and statistics stay.

        Threads: any; entries that others put meanwhile stay. Cost: O(n), and `on_evict` for each entry.
        """
        cdef Lru old
        cdef Lru block
        if load_relaxed(&self.loading):
            self.loads.forget_all()
        while True:
            old.capacity = load_relaxed(&self.counts.capacity)
            if not lru_new(&block, old.capacity):
                raise MemoryError(f"no memory to clear a cache of {old.capacity:,} entries")
            hold(self)
            if self.lru.capacity == block.capacity:
                break
            let_go(self)                            # another thread has resized it
            lru_free(&block)
        old = self.lru
        block.version = old.version + 1
        self.lru = block
        wheel_free(self.wheel)
        self.wheel = NULL
        store_relaxed(&self.counts.left[LEFT_DELETED], load_relaxed(&self.counts.left[LEFT_DELETED]) + old.count)
        let_go(self)
        mark_all(&old, LEFT_DELETED)
        self.release_block(&old)

    def resize(self, capacity):
        """Change how many entries are kept; those longest unused leave when there are more.

        Raises
        ------
        ValueError, TypeError
            As for a new cache. MemoryError: nothing has changed.

        Threads: any. Cost: O(n), for the table is made anew.
        """
        cdef int32_t entries = check_capacity(capacity)
        cdef Lru block
        cdef Lru old
        cdef Wheel* wheel = NULL
        if not lru_new(&block, entries):
            raise MemoryError(f"no memory for a cache of {entries:,} entries")
        wheel = wheel_new(entries)                  # perhaps for nothing: nobody may come between look and move
        if wheel == NULL:
            lru_free(&block)
            raise MemoryError(f"no memory for a cache of {entries:,} entries")
        hold(self)
        self.move_to(&block, wheel, now_of(self))
        old = self.lru
        block.version = old.version + 1
        self.lru = block
        store_relaxed(&self.counts.capacity, entries)
        if self.wheel != NULL:
            wheel, self.wheel = self.wheel, wheel
        let_go(self)
        wheel_free(wheel)
        self.release_block(&old)

    cdef int32_t oldest_to_keep(self, int32_t capacity, int64_t now_ns) noexcept nogil:
        """Return the entry behind which nothing is kept; 0 when nothing is."""
        cdef int32_t index = lru_newest(&self.lru), last = LRU_END
        while index != LRU_END and capacity > 0:
            if not has_expired(self.wheel, index, now_ns):
                last = index
                capacity -= 1
            index = self.lru.entries[index].older
        return last

    cdef void move_to(self, Lru* lru, Wheel* wheel, int64_t now_ns) noexcept nogil:
        """Move what there is room for; what is left says in its note why it leaves, and is counted."""
        cdef LruEntry* entry
        cdef int32_t kept = self.oldest_to_keep(lru.capacity, now_ns)
        cdef int32_t index = lru_oldest(&self.lru), moved
        while index != LRU_END:
            entry = &self.lru.entries[index]
            if index == kept:
                kept = LRU_END
            if has_expired(self.wheel, index, now_ns):
                leave(self, entry, LEFT_EXPIRED)
            elif kept != LRU_END:
                leave(self, entry, LEFT_CAPACITY)
            else:
                moved = lru_insert(lru, entry.key, entry.value, entry.tag)
                entry.key = NULL
                if self.wheel != NULL and self.wheel.timers[index].expires_ns:
                    wheel_add(wheel, moved, self.wheel.timers[index].expires_ns, now_ns)
            index = entry.newer

    cdef int release_block(self, Lru* block) except -1:
        """Release what is left in a block that is the cache's no more, and the block."""
        cdef Removed removed
        cdef LruEntry* entry
        cdef int32_t index = lru_oldest(block)
        cdef object interrupt = None
        while index != LRU_END:
            entry = &block.entries[index]
            index = entry.newer
            if entry.key == NULL:
                continue
            nobody(&removed)
            removed.count = 1
            removed.entries[0] = RemovedEntry(entry.key, entry.value, entry.note)
            try:
                self.release(&removed)
            except BaseException as error:
                interrupt = error
        lru_free(block)
        if interrupt is not None:
            raise interrupt
        return 0

    cdef list listed(self, int what):
        """Return keys, values or pairs of the entries that have not expired, the newest first."""
        cdef PyObject** found
        cdef int32_t room, i, count = 0
        while True:
            room = size_of(self)
            found = <PyObject**>malloc((2 * <size_t>room + 1) * sizeof(PyObject*))
            if found == NULL:
                raise MemoryError(f"no memory for a list of {room:,} entries")
            hold(self)
            if self.lru.count <= room:
                break
            let_go(self)
            free(found)
        count = copy_entries(self, found)
        let_go(self)
        try:
            if what == LIST_ITEMS:
                return [(<object>found[2 * i], <object>found[2 * i + 1]) for i in range(count)]
            return [<object>found[2 * i + what] for i in range(count)]
        finally:
            for i in range(2 * count):
                Py_XDECREF(found[i])
            free(found)

    def __sizeof__(self):
        """The entries' block and that of their times; keys and values are their owners'."""
        cdef size_t size_bytes
        hold(self)
        size_bytes = lru_bytes(self.lru.capacity) + (wheel_bytes(self.lru.capacity) if self.wheel != NULL else 0)
        let_go(self)
        return object.__sizeof__(self) + size_bytes

    def _pass_time(self, double seconds):
        """For tests: have the cache believe that this time has passed."""
        self.ahead_ns += <int64_t>(seconds * 1e9)


cdef inline void leave(CacheCore cache, LruEntry* entry, int reason) noexcept nogil:
    entry.note = reason
    store_relaxed(&cache.counts.left[reason], load_relaxed(&cache.counts.left[reason]) + 1)


cdef void mark_all(Lru* block, int reason) noexcept nogil:
    cdef int32_t i
    for i in range(1, block.fresh):
        block.entries[i].note = reason


cdef int32_t copy_entries(CacheCore cache, PyObject** found) noexcept:
    """Write keys and values down, with references of their own; return how many of each."""
    cdef LruEntry* entry
    cdef int64_t now_ns = now_of(cache) if cache.wheel != NULL else 0
    cdef int32_t index = lru_newest(&cache.lru), count = 0
    while index != LRU_END:
        entry = &cache.lru.entries[index]
        if not has_expired(cache.wheel, index, now_ns):
            Py_XINCREF(entry.key)
            Py_XINCREF(entry.value)
            found[2 * count], found[2 * count + 1] = entry.key, entry.value
            count += 1
        index = entry.older
    return count

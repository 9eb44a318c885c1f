"""Level 2: entries in exact order of use, found by their keys: what a cache is made of.

Source      linear probing, with removal that moves back what it left behind (Knuth, TAOCP 3, 6.4, algorithm R);
            multiplicative hashing (6.4 as well). Entries refer to each other by index, as in an array of nodes.
Contract    An entry is an index from 1 to `capacity`; 0 is the end of the list and says "none". Keys and values are
            strong references of whoever calls: nothing here counts references or runs Python. Keys with equal tags
            that are not two exact str are Python's to compare: `lru_probe` returns their entry negative.
Progress    Every call is bounded: O(1) on average; nothing allocates but `lru_new`.
Invariants  Following `older` from 0 meets `count` entries, the newest first, and comes back to 0; `newer` is the same
            way back. Each of them stands in exactly one place, at or behind its home, and no place between its home
            and it is empty. At least half of all places are empty. `fresh` and above were never used.
Threads     One at a time: whoever holds the GIL, or the lock of the cache around it. `version` changes with every
            change of the table, so that a caller who let others in between can tell.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint32_t, uint64_t

from pricecore.prices.symbols cimport is_exact_str, same_text
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport likely

cdef enum:
    LRU_MAX_CAPACITY = 1 << 30
    LRU_END = 0

cdef struct LruEntry:               # 32 bytes: never across two cache lines
    PyObject* key                   # NULL: free
    PyObject* value
    int32_t newer
    int32_t older                   # of a free entry: the next free one
    uint32_t tag                    # of its hash
    int32_t note                    # free for the caller, of an entry that leaves

cdef struct LruPlace:
    uint32_t tag
    int32_t index                   # 0: empty

cdef struct Lru:
    LruPlace* places                # mask + 1 of them
    LruEntry* entries               # capacity + 1 of them
    uint64_t mask
    uint64_t version
    int32_t capacity
    int32_t count
    int32_t fresh                   # the lowest index never used
    int32_t free                    # the first free entry below it; 0: none


cdef inline size_t lru_places(int32_t capacity) noexcept nogil:
    """Return the power of two that leaves at least half of the places empty."""
    cdef size_t places = 8
    while places < 2 * <size_t>capacity:
        places *= 2
    return places


cdef inline size_t lru_bytes(int32_t capacity) noexcept nogil:
    return (<size_t>capacity + 1) * sizeof(LruEntry) + lru_places(capacity) * sizeof(LruPlace)


cdef inline bint lru_new(Lru* lru, int32_t capacity) noexcept nogil:
    """Make it empty, in one block; False without memory for it. A page costs memory when it is first written."""
    cdef char* block = <char*>aligned_zeroed(lru_bytes(capacity))
    if block == NULL:
        return False
    lru.entries = <LruEntry*>block
    lru.places = <LruPlace*>(block + (<size_t>capacity + 1) * sizeof(LruEntry))
    lru.mask = lru_places(capacity) - 1
    lru.version = 0
    lru.capacity = capacity
    lru.count = 0
    lru.fresh = 1
    lru.free = 0
    return True


cdef inline void lru_free(Lru* lru) noexcept nogil:
    """Release the memory; the references are the caller's to release before."""
    aligned_free(lru.entries)
    lru.entries = NULL


cdef inline uint32_t lru_tag(Py_hash_t hash) noexcept nogil:
    """Return the upper half of the product with 2^64 / golden ratio: ints that hash to themselves are spread too.

    The place is the tag's low bits, which the hash's high bits do not reach by the product: hence they come down first.
    Without that, ids in the upper half of an int, or multiples of 2^-10, would all stand in a few long rows.
    """
    cdef uint64_t folded = <uint64_t>hash ^ <uint64_t>hash >> 32
    return <uint32_t>((folded * <uint64_t>0x9E3779B97F4A7C15) >> 32)


cdef inline int32_t lru_newest(const Lru* lru) noexcept nogil:
    return lru.entries[LRU_END].older


cdef inline int32_t lru_oldest(const Lru* lru) noexcept nogil:
    return lru.entries[LRU_END].newer


cdef inline int32_t lru_probe(const Lru* lru, uint64_t* at, PyObject* key, uint32_t tag) noexcept nogil:
    """Look from place `at` on (first: the tag) and leave `at` behind the place that decided.

    Returns the entry with this key, 0 when there is none, or -i when Python has to compare the key with entry i's.
    """
    cdef uint64_t i = at[0]
    cdef LruPlace place
    cdef PyObject* stored
    while True:
        place = lru.places[i & lru.mask]
        i += 1
        if place.index == 0:
            return 0
        if place.tag != tag:
            continue
        stored = lru.entries[place.index].key
        if likely(stored == key):
            return place.index
        if not (is_exact_str(stored) and is_exact_str(key)):
            at[0] = i
            return -place.index
        if same_text(stored, key):
            return place.index


cdef inline void lru_unlink(Lru* lru, int32_t index) noexcept nogil:
    cdef LruEntry* entry = &lru.entries[index]
    lru.entries[entry.newer].older = entry.older
    lru.entries[entry.older].newer = entry.newer


cdef inline void lru_link_newest(Lru* lru, int32_t index) noexcept nogil:
    cdef LruEntry* end = &lru.entries[LRU_END]
    cdef LruEntry* entry = &lru.entries[index]
    entry.newer = LRU_END
    entry.older = end.older
    lru.entries[end.older].newer = index
    end.older = index


cdef inline void lru_touch(Lru* lru, int32_t index) noexcept nogil:
    """Make this entry the newest."""
    if lru_newest(lru) != index:
        lru_unlink(lru, index)
        lru_link_newest(lru, index)


cdef inline int32_t lru_take_free(Lru* lru) noexcept nogil:
    cdef int32_t index = lru.free
    if index:
        lru.free = lru.entries[index].older
        return index
    index = lru.fresh
    lru.fresh += 1
    return index


cdef inline int32_t lru_insert(Lru* lru, PyObject* key, PyObject* value, uint32_t tag) noexcept nogil:
    """Add a key that is not there, as the newest, and return its entry. There must be room: count < capacity."""
    cdef int32_t index = lru_take_free(lru)
    cdef LruEntry* entry = &lru.entries[index]
    cdef uint64_t i = tag & lru.mask
    while lru.places[i].index != 0:
        i = (i + 1) & lru.mask
    lru.places[i].tag = tag
    lru.places[i].index = index
    entry.key = key
    entry.value = value
    entry.tag = tag
    lru_link_newest(lru, index)
    lru.count += 1
    lru.version += 1
    return index


cdef inline void lru_empty_place(Lru* lru, uint64_t hole) noexcept nogil:
    """Empty a place; entries behind it that could stand there move back, so that probes need no marks."""
    cdef uint64_t i = hole
    while True:
        i = (i + 1) & lru.mask
        if lru.places[i].index == 0:
            break
        # Its distance from home reaches back to the hole, or beyond.
        if ((i - lru.places[i].tag) & lru.mask) >= ((i - hole) & lru.mask):
            lru.places[hole] = lru.places[i]
            hole = i
    lru.places[hole].index = 0


cdef inline void lru_remove(Lru* lru, int32_t index) noexcept nogil:
    """Take an entry out; its key and value are the caller's from here on."""
    cdef LruEntry* entry = &lru.entries[index]
    cdef uint64_t i = entry.tag & lru.mask
    while lru.places[i].index != index:
        i = (i + 1) & lru.mask
    lru_empty_place(lru, i)
    lru_unlink(lru, index)
    entry.key = NULL
    entry.value = NULL
    entry.older = lru.free
    lru.free = index
    lru.count -= 1
    lru.version += 1

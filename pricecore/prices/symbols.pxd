"""The symbol table in two parts: names by id in the segment, and a private index from str to id.

Source      open addressing with linear probing, load at most one half, one eighth while the table is small.
Contract    ids are dense from 0 and never reused. The segment's part speaks of UTF-8 bytes and a documented hash
            (FNV-1a, 64 bits); the private part of str objects: first the pointer, then the cached hash and the
            characters, since str hashes differ from process to process.
Progress    lookups are wait-free while nobody adds; an addition never makes a lookup wait. Additions take turns.
Invariants  an entry, once visible, does not change. `count` grows after name, hash and index entry are complete.
Orderings   entry_publish (release of the key) pairs with entry_key (acquire); table_publish with str_table;
            name_publish (release of the count) with name_count (acquire); index_publish with index_entry.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcmp

from pricecore.prices.slot cimport Slot
from pricecore.primitives.atomics cimport backoff, cas_acq_rel, likely, load_acquire, load_relaxed, store_release
from pricecore.primitives.segment cimport Layout, NameEntry, Segment
from pricecore.types cimport NO_SYMBOL

cdef extern from *:
    """
    #include <Python.h>
    #include <stdint.h>
    /* A str object keeps its hash once computed; -1: not yet. */
    #if defined(Py_GIL_DISABLED)            /* another thread may be computing it */
    #include "atomics.h"
    static inline Py_hash_t pc_cached_hash(PyObject *text)
    {
        return (Py_hash_t)pc_load_relaxed((const uint64_t *)&((PyASCIIObject *)text)->hash);
    }
    #else
    static inline Py_hash_t pc_cached_hash(PyObject *text) { return ((PyASCIIObject *)text)->hash; }
    #endif
    static inline int pc_same_text(PyObject *a, PyObject *b)
    {
        Py_ssize_t n = PyUnicode_GET_LENGTH(a);
        return n == PyUnicode_GET_LENGTH(b) && PyUnicode_KIND(a) == PyUnicode_KIND(b)
            && memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)n * PyUnicode_KIND(a)) == 0;
    }
    #if defined(_MSC_VER) && !defined(__clang__)
    static inline uint32_t pc_index_load(const uint32_t *p) { return *(const volatile uint32_t *)p; }
    static inline void pc_index_store(uint32_t *p, uint32_t v) { *(volatile uint32_t *)p = v; }
    #else
    static inline uint32_t pc_index_load(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static inline void pc_index_store(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    #endif
    """
    Py_hash_t cached_hash "pc_cached_hash" (PyObject* text) noexcept nogil
    bint is_exact_str "PyUnicode_CheckExact" (PyObject* text) noexcept nogil
    bint same_text "pc_same_text" (PyObject* a, PyObject* b) noexcept nogil
    uint32_t index_entry "pc_index_load" (const uint32_t* entry) noexcept nogil
    void index_publish "pc_index_store" (uint32_t* entry, uint32_t value) noexcept nogil

cdef struct StrEntry:               # 16 bytes: never across two cache lines
    PyObject* key                   # a strong reference; NULL: empty
    uint32_t tag                    # the low half of its hash
    int32_t id

cdef struct StrTable:
    StrTable* retired               # the smaller table before this one: a lookup may still be in it
    uint64_t mask
    StrEntry entries[1]             # mask + 1 of them

cdef struct NameTable:              # one process's pointers into the segment
    NameEntry* names
    uint32_t* index
    uint64_t index_mask
    uint64_t capacity
    uint64_t* count


cdef inline const StrTable* str_table(StrTable* const* where) noexcept nogil:
    """A table seen here is complete."""
    return <const StrTable*>load_acquire(<const uint64_t*>where)


cdef inline PyObject* entry_key(const StrEntry* entry) noexcept nogil:
    """A key seen here comes with its tag and id."""
    return <PyObject*>load_acquire(<const uint64_t*>&entry.key)


cdef inline int32_t str_find(StrTable* const* where, PyObject* symbol) noexcept nogil:
    """Return the id of an exact str whose hash is cached, or NO_SYMBOL."""
    cdef const StrTable* table = str_table(where)
    cdef uint64_t hash = <uint64_t>cached_hash(symbol)
    cdef uint64_t i = hash
    cdef const StrEntry* entry
    cdef PyObject* key
    while True:
        entry = &table.entries[i & table.mask]
        key = entry_key(entry)
        if likely(key == symbol):
            return entry.id
        if key == NULL:
            return NO_SYMBOL
        if entry.tag == <uint32_t>hash and same_text(key, symbol):
            return entry.id
        i += 1


cdef inline uint64_t name_count(const NameTable* table) noexcept nogil:
    """Every id below it has a complete name."""
    return min(load_acquire(table.count), table.capacity)     # the bound also holds in a damaged segment


cdef uint64_t name_hash(const char* name, size_t length) noexcept nogil
cdef int32_t name_find(const NameTable* table, const char* name, size_t length) noexcept nogil
cdef int32_t name_add(NameTable* table, const char* name, size_t length, uint64_t sequence) noexcept nogil
cdef int symbol_name(object symbol, const char** name, Py_ssize_t* length) except -1
cdef NameTable name_table_of(const Layout* layout) noexcept nogil


cdef class SymbolTable:
    cdef Segment segment
    cdef NameTable names
    cdef Slot* slots                # their prices and quotes, by id
    cdef StrTable* table
    cdef uint64_t str_count
    cdef uint64_t lock

    cdef int32_t find(self, object symbol) except -2
    cdef int32_t check_id(self, object symbol_id) except -1
    cdef str name_of(self, uint32_t symbol_id)
    cdef void acquire(self) noexcept nogil
    cdef void release(self) noexcept nogil
    cdef void reset_lock(self) noexcept
    cdef int32_t add(self, const char* name, size_t length, uint64_t sequence) noexcept nogil
    cdef int remember(self, object symbol, int32_t symbol_id) except -1


cdef inline int32_t symbol_find_known(StrTable* const* table, PyObject* symbol) noexcept:
    """Return the id of a str whose hash is cached and that was looked up before, or NO_SYMBOL."""
    if likely(is_exact_str(symbol) and cached_hash(symbol) != -1):
        return str_find(table, symbol)
    return NO_SYMBOL


cdef inline int32_t symbol_find(SymbolTable table, object symbol) except -2:
    """Return the id of a str, or NO_SYMBOL; never adds. The first lookup of a str object computes its hash."""
    cdef int32_t found = symbol_find_known(&table.table, <PyObject*>symbol)
    return found if likely(found >= 0) else table.find(symbol)

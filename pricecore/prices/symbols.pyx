"""Adding symbols, and the slow half of looking them up. Contract and invariants: symbols.pxd."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from pricecore.prices.slot cimport Slot
from pricecore.primitives.atomics cimport backoff, cas_acq_rel, store_release
from pricecore.primitives.segment cimport Layout, NameEntry, Segment, segment_at
from pricecore.primitives.steps cimport AT_NAME_COUNTED, AT_NAME_INDEXED, AT_NAME_WRITTEN, step
from pricecore.types cimport (
    NAME_BYTES, NO_SYMBOL, REASON_SYMBOL_EMPTY, REASON_SYMBOL_ENCODING, REASON_SYMBOL_TOO_LONG,
)

from pricecore.errors import UnknownSymbolError

cdef enum:
    FIRST_STR_ENTRIES = 1024
    SPARSE_STR_ENTRIES = 16_384     # 256 KiB: what a core's second cache has room for beside other things

cdef extern from *:
    """
    #define PC_FNV_OFFSET UINT64_C(0xCBF29CE484222325)
    #define PC_FNV_PRIME UINT64_C(0x100000001B3)
    """
    const uint64_t FNV_OFFSET "PC_FNV_OFFSET"
    const uint64_t FNV_PRIME "PC_FNV_PRIME"


cdef uint64_t name_hash(const char* name, size_t length) noexcept nogil:
    """FNV-1a, 64 bits: the documented hash of the segment's index, equal in every process."""
    cdef uint64_t mixed = FNV_OFFSET
    cdef size_t i
    for i in range(length):
        mixed = (mixed ^ <unsigned char>name[i]) * FNV_PRIME
    return mixed


cdef NameTable name_table_of(const Layout* layout) noexcept nogil:
    cdef NameTable table
    table.names = <NameEntry*>segment_at(layout, layout.offsets.names)
    table.index = <uint32_t*>segment_at(layout, layout.offsets.name_index)
    table.capacity = layout.geometry.max_symbols
    table.index_mask = 2 * table.capacity - 1
    table.count = &layout.header.symbol_count.value
    return table


cdef int32_t name_find(const NameTable* table, const char* name, size_t length) noexcept nogil:
    """Return the id of these bytes, or NO_SYMBOL."""
    cdef uint64_t i = name_hash(name, length)
    cdef uint64_t count = name_count(table)
    cdef uint64_t _
    cdef uint32_t entry
    cdef const NameEntry* stored
    for _ in range(table.index_mask + 1):
        entry = index_entry(&table.index[i & table.index_mask])
        if entry == 0:
            return NO_SYMBOL
        if entry > count:               # of a writer that died before the name counted
            i += 1
            continue
        stored = &table.names[entry - 1]
        if stored.length == length and memcmp(stored.name, name, length) == 0:
            return <int32_t>(entry - 1)
        i += 1
    return NO_SYMBOL


cdef int32_t name_add(NameTable* table, const char* name, size_t length, uint64_t sequence) noexcept nogil:
    """Give the next id to a new name (call with the lock held and room made sure of); visible last."""
    cdef uint64_t symbol_id = table.count[0]
    cdef NameEntry* entry = &table.names[symbol_id]
    cdef uint64_t i
    entry.sequence = sequence
    entry.length = length
    memset(entry.name, 0, NAME_BYTES)
    memcpy(entry.name, name, length)
    step(AT_NAME_WRITTEN)
    i = name_hash(name, length)
    while table.index[i & table.index_mask]:
        i += 1
    index_publish(&table.index[i & table.index_mask], <uint32_t>symbol_id + 1)
    step(AT_NAME_INDEXED)
    store_release(table.count, symbol_id + 1)                   # pairs with name_count
    step(AT_NAME_COUNTED)
    return <int32_t>symbol_id


cdef StrTable* new_str_table(uint64_t entries) noexcept nogil:
    cdef StrTable* table = <StrTable*>calloc(1, sizeof(StrTable) + (entries - 1) * sizeof(StrEntry))
    if table != NULL:
        table.mask = entries - 1
    return table


cdef inline bint is_crowded(uint64_t count, uint64_t entries) noexcept nogil:
    """Whether so many keys want a larger table.

    A key in its first entry is found without a branch that the processor guesses wrong, which costs as much as the
    rest of the lookup. So a small table is kept seven eighths empty; a large one half: there the cache decides."""
    return count > (entries // 8 if entries < SPARSE_STR_ENTRIES else entries // 2)


cdef void entry_publish(StrTable* table, PyObject* key, int32_t symbol_id) noexcept nogil:
    """Put a key, whose hash is cached, into the first free entry of its run; visible last."""
    cdef uint64_t hash = <uint64_t>cached_hash(key)
    cdef uint64_t i = hash
    while table.entries[i & table.mask].key != NULL:
        i += 1
    cdef StrEntry* entry = &table.entries[i & table.mask]
    entry.tag = <uint32_t>hash
    entry.id = symbol_id
    store_release(<uint64_t*>&entry.key, <uint64_t>key)         # pairs with entry_key


cdef int symbol_name(object symbol, const char** name, Py_ssize_t* length) except -1:
    """Find the UTF-8 bytes of an exact str; return the Reason for which it cannot be a symbol, or 0.

    The bytes belong to the str."""
    try:
        name[0] = PyUnicode_AsUTF8AndSize(symbol, length)
    except UnicodeEncodeError:
        return REASON_SYMBOL_ENCODING
    if length[0] == 0:
        return REASON_SYMBOL_EMPTY
    return REASON_SYMBOL_TOO_LONG if length[0] > NAME_BYTES else 0


cdef class SymbolTable:
    """Symbols of a segment: names to dense ids and back.

    Threads: any; additions take turns. Cost: a lookup allocates nothing and never waits.
    """

    def __cinit__(self, Segment segment not None):
        self.segment = segment
        self.names = name_table_of(&segment.layout)
        self.slots = <Slot*>segment_at(&segment.layout, segment.layout.offsets.slots)
        self.table = new_str_table(FIRST_STR_ENTRIES)
        if self.table == NULL:
            raise MemoryError()

    def __dealloc__(self):
        cdef StrTable* table = self.table
        cdef StrTable* older
        cdef uint64_t i
        if table != NULL:
            for i in range(table.mask + 1):             # the largest table holds every key
                Py_XDECREF(table.entries[i].key)
        while table != NULL:
            older = table.retired
            free(table)
            table = older

    cdef void acquire(self) noexcept nogil:
        """Take turns. What is done while holding it calls no Python and allocates nothing from Python."""
        cdef uint64_t free_word = 0
        cdef unsigned tries = 0
        while not cas_acq_rel(&self.lock, &free_word, 1):
            free_word = 0
            backoff(&tries)

    cdef void release(self) noexcept nogil:
        store_release(&self.lock, 0)

    cdef int32_t find(self, object symbol) except -2:
        """Look up any str, first here and then in the segment; what the segment knows is remembered here."""
        cdef Py_ssize_t length
        cdef const char* name
        cdef int32_t found
        if type(symbol) is not str:
            if not isinstance(symbol, str):
                raise TypeError(f"symbol must be a str, not {type(symbol).__name__} {symbol!r}")
            symbol = str.__str__(symbol)
        hash(symbol)
        found = str_find(&self.table, <PyObject*>symbol)
        if found >= 0:
            return found
        if symbol_name(symbol, &name, &length):
            return NO_SYMBOL
        found = name_find(&self.names, name, length)
        if found >= 0:
            self.remember(symbol, found)
        return found

    cdef int remember(self, object symbol, int32_t symbol_id) except -1:
        """Add an exact str to the private index, unless it is there."""
        cdef PyObject* key = <PyObject*>symbol
        cdef bint failed = False
        hash(symbol)                    # cached from here on
        Py_INCREF(symbol)
        self.acquire()
        if str_find(&self.table, key) >= 0:
            self.release()
            Py_XDECREF(key)
            return 0
        if is_crowded(self.str_count + 1, self.table.mask + 1):
            failed = not str_table_grow(&self.table)
        if not failed:
            entry_publish(self.table, key, symbol_id)
            self.str_count += 1
        self.release()
        if failed:
            Py_XDECREF(key)
            raise MemoryError()
        return 0

    cdef int32_t add(self, const char* name, size_t length, uint64_t sequence) noexcept nogil:
        return name_add(&self.names, name, length, sequence)

    cdef int32_t check_id(self, object symbol_id) except -1:
        """Return a symbol id that is registered; UnknownSymbolError else."""
        count = name_count(&self.names)
        number = symbol_id.__index__() if hasattr(symbol_id, "__index__") else None
        if number is None or isinstance(symbol_id, bool):
            raise TypeError(f"a symbol id is an int, not {type(symbol_id).__name__} {symbol_id!r}")
        if not 0 <= number < count:
            raise UnknownSymbolError(f"no symbol has the id {number}; ids run from 0 to {<int64_t>count - 1}")
        return number

    cdef str name_of(self, uint32_t symbol_id):
        cdef const NameEntry* entry = &self.names.names[symbol_id]
        return (<bytes>entry.name[:min(entry.length, <uint64_t>NAME_BYTES)]).decode("utf-8", "replace")

    def __len__(self):
        return name_count(&self.names)

    def list(self):
        """Return all names, by id."""
        cdef uint64_t i
        return [self.name_of(i) for i in range(name_count(&self.names))]

    def find_id(self, symbol):
        """Return the id of `symbol`, or -1."""
        return symbol_find(self, symbol)

    cdef void reset_lock(self) noexcept:
        """Free the lock in a forked child: whoever held it is not here."""
        store_release(&self.lock, 0)


cdef bint str_table_grow(StrTable** table) noexcept nogil:
    """Put a table of twice the size in place; the old one is kept, since a lookup may be in it."""
    cdef StrTable* old = table[0]
    cdef StrTable* new = new_str_table(2 * (old.mask + 1))
    cdef uint64_t i
    if new == NULL:
        return False
    for i in range(old.mask + 1):
        if old.entries[i].key != NULL:
            entry_publish(new, old.entries[i].key, old.entries[i].id)
    new.retired = old
    store_release(<uint64_t*>table, <uint64_t>new)              # pairs with str_table
    return True

"""Reading prices: no call here waits for a writer or takes a lock."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.engine.hotpath cimport CLOSED, Engine, is_open
from pricecore.prices.slot cimport WORD_PRICE, WORD_RECEIVED, Slot, slot_pair, slot_read, slot_read_word
from pricecore.prices.snapshot cimport snapshot_of
from pricecore.prices.symbols cimport SymbolTable, name_count, symbol_find
from pricecore.primitives.atomics cimport likely, unlikely
from pricecore.primitives.clock cimport Clock, clock_read, clock_ticks
from pricecore.primitives.segment cimport segment_at
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, Record

from pricecore.errors import EngineClosedError, UnknownSymbolError
from pricecore.prices.results import PriceUpdate, Quote

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

cdef Clock stopped                  # calls read the clock before they look whether the engine is open
cdef inline bint is_stale(int64_t received_ns, int64_t now_ns, double max_age_s) noexcept nogil:
    """Nothing stored is stale at any age."""
    return received_ns == 0 or now_ns - received_ns > max_age_s * 1e9


cdef object prices_of(SymbolTable symbols):
    """Return a snapshot of the very segment that these symbols are of: a view may go on to another one meanwhile."""
    return snapshot_of(
        <Slot*>segment_at(&symbols.segment.layout, symbols.segment.layout.offsets.slots),
        <int32_t>name_count(&symbols.names))


cdef Engine nobody                  # what a bare Reader() reads from: closed for ever
nobody.status = CLOSED
nobody.gate = &nobody.status
nobody.clock = &stopped


# The collector must not take the segment away in mid-cycle: until __dealloc__ the housekeeping thread and handles
# use it. No cycle needs it: what a Reader holds does not lead back to it, only a subclass's __dict__ does.
@cython.no_gc_clear
cdef class Reader:
    """Latest prices and quotes by symbol.

    Threads: any. Cost: a read repeats only while two writes of that one symbol pass; it never waits for a writer
    that was stopped or killed.
    """

    def __cinit__(self, *_, **__):
        self.engine = &nobody

    cdef int wake(self) except -1:
        """Called when the engine is not simply open."""
        raise EngineClosedError("the engine is closed; make a new PriceEngine, or call get_engine()")

    cdef int32_t known(self, object symbol) except -1:
        """Return the id of a registered symbol; UnknownSymbolError else."""
        cdef int32_t symbol_id
        if unlikely(not is_open(self.engine)):
            self.wake()
        symbol_id = symbol_find(self.symbol_table, symbol)
        if unlikely(symbol_id < 0):
            raise UnknownSymbolError(
                f"{symbol!r} is not a symbol of this engine; engine.symbols() lists them, get() and quote() take a "
                f"default")
        return symbol_id

    cdef bint latest(self, object symbol, int kind, Record* record) except -1:
        """Read the latest record of a kind; False: symbol unknown or nothing stored."""
        cdef int32_t symbol_id
        if unlikely(not is_open(self.engine)):
            self.wake()
        symbol_id = symbol_find(self.symbol_table, symbol)
        if symbol_id < 0:
            return False
        return slot_read(slot_pair(&self.engine.slots[symbol_id], kind), <uint64_t*>record)

    cdef int64_t now_ns(self) noexcept:
        return clock_read(self.engine.clock, clock_ticks(self.engine.clock)).wall_ns

    cdef int64_t newest_received_ns(self, int32_t symbol_id) noexcept nogil:
        """When the newest price or quote was taken; 0: none yet."""
        cdef uint64_t price = 0, quote = 0
        slot_read_word(slot_pair(&self.engine.slots[symbol_id], KIND_PRICE), WORD_RECEIVED, &price)
        slot_read_word(slot_pair(&self.engine.slots[symbol_id], KIND_QUOTE), WORD_RECEIVED, &quote)
        return <int64_t>max(price, quote)

    def price(self, symbol):
        """Return the latest trade price.

        Parameters
        ----------
        symbol : str

        Returns
        -------
        float

        Raises
        ------
        UnknownSymbolError
            No such symbol, or it has quotes only (a KeyError too).

        Threads: any. Cost: never waits; allocates the float.
        """
        cdef int32_t symbol_id
        cdef uint64_t word = 0
        if unlikely(not is_open(self.engine)):
            self.wake()
        symbol_id = symbol_find(self.symbol_table, symbol)
        if likely(symbol_id >= 0):
            if likely(slot_read_word(slot_pair(&self.engine.slots[symbol_id], KIND_PRICE), WORD_PRICE, &word)):
                return (<double*>&word)[0]
            raise UnknownSymbolError(f"{symbol!r} has no trade price yet; mid() and quote() read its quotes")
        return self.known(symbol)

    def mid(self, symbol):
        """Return the middle of the latest best bid and ask; NaN while one side is absent.

        Raises
        ------
        UnknownSymbolError
            No such symbol, or it has no quote.

        Threads: any. Cost: never waits; allocates the float.
        """
        cdef Record record
        if not self.latest(symbol, KIND_QUOTE, &record):
            self.known(symbol)
            raise UnknownSymbolError(f"{symbol!r} has no quote yet; price() reads its trades")
        return 0.5 * record.price + 0.5 * record.volume

    def age_s(self, symbol):
        """Return the seconds since the engine took the symbol's newest price or quote.

        Raises
        ------
        UnknownSymbolError
            No such symbol, or nothing is stored for it.

        Threads: any. Cost: never waits; allocates the float.
        """
        cdef int32_t symbol_id = self.known(symbol)
        cdef int64_t received_ns = self.newest_received_ns(symbol_id)
        if received_ns == 0:
            raise UnknownSymbolError(f"{symbol!r} has no price and no quote yet, so it has no age")
        return max(0, self.now_ns() - received_ns) / 1e9

    def stale_symbols(self, double max_age_s):
        """Return the symbols whose newest price or quote is older than `max_age_s` seconds, or missing.

        Threads: any. Cost: reads every symbol; never waits; allocates the list.
        """
        cdef int32_t i
        cdef int64_t now_ns
        if unlikely(not is_open(self.engine)):
            self.wake()
        if not max_age_s >= 0:
            raise ValueError(f"max_age_s is {max_age_s!r}; it must be zero or more seconds")
        now_ns = self.now_ns()
        return [
            self.symbol_table.name_of(i) for i in range(<int32_t>name_count(&self.symbol_table.names))
            if is_stale(self.newest_received_ns(i), now_ns, max_age_s)
        ]

    def get(self, symbol, default=None):
        """Return the latest trade of a symbol.

        Returns
        -------
        PriceUpdate or default
            `default` when the symbol is unknown or has no price.

        Threads: any. Cost: never waits; allocates the result.
        """
        cdef Record record
        cdef tuple result
        if not self.latest(symbol, KIND_PRICE, &record):
            return default
        result = new_tuple_of(PriceUpdate, 7)
        put(result, 0, symbol)
        put(result, 1, record.price)
        put(result, 2, record.volume)
        put(result, 3, record.timestamp_ns)
        put(result, 4, record.change_24h)
        put(result, 5, record.received_ns)
        put(result, 6, record.sequence)
        return result

    def quote(self, symbol, default=None):
        """Return the latest quote of a symbol.

        Returns
        -------
        Quote or default
            `default` when the symbol is unknown or has no quote.

        Threads: any. Cost: never waits; allocates the result.
        """
        cdef Record record
        cdef tuple result
        if not self.latest(symbol, KIND_QUOTE, &record):
            return default
        result = new_tuple_of(Quote, 8)
        put(result, 0, symbol)
        put(result, 1, record.price)
        put(result, 2, record.volume)
        put(result, 3, record.change_24h)
        put(result, 4, record.reserved)
        put(result, 5, record.timestamp_ns)
        put(result, 6, record.received_ns)
        put(result, 7, record.sequence)
        return result

    def __getitem__(self, symbol):
        found = self.get(symbol)
        if found is None:
            self.price(symbol)      # raises what is missing
            found = self.get(symbol)    # stored meanwhile
        return found

    def __contains__(self, symbol):
        if unlikely(not is_open(self.engine)):
            self.wake()
        return isinstance(symbol, str) and symbol_find(self.symbol_table, symbol) >= 0

    def __bool__(self):
        return True         # an engine without symbols is an engine: `engine or get_engine()` keeps it

    def __len__(self):
        if unlikely(not is_open(self.engine)):
            self.wake()
        return name_count(&self.symbol_table.names)

    def __iter__(self):
        return iter(self.symbols())

    def symbol_id(self, symbol):
        """Return the id of a registered symbol; never adds.

        Raises
        ------
        UnknownSymbolError
            `register` adds symbols.

        Threads: any. Cost: never waits, allocates nothing.
        """
        return self.known(symbol)

    def symbol(self, symbol_id):
        """Return the symbol of an id.

        Raises
        ------
        UnknownSymbolError
            No symbol has that id.

        Threads: any. Cost: never waits; allocates the str.
        """
        if unlikely(not is_open(self.engine)):
            self.wake()
        return self.symbol_table.name_of(self.symbol_table.check_id(symbol_id))

    def symbols(self):
        """Return all symbols as a list of str; the index in it is the id.

        Threads: any. Cost: never waits; allocates the list.
        """
        if unlikely(not is_open(self.engine)):
            self.wake()
        return self.symbol_table.list()

    def snapshot(self):
        """Return the latest price and quote of every symbol as an array of SNAPSHOT_DTYPE; row i is id i.

        Returns
        -------
        numpy.ndarray
            A copy; what is missing is NaN or 0. Rows are each consistent, the array is not one moment.

        Threads: any. Cost: never waits; allocates the array; releases the GIL.
        """
        if unlikely(not is_open(self.engine)):
            self.wake()
        return prices_of(self.symbol_table)

    def _table(self):
        """Return a snapshot and the symbols of its rows."""
        cdef SymbolTable symbols
        if unlikely(not is_open(self.engine)):
            self.wake()
        symbols = self.symbol_table
        prices = prices_of(symbols)
        return prices, symbols.list()[:len(prices)]     # one may be added between the two

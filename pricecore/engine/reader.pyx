"""Reading prices: no call here waits for a writer or takes a lock."""

cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint64_t

from pricecore.engine.hotpath cimport CLOSED, Engine, is_open
from pricecore.prices.results cimport price_update_of, quote_of
from pricecore.prices.slot cimport (
    WORD_PRICE, WORD_RECEIVED, slot_pair, slot_read, slot_read_word, slot_read_word_at_rest,
)
from pricecore.prices.snapshot cimport snapshot_of
from pricecore.prices.symbols cimport SymbolTable, name_count, symbol_find, symbol_find_known
from pricecore.primitives.arguments cimport Method, Parameters, put_before
from pricecore.primitives.atomics cimport FREE_THREADED, likely, unlikely
from pricecore.primitives.clock cimport Clock, clock_read, clock_ticks
from pricecore.types cimport KIND_PRICE, KIND_QUOTE, Record

from pricecore.errors import EngineClosedError, UnknownSymbolError
from pricecore.prices.results import PriceUpdate, Quote

cdef Clock stopped                  # calls read the clock before they look whether the engine is open
cdef inline bint is_stale(int64_t received_ns, int64_t now_ns, double max_age_s) noexcept nogil:
    """Nothing stored is stale at any age."""
    return received_ns == 0 or now_ns - received_ns > max_age_s * 1e9


cdef SymbolTable symbols_of_view(Reader reader):
    """As symbols_of, where no GIL keeps other threads out between loading a reference and counting it."""
    cdef SymbolTable symbols
    cdef bint is_newest
    with cython.critical_section(reader):
        is_newest, symbols = is_open(reader.engine), reader.symbol_table
    if not is_newest:
        reader.wake()
        with cython.critical_section(reader):
            symbols = reader.symbol_table
        if symbols is None:
            raise EngineClosedError("it was closed in this moment")
    return symbols


cdef inline SymbolTable symbols_of(Reader reader):
    """Return the symbols of the segment that is read now, and with them its slots.

    One reference, so that id and slot are of one segment: while a call is here another thread may make a view go on to
    the next segment, or close it. The memory stays as long as the reference.
    """
    if FREE_THREADED and reader.moves:
        return symbols_of_view(reader)
    if unlikely(not is_open(reader.engine)):
        reader.wake()
        if reader.symbol_table is None:
            raise EngineClosedError("it was closed in this moment")
    return reader.symbol_table


cdef inline bint quick_price(Reader reader, PyObject* symbol, double* price) noexcept:
    """Read the price of a str that was looked up before; False: it takes more.

    No Python runs here: with a GIL nobody can take the symbols away meanwhile, and no reference is needed. Those of an
    engine nobody ever takes away.
    """
    cdef int32_t symbol_id
    if unlikely((FREE_THREADED and reader.moves) or not is_open(reader.engine)):
        return False
    symbol_id = symbol_find_known(&reader.symbol_table.table, symbol)
    return likely(symbol_id >= 0) and slot_read_word_at_rest(
        slot_pair(&reader.symbol_table.slots[symbol_id], KIND_PRICE), WORD_PRICE, <uint64_t*>price)


cdef inline int64_t newest_received_ns(SymbolTable symbols, int32_t symbol_id) noexcept nogil:
    """When the newest price or quote was taken; 0: none yet."""
    cdef uint64_t price = 0, quote = 0
    slot_read_word(slot_pair(&symbols.slots[symbol_id], KIND_PRICE), WORD_RECEIVED, &price)
    slot_read_word(slot_pair(&symbols.slots[symbol_id], KIND_QUOTE), WORD_RECEIVED, &quote)
    return <int64_t>max(price, quote)


cdef int32_t known(SymbolTable symbols, object symbol) except -1:
    """Return the id of a registered symbol; UnknownSymbolError else."""
    cdef int32_t symbol_id = symbol_find(symbols, symbol)
    if unlikely(symbol_id < 0):
        raise UnknownSymbolError(
            f"{symbol!r} is not a symbol of this engine; engine.symbols() lists them, get() and quote() take a default")
    return symbol_id


cdef object prices_of(SymbolTable symbols):
    return snapshot_of(symbols.slots, <int32_t>name_count(&symbols.names))


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

    cdef bint latest(self, object symbol, int kind, Record* record) except -1:
        """Read the latest record of a kind; False: symbol unknown or nothing stored."""
        cdef SymbolTable symbols = symbols_of(self)
        cdef int32_t symbol_id = symbol_find(symbols, symbol)
        if symbol_id < 0:
            return False
        return slot_read(slot_pair(&symbols.slots[symbol_id], kind), <uint64_t*>record)

    cdef int64_t now_ns(self) noexcept:
        return clock_read(self.engine.clock, clock_ticks(self.engine.clock)).wall_ns

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
        return self.find_price(symbol)

    cdef double find_price(self, object symbol) except? -1.0:
        """What `price` does for a str that it has not seen yet, and where it has to raise."""
        cdef SymbolTable symbols = symbols_of(self)
        cdef int32_t symbol_id = known(symbols, symbol)
        cdef double price
        if slot_read_word(slot_pair(&symbols.slots[symbol_id], KIND_PRICE), WORD_PRICE, <uint64_t*>&price):
            return price
        raise UnknownSymbolError(f"{symbol!r} has no trade price yet; mid() and quote() read its quotes")

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
            known(symbols_of(self), symbol)
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
        cdef SymbolTable symbols = symbols_of(self)
        cdef int64_t received_ns = newest_received_ns(symbols, known(symbols, symbol))
        if received_ns == 0:
            raise UnknownSymbolError(f"{symbol!r} has no price and no quote yet, so it has no age")
        return max(0, self.now_ns() - received_ns) / 1e9

    def stale_symbols(self, double max_age_s):
        """Return the symbols whose newest price or quote is older than `max_age_s` seconds, or missing.

        Threads: any. Cost: reads every symbol; never waits; allocates the list.
        """
        cdef SymbolTable symbols = symbols_of(self)
        cdef int32_t i
        cdef int64_t now_ns
        if not max_age_s >= 0:
            raise ValueError(f"max_age_s is {max_age_s!r}; it must be zero or more seconds")
        now_ns = self.now_ns()
        return [
            symbols.name_of(i) for i in range(<int32_t>name_count(&symbols.names))
            if is_stale(newest_received_ns(symbols, i), now_ns, max_age_s)
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
        if not self.latest(symbol, KIND_PRICE, &record):
            return default
        return price_update_of(PriceUpdate, symbol, &record)

    def quote(self, symbol, default=None):
        """Return the latest quote of a symbol.

        Returns
        -------
        Quote or default
            `default` when the symbol is unknown or has no quote.

        Threads: any. Cost: never waits; allocates the result.
        """
        cdef Record record
        if not self.latest(symbol, KIND_QUOTE, &record):
            return default
        return quote_of(Quote, symbol, &record)

    def __getitem__(self, symbol):
        found = self.get(symbol)
        if found is None:
            self.price(symbol)      # raises what is missing
            found = self.get(symbol)    # stored meanwhile
        return found

    def __contains__(self, symbol):
        cdef SymbolTable symbols = symbols_of(self)
        return isinstance(symbol, str) and symbol_find(symbols, symbol) >= 0

    def __bool__(self):
        return True         # an engine without symbols is an engine: `engine or get_engine()` keeps it

    def __len__(self):
        return name_count(&symbols_of(self).names)

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
        return known(symbols_of(self), symbol)

    def symbol(self, symbol_id):
        """Return the symbol of an id.

        Raises
        ------
        UnknownSymbolError
            No symbol has that id.

        Threads: any. Cost: never waits; allocates the str.
        """
        cdef SymbolTable symbols = symbols_of(self)
        return symbols.name_of(symbols.check_id(symbol_id))

    def symbols(self):
        """Return all symbols as a list of str; the index in it is the id.

        Threads: any. Cost: never waits; allocates the list.
        """
        return symbols_of(self).list()

    def snapshot(self):
        """Return the latest price and quote of every symbol as an array of SNAPSHOT_DTYPE; row i is id i.

        Returns
        -------
        numpy.ndarray
            A copy; what is missing is NaN or 0. Rows are each consistent, the array is not one moment.

        Threads: any. Cost: never waits; allocates the array; releases the GIL.
        """
        return prices_of(symbols_of(self))

    def _table(self):
        """Return a snapshot and the symbols of its rows."""
        cdef SymbolTable symbols = symbols_of(self)
        prices = prices_of(symbols)
        return prices, symbols.list()[:len(prices)]     # one may be added between the two


cdef Parameters price_parameters


cdef object price_as_given(Reader self, PyObject** args, Py_ssize_t count, PyObject* keywords):
    """`price` itself, of a str that was looked up before; anything else by way of Cython's parse."""
    cdef double price
    if likely(count == 1 and keywords == NULL and quick_price(self, args[0], &price)):
        return price
    return price_parameters.parsed(self, args, count, keywords)


put_before(Reader, "price", <Method>price_as_given, &price_parameters)

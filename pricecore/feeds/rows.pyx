"""Rows of a CSV table, decoded in one pass over their cells.

A row with a price gives an `update`, one with a bid or an ask an `update_quote`; an empty cell is not given, and a bid
or an ask of 0 is an absent side. Cells may be quoted; a quote inside is doubled.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport NAN
from libc.stdint cimport int64_t
from libc.string cimport memcmp

from pricecore.feeds.cells cimport CELL_OPEN, Cell, short_decimal, split_row, unquote
from pricecore.feeds.lines cimport Stamp
from pricecore.feeds.sink cimport Sink
from pricecore.feeds.timestamps cimport TIME_OK, TimeReader, time_error

from pricecore.errors import MalformedError

ROLE_NAMES = ("symbol", "price", "volume", "bid", "ask", "bid_size", "ask_size", "change", "time")
"""What a column can hold."""

MAX_COLUMNS = 512
"""Columns that a table may have."""


@cython.final
cdef class Columns:
    """Which cell of a row holds what.

    Parameters
    ----------
    count : int
        Cells of every row, 1 to 512.
    places : mapping
        From names in `ROLE_NAMES` to the place of the cell, from 0.
    delimiter : str
        One ASCII character.
    divisors : mapping
        From names in `ROLE_NAMES` to what the number in the cell is divided by; 1 by default.
    times : TimeReader, optional
        Reads the times.
    partial : bool
        Whether a quote with one side keeps the other as it was, instead of taking it away.

    Threads: any.
    Cost: one pass over the row.
    """

    def __init__(
        self, int count, places, str delimiter not None=",", divisors=(), TimeReader times=None, partial=False
    ):
        if not 1 <= count <= MAX_CELLS:
            raise ValueError(f"a table has 1 to {MAX_CELLS} columns, not {count}")
        self.count = count
        self.delimiter = delimiter
        self.separator = ord(delimiter)
        self.times = TimeReader() if times is None else times
        self.partial = partial
        factors = dict(divisors)
        for role, name in enumerate(ROLE_NAMES):
            self.places[role] = places.get(name, NO_CELL)
            self.divisors[role] = factors.get(name, 1.0)

    def cells(self, bytes row not None):
        """Return the cells of a row as text; raise `MalformedError` when a quote is not closed."""
        cdef Cell[MAX_CELLS] cells
        cdef int count = self.split(PyBytes_AS_STRING(row), PyBytes_GET_SIZE(row), cells, MAX_CELLS)
        if count < 0:
            raise MalformedError("a quote is not closed, or does not end its cell")
        return [text_of(&cells[i]) for i in range(min(count, MAX_CELLS))]

    cdef int split(self, const char* row, Py_ssize_t size, Cell* cells, int limit) noexcept nogil:
        """Fill in the first `limit` cells and return how many there are in all, or CELL_OPEN."""
        return split_row(row, size, self.separator, cells, limit)


@cython.final
cdef class RowStamp(Stamp):
    """The time of a row is that in its cell; a row without one came with the row before it."""

    def __init__(self, Columns columns not None):
        self.columns = columns

    cdef int64_t take_off(self, const char** line, Py_ssize_t* size, int64_t before) noexcept nogil:
        cdef Cell[MAX_CELLS] cells
        cdef int place = self.columns.places[ROLE_TIME]
        cdef int outcome = TIME_OK
        cdef int64_t time_ns
        if place == NO_CELL or self.columns.split(line[0], size[0], cells, place + 1) != self.columns.count:
            return before
        unquote(&cells[place])
        time_ns = self.columns.times.read(cells[place].text, cells[place].size, &outcome)
        return time_ns if outcome == TIME_OK and time_ns else before


@cython.final
cdef class RowDecoder:
    """The decoder of the rows of one source.

    Parameters
    ----------
    sink : Sink
        Receives the updates and counts them.
    columns : Columns
        Which cell holds what.
    symbol : str
        Of all rows, where no column names it.
    headers : int
        Rows at the start that name the columns.

    Threads: one.
    Cost: 0.2 to 0.4 us a row, beside the update.
    """

    def __init__(self, Sink sink not None, Columns columns not None, str symbol not None="", int headers=0):
        self.sink = sink
        self.columns = columns
        self.symbol = symbol
        self.headers = headers

    def decode(self, bytes row not None):
        """Hand the prices of one row on; return how many there were. As `formats.Decode`."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(row)
        cdef int count
        if not row.isascii():
            row.decode()
        count = self.columns.split(PyBytes_AS_STRING(row), size, self.cells, MAX_CELLS)
        if count == 1 and self.cells[0].size == 0:
            return 0
        if self.headers:
            self.headers -= 1
            return 0
        if count == CELL_OPEN:
            raise MalformedError("a quote is not closed, or does not end its cell")
        if count != self.columns.count:
            raise MalformedError(f"{count} cells where a row has {self.columns.count}")
        return self.hand_on()

    cdef int hand_on(self) except -1:
        cdef int64_t time_ns = self.time_ns()
        cdef object name = self.name()
        return self.trade(name, time_ns) + self.quote(name, time_ns)

    cdef object name(self):
        """Return the engine's name of the row's symbol: that of the row before, mostly."""
        cdef int place = self.columns.places[ROLE_SYMBOL]
        cdef Cell* cell
        if place == NO_CELL:
            return self.sink.names[self.symbol]
        cell = &self.cells[place]
        if (self.last_symbol is not None and PyBytes_GET_SIZE(self.last_symbol) == cell.size
                and memcmp(PyBytes_AS_STRING(self.last_symbol), cell.text, cell.size) == 0):
            return self.last_name
        self.last_symbol = cell.text[:cell.size]
        self.last_name = self.sink.names[text_of(cell)]
        return self.last_name

    cdef int64_t time_ns(self) except? -1:
        cdef int place = self.columns.places[ROLE_TIME]
        cdef int outcome = TIME_OK
        cdef int64_t time_ns
        if place == NO_CELL:
            return 0
        unquote(&self.cells[place])
        time_ns = self.columns.times.read(self.cells[place].text, self.cells[place].size, &outcome)
        if outcome != TIME_OK:
            raise time_error(self.cells[place].text, self.cells[place].size, outcome)
        return 0 if self.columns.times.of_day and not self.columns.times.dated else time_ns

    cdef int trade(self, object name, int64_t time_ns) except -1:
        cdef double price, volume, change
        if not self.number(ROLE_PRICE, &price):
            return 0
        if not self.number(ROLE_VOLUME, &volume):
            volume = 0.0
        if not self.number(ROLE_CHANGE, &change):
            change = NAN
        self.sink.update(name, price, volume, time_ns, change)
        self.sink.trades += 1
        return 1

    cdef int quote(self, object name, int64_t time_ns) except -1:
        cdef double bid, ask, bid_size, ask_size
        if not (self.side(ROLE_BID, ROLE_BID_SIZE, &bid, &bid_size)
                | self.side(ROLE_ASK, ROLE_ASK_SIZE, &ask, &ask_size)):
            return 0
        self.sink.update_quote(name, bid, ask, bid_size, ask_size, time_ns, self.columns.partial)
        self.sink.quotes += 1
        return 1

    cdef int side(self, int role, int size_role, double* price, double* size) except -1:
        """Read one side of a quote; False when it is absent."""
        if not self.number(size_role, size):
            size[0] = 0.0
        if self.number(role, price) and price[0] != 0.0:
            return True
        price[0], size[0] = NAN, 0.0
        return False

    cdef int number(self, int role, double* value) except -1:
        """Read the number of a cell; False when there is none."""
        cdef int place = self.columns.places[role]
        cdef Cell* cell
        if place == NO_CELL:
            return False
        cell = &self.cells[place]
        unquote(cell)
        if cell.size == 0:
            return False
        if not short_decimal(cell.text, cell.size, value):
            value[0] = any_number(cell)
        value[0] /= self.columns.divisors[role]
        return True


cdef object text_of(Cell* cell):
    text = cell.text[:cell.size].decode("utf-8")
    if text[:1] != '"':
        return text
    return text.rstrip(" ").removeprefix('"').removesuffix('"').replace('""', '"').strip(" ")


cdef double any_number(Cell* cell) except? -1.0:
    text = cell.text[:cell.size]
    if b"_" in text:                # Python reads 1_000 as a number; no table means it
        raise MalformedError(f"{text[:40].decode('utf-8', 'backslashreplace')!r} is not a number")
    return float(text)

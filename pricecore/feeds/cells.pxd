"""Level 6: the cells of a CSV row, found in place, and plain numbers in them, without the GIL."""

from libc.stdint cimport uint64_t

cdef enum:
    CELL_OPEN = -1                  # instead of a number of cells: a quote is not closed, or does not end its cell
    EXACT_DIGITS = 22               # powers of ten up to this one are doubles without error

cdef struct Cell:
    const char* text
    Py_ssize_t size

cdef extern from *:
    """
    static const double pc_exact_powers[] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    #define PC_EXACT_BELOW_16TH (1ull << 49)  /* another digit makes it less than 2 ** 53 */
    """
    const double* EXACT "pc_exact_powers"
    const uint64_t EXACT_BELOW_16TH "PC_EXACT_BELOW_16TH"


cdef inline const char* behind_quotes(const char* at, const char* end) noexcept nogil:
    """Return what follows a quoted cell and the spaces after it; NULL when it is not closed."""
    at += 1
    while at < end:
        if at[0] == c'"':
            if at + 1 == end or at[1] != c'"':
                at += 1
                while at < end and at[0] == c" ":
                    at += 1
                return at
            at += 1
        at += 1
    return NULL


cdef inline Py_ssize_t trimmed(const char* start, const char* end) noexcept nogil:
    while end > start and (end - 1)[0] == c" ":
        end -= 1
    return end - start


cdef inline void unquote(Cell* cell) noexcept nogil:
    """Take the quotes off a cell that holds no doubled ones, as numbers and times never do."""
    if cell.size and cell.text[0] == c'"':
        cell.size = trimmed(cell.text, cell.text + cell.size) - 2
        cell.text += 1


cdef inline int split_row(
    const char* row, Py_ssize_t size, char separator, Cell* cells, int limit
) noexcept nogil:
    """Fill in the first `limit` cells of a row and return how many there are in all, or CELL_OPEN."""
    cdef const char* at = row
    cdef const char* end = row + size
    cdef const char* start
    cdef int count = 0
    while end > row and ((end - 1)[0] == c"\r" or (end - 1)[0] == c"\n"):
        end -= 1
    while True:
        while at < end and at[0] == c" ":
            at += 1
        start = at
        if at < end and at[0] == c'"':
            at = behind_quotes(at, end)
            if at == NULL or (at < end and at[0] != separator):
                return CELL_OPEN
        else:
            while at < end and at[0] != separator:
                at += 1
        if count < limit:
            cells[count] = Cell(start, trimmed(start, at))
        count += 1
        if at >= end:
            return count
        at += 1


cdef inline bint short_decimal(const char* text, Py_ssize_t size, double* value) noexcept nogil:
    """Read `[-]digits[.digits]` exactly; False for what has more digits than a double, or another form.

    Both whole number and power of ten are doubles without error, so their quotient is rounded once, as by `float`
    (W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990).
    """
    cdef uint64_t digits = 0
    cdef Py_ssize_t i = 1 if text[0] == c"-" else 0
    cdef Py_ssize_t first = i
    cdef Py_ssize_t point = -1
    while i < size:
        if text[i] == c"." and point < 0 and i > first:
            point = i
        elif c"0" <= text[i] <= c"9" and digits < EXACT_BELOW_16TH:
            digits = digits * 10 + <uint64_t> (text[i] - c"0")
        else:
            return False
        i += 1
    if size == first or size - first > EXACT_DIGITS:
        return False
    value[0] = <double> digits
    if point >= 0:
        value[0] /= EXACT[size - point - 1]
    if first:
        value[0] = -value[0]
    return True

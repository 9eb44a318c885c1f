"""Level 5: the rows of a batch into the stream, without the GIL."""

from libc.stdint cimport uint64_t

from pricecore.engine.chunk cimport Chunk, Rows
from pricecore.engine.hotpath cimport Engine, Tally

cdef enum Progress:
    ROWS_DONE = 0
    ROWS_WAIT = 1                   # a chunk finds no room
    ROWS_SHUT = 2                   # the engine is not open any more


cdef Progress publish_rows(
    Engine* engine, const Rows* rows, uint64_t symbols, Chunk* chunk, Tally* tally) noexcept nogil

"""What plain stores of a single update rely on: for who has the GIL, and finds no batch writing, all stands still."""

from libc.stdint cimport uint64_t

from pricecore.delivery.ring cimport TAKEN, cell_stamp, ring_cell, ring_claim, ring_sequence, ring_void, ring_wait_lap
from pricecore.engine.closing cimport begin_writing, end_writing
from pricecore.engine.core cimport EngineCore
from pricecore.engine.hotpath cimport Engine, is_alone
from pricecore.primitives.atomics cimport load_relaxed

cdef enum:
    STEPS = 20_000                      # tens of microseconds: a thread that let the GIL go is awake again by then


cdef bint stands_still(Engine* engine, uint64_t ticket) noexcept nogil:
    """Whether nobody takes a ticket for a while; call with the GIL, and keep it."""
    cdef int _
    for _ in range(STEPS):
        if ring_sequence(&engine.ring) != ticket:
            return False
    return True


def watch(EngineCore engine not None, int looks=200):
    """Return how often we were alone, how often a batch was writing, and how often somebody wrote although alone."""
    cdef uint64_t ticket
    cdef int alone = 0, beside = 0, wrong = 0
    cdef int _
    for _ in range(looks):
        ticket = ring_sequence(&engine.state.ring)
        if not is_alone(&engine.state):
            beside += 1
            continue
        ticket = ring_sequence(&engine.state.ring)
        if stands_still(&engine.state, ticket):
            alone += 1
        else:
            wrong += 1
        with nogil:
            pass
    return alone, beside, wrong


cdef void publish_void(Engine* engine, uint64_t rows) noexcept nogil:
    cdef uint64_t first = 0, _
    for _ in range(rows):
        if ring_claim(&engine.ring, 1, &first) == TAKEN:
            ring_wait_lap(&engine.ring, first)
            ring_void(&engine.ring, first)


def late_batch(EngineCore engine not None, uint64_t rows):
    """A broken twin: it says that it writes once it has let the GIL go, which another thread was waiting for."""
    cdef int _
    for _ in range(STEPS):
        load_relaxed(engine.state.ring.ticket)
    with nogil:
        begin_writing(&engine.state, 0)
        publish_void(&engine.state, rows)
        end_writing(&engine.state, 0)


def is_last_published(EngineCore engine not None):
    """Whether the last ticket is; makes no object."""
    cdef uint64_t last = ring_sequence(&engine.state.ring)
    return cell_stamp(ring_cell(&engine.state.ring, last)) == last

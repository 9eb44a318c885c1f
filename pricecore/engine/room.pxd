"""Level 5: waiting for room in a ring that consumers hold. Only a writer that finds the ring full comes here; it
holds no slot and no ticket, and lets go of the GIL while it sleeps."""

from libc.stdint cimport int64_t, uint64_t

from pricecore.delivery.holding cimport HolderTable
from pricecore.engine.hotpath cimport Engine

cdef struct Patience:               # of one update, or one chunk of a batch
    bint begun
    int64_t begun_ns


cdef enum Room:
    ROOM_REFUSED = 0                # the slowest consumer lets nobody wait, or not any longer
    ROOM_FOUND = 1
    ROOM_CLOSED = 2                 # the engine is not open any more


cdef Room find_room(const Engine* engine, HolderTable table, uint64_t n, Patience* patience) except *

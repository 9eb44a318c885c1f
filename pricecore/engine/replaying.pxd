"""Level 5: records of a log into an open engine, beside whatever else its threads do.

Source      ours
Contract    into an empty engine with the sequences, ids and times that were recorded, as long as nobody else writes:
            from another's first record on, and into any other engine from the start, with new sequences and receive
            times, and with the ids that the names have there. The order of times is not checked again.
Progress    as a batch: 64 tickets at once, lock-free but for a stall of a whole lap; nothing is waited for while a slot
            is held. A hole in the log is taken as one claim, however long it is: while nobody holds the ring.
Invariants  a kept sequence is claimed by a swap from the last one that went in: it fails when somebody else has
            written. So all cells of the last lap are complete, and the ids of names are those of the log. With the
            symbol table's lock from the claim on, nobody takes the id of a name that follows.
            A hole longer than the ring is claimed with the lock of the consumers: none of them can come meanwhile and
            believe in a ring that has no more than one lap between two looks (holding.pxd, Orderings).
"""

cimport numpy as cnp
from libc.stdint cimport uint64_t

from pricecore.engine.core cimport EngineCore
from pricecore.engine.hotpath cimport Tally
from pricecore.eventlog.applying cimport Target, Verdict
from pricecore.types cimport Record

cdef enum Progress:
    REPLAY_DONE = 0
    REPLAY_WAIT = 1                 # no room for `wanted` records
    REPLAY_SHUT = 2                 # the engine is not open any more
    REPLAY_MOVED = 3                # somebody else has written: sequences cannot be kept
    REPLAY_SYMBOL = 4               # a name comes next, which only the registrar can take
    REPLAY_DAMAGED = 5

cdef struct Pass:                   # one array on its way in
    const Record* records
    uint64_t count
    uint64_t next                   # how many are in
    uint64_t position               # the log's sequence of the last one that went in
    uint64_t chunk                  # records claimed at once
    uint64_t wanted
    uint64_t known                  # symbols of the log that have an id here
    Verdict verdict                 # of the record at `next`


cdef class Replay:
    cdef EngineCore core
    cdef Target target
    cdef Pass ahead
    cdef readonly bint keeps_sequence
    cdef cnp.ndarray ids            # by the log's id the engine's; when sequences are not kept

    cdef Progress run(self, Tally* tally) except *
    cdef int publish(self, Tally* tally) except -1
    cdef int part(self) except -1
    cdef int introduce(self) except -1
    cdef int name_next(self, bytes name) except -1
    cdef int no_room(self) except -1
    cdef int tell_shut(self) except -1

"""Replaying a log into an open engine. Contract: replaying.pxd."""

import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from pricecore.delivery.holding cimport HELD_BY_NONE, Holders, holders_lock, holders_unlock
from pricecore.delivery.ring cimport (
    NO_ROOM, NOT_YET, TAKEN, Claim, Ring, ring_claim, ring_limit, ring_sequence, ring_take, ring_wait_lap,
)
from pricecore.delivery.symbol_record cimport SymbolRecord
from pricecore.engine.batch_updater cimport count_batch
from pricecore.engine.chunk cimport CHUNK_ROWS
from pricecore.engine.closing cimport begin_short, begin_writing, end_short, end_writing
from pricecore.engine.hotpath cimport Engine, is_open, latency_since
from pricecore.engine.room cimport Patience
from pricecore.eventlog.applying cimport (
    APPLIED, ID_NOT_NEXT, NAME_LENGTH, NAME_NOT_UTF8, NOT_ASCENDING, TABLE_FULL, TARGET_SHARED, UNKNOWN_KIND,
    UNKNOWN_SYMBOL, apply_records, as_records, damaged, target_of, void_rest,
)
from pricecore.prices.slot cimport SEQUENCE
from pricecore.prices.symbols cimport SymbolTable, name_count
from pricecore.primitives.atomics cimport fence_release, likely, load_payload, load_relaxed, unlikely
from pricecore.primitives.clock cimport clock_read, clock_ticks
from pricecore.primitives.waiting cimport wake_readers
from pricecore.types cimport (
    KIND_QUOTE, KIND_SYMBOL, KIND_VOID, NAME_BYTES, REASON_RING_FULL, head_kind, head_symbol,
)

from pricecore.errors import EngineClosedError, RingFullError, SymbolTableFullError

cnp.import_array()


cdef inline uint64_t updates_in(const Record* records, uint64_t n) noexcept nogil:
    cdef uint64_t i, found = 0
    for i in range(n):
        found += records[i].kind <= <uint16_t>KIND_QUOTE
    return found


cdef Claim claim_long(Ring* ring, Holders* holders, uint64_t taken, uint64_t last) noexcept nogil:
    """Claim more than a lap; NO_ROOM: somebody holds the ring. NOT_YET: somebody else has taken a ticket."""
    cdef Claim claim = NO_ROOM
    holders_lock(holders)
    if ring_limit(ring) == HELD_BY_NONE:
        claim = TAKEN if ring_take(ring, &taken, last - taken) else NOT_YET
    holders_unlock(holders)
    return claim


cdef Claim claim_up_to(Ring* ring, Holders* holders, uint64_t taken, uint64_t last) noexcept nogil:
    """Claim the tickets behind `taken` up to `last`, if nobody else has taken one; as claim_long."""
    cdef Claim claim
    if ring_sequence(ring) != taken:
        return NOT_YET
    if unlikely(last - taken > ring.capacity):
        claim = claim_long(ring, holders, taken, last)
    elif last > ring_limit(ring):
        return NO_ROOM
    else:
        claim = TAKEN if ring_take(ring, &taken, last - taken) else NOT_YET
    fence_release()                         # cell stores stay behind the claim: see ring.pxd
    return claim


cdef Progress keep_chunk(
    Engine* engine, Holders* holders, SymbolTable table, Target* target, Pass* ahead, Tally* tally
) noexcept nogil:
    """Publish the next records under the sequences that they have."""
    cdef const Record* first = ahead.records + ahead.next
    cdef uint64_t n = min(ahead.chunk, ahead.count - ahead.next), applied = 0
    cdef uint64_t last = load_relaxed(&first[n - 1].sequence)
    cdef Claim claim
    if last >= SEQUENCE // 2 or last < target.position + n:
        ahead.verdict = NOT_ASCENDING
        return REPLAY_DAMAGED
    table.acquire()
    claim = claim_up_to(&engine.ring, holders, target.position, last)
    if likely(claim == TAKEN):
        ahead.verdict = apply_records(target, first, n, last, &applied)
        if unlikely(target.position < last):
            void_rest(target, last)
        ahead.known = name_count(&target.names)
    table.release()
    ahead.wanted = last - target.position
    ahead.next += applied
    tally.published += updates_in(first, applied)
    if unlikely(claim != TAKEN):
        return REPLAY_WAIT if claim == NO_ROOM else REPLAY_MOVED
    ahead.position = last
    wake_readers(engine.waits, engine.bell)
    return REPLAY_DONE if ahead.verdict == APPLIED else REPLAY_DAMAGED


cdef uint64_t fill_chunk(const int32_t* ids, Pass* ahead, int64_t received_ns, Record* chunk) noexcept nogil:
    """Collect the next updates with the ids and the time of this engine, up to a name or what cannot be; return how
    many. `next` and `position` go on as if they were in."""
    cdef const uint64_t* record
    cdef uint64_t filled = 0, sequence, head
    cdef uint16_t kind
    while ahead.next < ahead.count and filled < ahead.chunk:
        record = <const uint64_t*>(ahead.records + ahead.next)
        sequence, head = load_relaxed(&record[0]), load_relaxed(&record[1])
        kind = head_kind(head)
        if sequence <= ahead.position or sequence >= SEQUENCE // 2:
            ahead.verdict = NOT_ASCENDING
        elif kind == KIND_SYMBOL:
            return filled
        elif kind > KIND_QUOTE and kind != KIND_VOID:
            ahead.verdict = UNKNOWN_KIND
        elif kind <= KIND_QUOTE and head_symbol(head) >= ahead.known:
            ahead.verdict = UNKNOWN_SYMBOL
        if unlikely(ahead.verdict != APPLIED):
            return filled
        if likely(kind <= KIND_QUOTE):
            load_payload(<uint64_t*>&chunk[filled], record)
            chunk[filled].symbol_id, chunk[filled].kind = <uint32_t>ids[head_symbol(head)], kind
            chunk[filled].received_ns = received_ns
            filled += 1
        ahead.position = sequence
        ahead.next += 1
    return filled


cdef Progress renew_chunk(
    Engine* engine, Target* target, const int32_t* ids, Pass* ahead, Tally* tally
) noexcept nogil:
    """Publish the next records under new sequences."""
    cdef Record chunk[CHUNK_ROWS]
    cdef Pass before = ahead[0]
    cdef uint64_t k, first = 0, applied, filled
    filled = fill_chunk(ids, ahead, clock_read(engine.clock, clock_ticks(engine.clock)).wall_ns, chunk)
    if filled == 0:
        if ahead.verdict != APPLIED:
            return REPLAY_DAMAGED
        return REPLAY_DONE if ahead.next == ahead.count else REPLAY_SYMBOL
    ahead.verdict = APPLIED                 # of one behind these: found again
    if unlikely(ring_claim(&engine.ring, filled, &first) != TAKEN):
        ahead[0] = before
        ahead.wanted = filled
        return REPLAY_WAIT
    for k in range(filled):
        ring_wait_lap(&engine.ring, first + k)      # of writers with lower tickets alone
        chunk[k].sequence = first + k
    target.position = first - 1
    apply_records(target, chunk, filled, first + filled - 1, &applied)
    tally.published += filled
    wake_readers(engine.waits, engine.bell)
    return REPLAY_DONE


@cython.final
cdef class Replay:
    """One log on its way into an engine.

    Threads: one at a time; other threads may do with the engine what they like. Cost: see `apply`.
    """

    def __cinit__(self, EngineCore core not None):
        core.begin_update()
        end_short(core.engine, core.index)
        self.core = core
        self.target = target_of(core.engine.layout, TARGET_SHARED)
        self.keeps_sequence = self.target.position == 0 and name_count(&self.target.names) == 0
        self.ids = np.empty(0, np.int32)

    def apply(self, records, where="records", at_once=False):
        """Publish these records.

        Parameters
        ----------
        records : ndarray of RECORD_DTYPE
            With ascending sequences; some may be missing.
        where : object
            What errors call their place.
        at_once : bool
            Take all kept sequences as one: for the records of a state, between which many are missing.

        Returns
        -------
        int
            Updates among them.

        Raises
        ------
        LogCorruptError
            No engine can have written a record; those before it are published.
        RingFullError
            A consumer holds the ring and lets nobody wait any longer.
        EngineClosedError, WrongProcessError, SymbolTableFullError
            As an update.

        Cost: releases the GIL, waits for room as a batch; some 20 ns a record, more when the symbols do not fit the
        processor's cache.
        """
        cdef cnp.ndarray array = as_records(records)
        cdef uint64_t begin = clock_ticks(self.core.engine.clock), whole_ns
        cdef Tally tally
        memset(&tally, 0, sizeof(Tally))
        self.ahead.records = <const Record*>cnp.PyArray_DATA(array)
        self.ahead.count, self.ahead.next, self.ahead.verdict = <uint64_t>len(array), 0, APPLIED
        self.ahead.chunk = max(1, self.ahead.count) if at_once and self.keeps_sequence else CHUNK_ROWS
        try:
            self.publish(&tally)
        finally:
            whole_ns = latency_since(self.core.engine, begin, clock_read(self.core.engine.clock, begin).scale)
            if tally.published and begin_short(self.core.engine, self.core.index):
                count_batch(&self.core.meter, &tally, tally.published, whole_ns)
                end_short(self.core.engine, self.core.index)
        if self.ahead.verdict == TABLE_FULL:
            raise SymbolTableFullError(
                f"the log holds more than {self.target.names.capacity:,} symbols: replay it into an engine made with a "
                f"larger max_symbols", "symbol_table_full")
        if self.ahead.verdict != APPLIED:
            raise damaged(self.ahead.verdict, self.ahead.records[self.ahead.next].sequence, self.ahead.next, where)
        return tally.published

    cdef int publish(self, Tally* tally) except -1:
        """Publish the array up to its end, or up to what cannot be (`ahead.verdict`)."""
        cdef Patience patience
        cdef Progress progress
        cdef uint64_t waiting = SEQUENCE    # for the chunk that begins at this record
        while self.ahead.next < self.ahead.count:
            progress = self.run(tally)
            if progress == REPLAY_DAMAGED:
                return 0
            if progress == REPLAY_MOVED:
                self.part()
            elif progress == REPLAY_SYMBOL:
                self.introduce()
            elif progress == REPLAY_SHUT:
                self.tell_shut()
            elif progress == REPLAY_WAIT:
                if waiting != self.ahead.next:
                    waiting, patience.begun = self.ahead.next, False
                if self.ahead.wanted > self.target.ring.capacity or not self.core.await_room(
                        self.ahead.wanted, &patience):
                    self.no_room()
        return 0

    cdef Progress run(self, Tally* tally) except *:
        """Publish chunks without the GIL, up to one that cannot be."""
        cdef Engine* engine = self.core.engine
        cdef Holders* holders = &self.core.holders.holders
        cdef const int32_t* ids = <const int32_t*>cnp.PyArray_DATA(self.ids)
        cdef SymbolTable table = self.core.symbol_table
        cdef int handle = self.core.index
        cdef Progress progress = REPLAY_DONE
        # Begun with the GIL: whoever has it next knows that a batch is writing (is_alone).
        if not begin_writing(engine, handle):
            return REPLAY_SHUT
        with nogil:
            while progress == REPLAY_DONE and self.ahead.next < self.ahead.count:
                if not is_open(engine):
                    progress = REPLAY_SHUT
                elif self.keeps_sequence:
                    progress = keep_chunk(engine, holders, table, &self.target, &self.ahead, tally)
                else:
                    progress = renew_chunk(engine, &self.target, ids, &self.ahead, tally)
            end_writing(engine, handle)
        return progress

    cdef int part(self) except -1:
        """Keep the log's sequences no longer. The ids of its names up to here are the engine's."""
        self.keeps_sequence = False
        self.ahead.chunk = CHUNK_ROWS
        self.ids = np.arange(max(self.ahead.known, <uint64_t>1024), dtype=np.int32)
        return 0

    cdef int introduce(self) except -1:
        """Take the name of the SYMBOL record that is next."""
        cdef SymbolRecord record = (<const SymbolRecord*>self.ahead.records)[self.ahead.next]
        if not 0 < record.length <= <int>NAME_BYTES:
            self.ahead.verdict = NAME_LENGTH
        elif record.symbol_id > self.ahead.known:
            self.ahead.verdict = ID_NOT_NEXT
        elif record.symbol_id == self.ahead.known:
            self.name_next(record.name[:record.length])
        if self.ahead.verdict == APPLIED:
            self.ahead.position = record.sequence
            self.ahead.next += 1
        return 0

    cdef int name_next(self, bytes name) except -1:
        """Give the log's next symbol its id here."""
        try:
            symbol = name.decode()
        except UnicodeDecodeError:
            self.ahead.verdict = NAME_NOT_UTF8
            return 0
        symbol_id = self.core.register_one(symbol)
        if self.ahead.known == <uint64_t>len(self.ids):
            self.ids = np.resize(self.ids, max(1024, 2 * len(self.ids)))
        self.ids[self.ahead.known] = symbol_id
        self.ahead.known += 1
        return 0

    cdef int no_room(self) except -1:
        """Say which consumer holds the ring."""
        if self.ahead.wanted > self.target.ring.capacity:
            raise RingFullError(
                f"{self.ahead.wanted:,} sequences are taken at once, since records are missing before "
                f"{self.ahead.records[self.ahead.next].sequence:,}, and a consumer holds the ring of "
                f"{self.target.ring.capacity:,}: let it come afterwards")
        raise self.core.error_of(REASON_RING_FULL, "", {})

    cdef int tell_shut(self) except -1:
        """Say that the engine was closed in the middle; return when it may go on, in a forked child."""
        try:
            return self.core.wake_to_write()
        except EngineClosedError as error:
            raise EngineClosedError(
                f"{error}; {self.ahead.next:,} of the {self.ahead.count:,} records of this block are in it") from None

"""Adding symbols: an id, and a SYMBOL record in the stream before anyone can use it."""

import numpy as np

from libc.stdint cimport int32_t, uint64_t

from pricecore.delivery.ring cimport NOT_YET, TAKEN, Claim, ring_claim_ready, ring_fill, ring_publish
from pricecore.delivery.symbol_record cimport SymbolRecord, fill_symbol_record
from pricecore.engine.closing cimport end_short
from pricecore.engine.hotpath cimport is_open
from pricecore.engine.room cimport Patience
from pricecore.prices.symbols cimport name_count, name_find, symbol_find, symbol_name
from pricecore.primitives.atomics cimport backoff
from pricecore.primitives.steps cimport AT_SYMBOL_CLAIMED, AT_SYMBOL_FILLED, AT_SYMBOL_PUBLISHED, step
from pricecore.types cimport REASON_RING_FULL, REASON_SYMBOL_TABLE_FULL

from pricecore.metrics.log import warn_throttled


cdef class Registrar(BatchUpdater):
    """An updater that takes new symbols."""

    cdef int32_t add_symbol(self, object symbol, int* reason, uint64_t* ticket, bint patient) except -2:
        cdef Patience patience
        cdef int32_t symbol_id = self.add_at_once(symbol, reason, ticket)
        patience.begun = False
        while patient and reason[0] == REASON_RING_FULL:
            patient = self.await_room(1 if ticket == NULL else 2, &patience)
            if patient:
                symbol_id = self.add_at_once(symbol, reason, ticket)
        return symbol_id

    cdef int32_t add_at_once(self, object symbol, int* reason, uint64_t* ticket) except -2:
        """Give a new symbol an id, and publish its SYMBOL record before anyone can use the id.

        From the claim on, until the caller has published under `ticket`, no Python runs: a thread that waits for
        an open ticket may hold the GIL. So the private index learns of the symbol at its next lookup.
        """
        cdef Py_ssize_t length = 0
        cdef const char* name
        cdef uint64_t sequence = 0
        cdef int32_t symbol_id
        symbol = str.__str__(symbol)                        # an exact str, also of a subclass such as numpy's
        reason[0] = symbol_name(symbol, &name, &length)
        if reason[0]:
            return -1
        self.warn_of_room()
        self.begin_update()                                 # again: logging may have closed the engine
        self.symbol_table.acquire()
        symbol_id = name_find(&self.symbol_table.names, name, length)
        if symbol_id < 0:                                   # else another thread was faster
            if name_count(&self.symbol_table.names) == self.symbol_table.names.capacity:
                reason[0] = REASON_SYMBOL_TABLE_FULL
            elif not self.claim_waiting(1 if ticket == NULL else 2, &sequence):
                reason[0] = REASON_RING_FULL
            else:
                if ticket != NULL:
                    ticket[0] = sequence + 1
                symbol_id = self.publish_symbol(name, length, sequence)
        self.symbol_table.release()
        if ticket == NULL or ticket[0] == 0:                # else the update goes on
            end_short(self.engine, self.index)
        return symbol_id

    cdef int32_t publish_symbol(self, const char* name, size_t length, uint64_t sequence) noexcept:
        """Give a new name its id and its record. Call with the table's lock."""
        cdef SymbolRecord record
        cdef int32_t symbol_id
        step(AT_SYMBOL_CLAIMED)
        symbol_id = self.symbol_table.add(name, length, sequence)
        fill_symbol_record(&record, sequence, symbol_id, name, length)
        ring_fill(&self.engine.ring, <uint64_t*>&record)
        step(AT_SYMBOL_FILLED)
        ring_publish(&self.engine.ring, sequence)
        step(AT_SYMBOL_PUBLISHED)
        return symbol_id

    cdef bint claim_waiting(self, uint64_t n, uint64_t* first) noexcept nogil:
        """Take n sequences whose cells are free; False: no room. Waits for a writer a lap behind, holds no slot."""
        cdef Claim claim = NOT_YET
        cdef unsigned tries = 0
        while claim == NOT_YET:
            claim = ring_claim_ready(&self.engine.ring, n, first)
            if claim == NOT_YET:
                backoff(&tries)
        return claim == TAKEN

    cdef int warn_of_room(self) except -1:
        """Say once that the symbol table is filling up."""
        cdef uint64_t used = name_count(&self.symbol_table.names)
        cdef uint64_t capacity = self.symbol_table.names.capacity
        if not self.warned_of_room and used * 10 >= capacity * 8:
            self.warned_of_room = True
            warn_throttled("symbol_table_room", f"{used:,} of {capacity:,} places of the symbol table are taken; "
                           f"beyond that updates of new symbols are refused (option max_symbols)")

    cdef int32_t register_one(self, object symbol) except -1:
        cdef int reason = 0
        cdef int32_t symbol_id = symbol_find(self.symbol_table, symbol)
        if symbol_id < 0:
            symbol_id = self.add_symbol(symbol, &reason, NULL, True)
        if reason:
            raise self.error_of(reason, symbol, {})
        return symbol_id

    def register(self, symbols):
        """Add symbols and return their ids: an int for a str, an int32 array for a sequence of str.

        Raises
        ------
        InvalidUpdateError
            A symbol is empty, too long or not encodable; those before it in the sequence are registered.
        SymbolTableFullError
            No place is left.
        RingFullError
            As `update`.

        Threads: any of the writer process. Cost: takes turns with other additions; publishes a SYMBOL record for
        each new one; at a full ring it waits as `update` does.
        """
        if not is_open(self.engine):
            self.wake_to_write()
        if isinstance(symbols, str):
            return self.register_one(symbols)
        return np.array([self.register_one(symbol) for symbol in symbols], np.int32)

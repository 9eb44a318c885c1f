"""Level 6: the compiled part of `Feed`: what runs once for each message."""

from libc.stdint cimport int64_t

from pricecore.engine.updater cimport Updater


cdef class Guard:
    cdef Updater writer
    cdef readonly int64_t stored            # updates that became the latest of their symbol
    cdef readonly int64_t out_of_order      # older than the stored one of their symbol and kind
    cdef readonly dict refused              # reason -> how many
    cdef readonly object last_refused       # the newest refusal in words; None: none yet

    cdef bint put_trade(
        self, object symbol, object price, object volume, object timestamp_ns, object change_24h) except -1
    cdef bint put_quote(
        self, object symbol, object bid, object ask, object bid_size, object ask_size, object timestamp_ns,
        object partial) except -1
    cdef bint count(self, bint stored) noexcept
    cdef int refuse(self, str reason, object error) except -1


cdef class Intake:
    cdef Guard guard
    cdef object decode
    cdef int64_t heard_ns                   # of the steady clock, at the newest message; 0: none yet
    cdef readonly int64_t received
    cdef readonly int64_t ignored
    cdef readonly int64_t malformed
    cdef readonly object last_malformed     # the newest such message and why, in words; None: none yet

    cdef void hear(self, int64_t received_ns) noexcept
    cdef object spoil(self, object data, object error)

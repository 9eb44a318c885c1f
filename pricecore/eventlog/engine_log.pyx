"""The log of an engine: how far it is, marks of the source, waiting for what is durable."""

cimport cython
from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t

from cpython.exc cimport PyErr_CheckSignals

from pricecore.delivery.ring cimport ring_sequence
from pricecore.eventlog.following cimport (
    Progress, add_bell, kick, leave_mark, progress_durable, progress_over, remove_bell, settled_mark,
    sleep_until_durable,
)
from pricecore.eventlog.format cimport MAX_POSITION_BYTES
from pricecore.primitives.atomics cimport load_acquire, load_relaxed, store_relaxed
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns

from pricecore.errors import EngineClosedError


cdef int64_t deadline_ns(object timeout_s) except -1:
    if timeout_s is None:
        return INT64_MAX
    if not 0 <= timeout_s <= 1e9:
        raise ValueError(f"timeout_s is {timeout_s!r}; it must be 0 to 1e9 seconds, or None")
    return clock_ns(CLOCK_STEADY) + <int64_t>(<double>timeout_s * 1e9)


@cython.no_gc_clear             # as LogLife
cdef class LogCore(LogLife):
    """What `EngineLog` is made of; see there."""

    cdef int check_failed(self, bint begun) except -1:
        """Raise what ended the log."""
        if load_acquire(&self.thread.progress.failed):      # the error was noted before: pairs with `end`
            raise self.failure()
        if begun and progress_over(&self.thread.progress):
            raise EngineClosedError("the engine was closed, and its log with it")
        return 0

    @property
    def durable_sequence(self):
        """The last record that survives what `durability` names: see pricecore/eventlog/FORMAT.md."""
        return progress_durable(&self.thread.progress)

    @property
    def written_sequence(self):
        """The last record that the system has taken."""
        return load_acquire(&self.thread.progress.written)      # a count alone: pairs with nothing else

    @property
    def synced_sequence(self):
        """The last record that is known to be on the disk."""
        return load_relaxed(&self.thread.progress.synced)

    @property
    def error(self):
        """The LogReadOnlyError that ended the log, or None."""
        return self.failure() if load_acquire(&self.thread.progress.failed) else None   # pairs with `end`

    @property
    def closed(self):
        """True once nothing more will be written."""
        return bool(progress_over(&self.thread.progress))

    @property
    def source_position(self):
        """The position last given to `mark`; before that, the one that the log held when it was opened; b"": none."""
        return self.position

    def mark(self, position):
        """Say that all records published so far come from before this position of the source.

        Parameters
        ----------
        position : bytes
            Whatever finds the place again: an offset, a message id, JSON. At most 4,096 bytes.

        Raises
        ------
        TypeError, ValueError
            It is not bytes, or too long.
        LogReadOnlyError
            The log has failed. EngineClosedError: the engine was closed.

        Threads: any; of several marks before a commit the last one counts. Cost: a copy; the disk is not waited for.
        """
        cdef const unsigned char[::1] place
        if not isinstance(position, bytes):
            raise TypeError(f"a source position is bytes, not {type(position).__name__} {position!r:.100}")
        if not 1 <= len(position) <= <int>MAX_POSITION_BYTES:
            raise ValueError(
                f"a source position has 1 to {<int>MAX_POSITION_BYTES:,} bytes, this one has {len(position)}")
        self.check_process()
        self.check_failed(True)
        place = position
        leave_mark(
            &self.thread, ring_sequence(&self.holders.holders.ring), <const char*>&place[0], place.shape[0])
        self.position = position

    def wait_durable(self, sequence=None, timeout_s=None):
        """Wait until a record, and all before it, survive what `durability` names.

        Parameters
        ----------
        sequence : int, optional
            By default that of the last record so far.
        timeout_s : float, optional
            0 to 1e9; None: as long as it takes.

        Returns
        -------
        bool
            False: the time is over.

        Raises
        ------
        LogReadOnlyError
            The log failed before. EngineClosedError: the engine was closed before.
        TypeError, ValueError
            `sequence` or `timeout_s` is out of its range.

        Threads: any, also several. Cost: sleeps without the GIL; Ctrl-C ends it.
        """
        cdef int64_t until_ns = deadline_ns(timeout_s)
        cdef uint64_t wanted = self.wanted(sequence)
        self.check_process()
        if progress_durable(&self.thread.progress) < wanted:
            kick(&self.thread)
        while progress_durable(&self.thread.progress) < wanted:
            self.check_over(wanted)
            if clock_ns(CLOCK_STEADY) >= until_ns:
                return False
            with nogil:
                sleep_until_durable(&self.thread, wanted, until_ns)
            PyErr_CheckSignals()
        return True

    cdef int check_over(self, uint64_t wanted) except -1:
        """Raise when the record will never be durable; the last commit may have come just before the end."""
        if progress_over(&self.thread.progress) and progress_durable(&self.thread.progress) < wanted:
            self.check_failed(True)
        return 0

    def _check_over(self, wanted):
        self.check_process()
        self.check_over(wanted)

    def _check_failed(self):
        self.check_process()
        self.check_failed(True)

    cdef uint64_t wanted(self, object sequence) except? 0:
        if sequence is None:
            return ring_sequence(&self.holders.holders.ring)
        if not isinstance(sequence, int) or isinstance(sequence, bool):
            raise TypeError(f"sequence must be an int, not {sequence!r}")
        if not 0 <= sequence < 1 << 63:
            raise ValueError(f"sequence is {sequence}; it must lie between 0 and 2**63 - 1")
        return sequence

    def _wanted(self, sequence):
        """Return what a wait for this record, None for the last one so far, waits for."""
        return self.wanted(sequence)

    def _published(self):
        """Return the last sequence given out."""
        return ring_sequence(&self.holders.holders.ring)

    def _settled(self):
        """Return the source position that the log holds, then the last sequence that it holds: no position is later."""
        cdef char[MAX_POSITION_BYTES] place
        cdef uint64_t sequence = 0
        cdef uint32_t length = settled_mark(&self.thread, place, &sequence)
        return <bytes>place[:length], max(sequence, load_acquire(&self.thread.progress.written))

    def _segment(self):
        """Return the engine's segment, and the number of this writer of the log."""
        return self.holders.segment, self.thread.log.origin.generation

    def _log_id(self):
        return <bytes>(<char*>self.thread.log.origin.log_id)[:16]

    def _kick(self):
        kick(&self.thread)

    def _want_sync(self, sequence):
        """Have the thread sync the file up to this sequence."""
        store_relaxed(&self.thread.sync_wanted, sequence)
        kick(&self.thread)

    def _add_bell(self, int descriptor):
        """Ring at this eventfd whenever the log is further; False: there are too many."""
        return bool(add_bell(&self.thread, descriptor))

    def _remove_bell(self, int descriptor):
        remove_bell(&self.thread, descriptor)

    def _counts(self):
        """Return blocks, bytes, syncs, missing records, first sequence of the live file, by name."""
        cdef const Progress* progress = &self.thread.progress
        return {
            "blocks": load_relaxed(&progress.blocks), "bytes_written": load_relaxed(&progress.bytes),
            "syncs": load_relaxed(&progress.syncs), "gap_records": load_relaxed(&progress.gap_records),
            "live_file": load_relaxed(&progress.live_file),
        }

    def _commit_latency(self):
        """Return LatencyStats of the last commits."""
        return self.commits.stats()

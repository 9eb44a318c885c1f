"""The thread behind the ring of an engine: its birth, its death, and the files that it leaves to be synced."""

import os

cimport cython
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from pricecore.delivery.holding cimport Full, HolderTable, REGISTERED, holder_leave, holder_register
from pricecore.delivery.ring cimport ring_copy_published, ring_sequence
from pricecore.eventlog.appender cimport (
    SEALED_PLACES as MOST_SEALED, Appender, DURABLE_MEMORY, Durability, Sealed, appender_begin, appender_gap,
    appender_note_synced, appender_take_sealed, appender_write, place_set,
)
from pricecore.eventlog.following cimport (
    BELLS, LogThread, ask_to_stop, await_end, follow_ring, has_ended, kick, note_seal_error, start_progress,
)
from pricecore.eventlog.format cimport GAP_NEVER_LOGGED, MAX_BLOCK_RECORDS
from pricecore.eventlog.log_file cimport close_log_file, file_close, process_id, sync_data, sync_names
from pricecore.metrics.latency cimport LatencyBuffer
from pricecore.prices.symbols cimport NameTable, SymbolTable
from pricecore.primitives.atomics cimport load_relaxed, store_relaxed, store_release
from pricecore.primitives.segment cimport Figure, Segment, figure_set
from pricecore.types cimport RECORD_WORDS

from pricecore.errors import EngineClosedError, LogReadOnlyError, WrongProcessError

cdef extern from "Python.h" nogil:
    const unsigned long PYTHREAD_INVALID_THREAD_ID
    unsigned long PyThread_start_new_thread(void (*body)(void*) noexcept nogil, void* argument)

cdef extern from "housekeeping.h" nogil:
    ctypedef struct Signals "pc_signals":
        pass
    void signals_block "pc_signals_block" (Signals* before) noexcept
    void signals_restore "pc_signals_restore" (const Signals* before) noexcept

cdef enum:
    CATCH_UP_RECORDS = 256      # at once, on the stack

FIGURE_NAMES = (
    b"log_written_sequence", b"log_durable_sequence", b"log_backlog", b"log_bytes", b"log_gap_records", b"log_failed",
    b"log_synced_sequence", b"log_blocks", b"log_syncs", b"log_durability")
COMMITS = 4_096         # of which the latency is reported
SEALED_PLACES = MOST_SEALED    # files that may wait for their sync
DURABILITIES = ("memory", "os", "disk")     # in the order of enum Durability
FULL = ("wait", "raise", "skip")            # in the order of enum Full


@cython.no_gc_clear             # __dealloc__ waits for the thread, which uses all of this
cdef class LogLife:
    """What `LogCore` begins and ends with."""

    def __cinit__(self, HolderTable holders not None, SymbolTable symbols not None, opened, options, *_):
        cdef int i
        memset(&self.thread, 0, sizeof(LogThread))
        self.holders, self.options, self.pid = holders, options, process_id()
        self.folder, self.lock = opened.folder, opened.lock
        self.path, self.position = opened.path, opened.position
        self.commits = LatencyBuffer(COMMITS)
        self.thread.log.file.descriptor = -1
        for i in range(BELLS):
            self.thread.bells[i] = -1
        self.furnish(opened, symbols.names)

    cdef int furnish(self, object opened, NameTable names) except -1:
        cdef Appender* log = &self.thread.log
        cdef const unsigned char[::1] log_id = opened.log_id
        cdef const unsigned char[::1] position = opened.position
        cdef Segment segment = self.holders.segment
        log.folder = self.folder.descriptor
        log.durability = <Durability><int>DURABILITIES.index(self.options.durability)
        memcpy(log.origin.log_id, &log_id[0], 16)
        log.origin.generation = opened.generation
        log.names, log.hands_over = names, True
        log.rotate_bytes, log.rotate_ns = self.options.rotate_bytes, int((self.options.rotate_s or 0) * 1e9)
        if position.shape[0]:
            place_set(log, <const char*>&position[0], position.shape[0])
            self.thread.settled.length = position.shape[0]
            memcpy(self.thread.settled.bytes, &position[0], position.shape[0])
        self.thread.skips = self.options.full == "skip"
        # Room is given free by the block: four of them let writers go on while one is being written.
        self.thread.most = <uint64_t>max(1, min(<uint64_t>MAX_BLOCK_RECORDS, self.holders.holders.ring.capacity // 4))
        self.thread.interval_ns = int(self.options.commit_interval_s * 1e9)
        self.thread.commits, self.thread.commit_capacity = self.commits.samples_, self.commits.capacity
        self.thread.commits_recorded = self.commits.recorded
        self.thread.commits_position = self.commits.position
        for i, name in enumerate(FIGURE_NAMES):
            self.thread.figures[i] = segment.figure(name)
            figure_set(<Figure*>self.thread.figures[i], 0.0)
        if self.thread.skips or log.durability == DURABLE_MEMORY:
            self.thread.buffer = <uint64_t*>calloc(MAX_BLOCK_RECORDS * RECORD_WORDS, sizeof(uint64_t))
            if self.thread.buffer == NULL:
                raise MemoryError("no memory for the log's buffer")
        return 0

    def __dealloc__(self):
        cdef Sealed left
        if self.pid == process_id():
            with nogil:
                self.stop()
            while appender_take_sealed(&self.thread.log, &left):
                close_log_file(left.descriptor)
        # Else a child: the thread is not here, and may have had the lock of the sealed files.
        file_close(&self.thread.log.file)
        free(self.thread.buffer)

    def _begin(self, last_sequence):
        """Begin the first file behind `last_sequence`, write what the ring holds beyond it, start the thread.

        Nobody writes the ring meanwhile. Raises LogReadOnlyError.
        """
        cdef uint64_t last = last_sequence
        cdef Appender* log = &self.thread.log
        cdef bint good
        with nogil:
            good = appender_begin(log, last + 1, last) and self.catch_up(last)
        if not good:
            raise self.failure()
        self.register_at_ring()
        try:
            self.start()
        finally:
            if not self.started:
                self.abandon()

    cdef void abandon(self) noexcept:
        """Without a thread: hold nothing, so that the next writer of the segment finds nobody in its way."""
        holder_leave(&self.thread.holder)
        file_close(&self.thread.log.file)

    cdef bint catch_up(self, uint64_t last) noexcept nogil:
        """Log the records beyond `last` that a writer before us left in the ring, and a gap for those it overwrote."""
        cdef Appender* log = &self.thread.log
        cdef uint64_t ticket = ring_sequence(&self.holders.holders.ring)
        cdef uint64_t capacity = self.holders.holders.ring.capacity
        cdef uint64_t[CATCH_UP_RECORDS * RECORD_WORDS] records
        cdef uint32_t count
        if ticket > last + capacity:
            last = ticket - capacity
            if not appender_gap(log, last, GAP_NEVER_LOGGED):
                return False
        while last < ticket:
            count = <uint32_t>ring_copy_published(
                &self.holders.holders.ring, last, records, min(ticket - last, <uint64_t>CATCH_UP_RECORDS))
            if count == 0:                  # a ticket that repair left open: never seen, and no reason for a hole
                return appender_gap(log, ticket, GAP_NEVER_LOGGED)
            if not appender_write(log, records, count, NULL):
                return False
            last += count
        return True

    cdef int register_at_ring(self) except -1:
        cdef Full full = <Full><int>FULL.index(self.options.full)
        cdef bytes name = b"log"
        if holder_register(
                &self.thread.holder, &self.holders.holders, name, len(name), full,
                int(self.options.full_timeout_s * 1e9)) != REGISTERED:
            raise EngineClosedError("the engine was closed before its log was opened")
        return 0

    cdef int start(self) except -1:
        cdef Signals before
        cdef unsigned long thread
        start_progress(&self.thread)
        signals_block(&before)              # a new thread inherits the mask: there is no moment without it
        thread = PyThread_start_new_thread(follow_ring, &self.thread)
        signals_restore(&before)
        if thread == PYTHREAD_INVALID_THREAD_ID:
            raise RuntimeError("the system gave no thread for the event log; see `ulimit -u`")
        self.started = True
        return 0

    cdef void stop(self) noexcept nogil:
        """Write what is published, close the file, and be gone. Any thread; a second call waits as well."""
        if self.started:
            ask_to_stop(&self.thread)
            await_end(&self.thread)

    cdef object failure(self):
        """Return the error that ended the log, or None."""
        cdef const Appender* log = &self.thread.log
        if log.error == 0:
            return None
        call = (<bytes>log.failed_call).decode()
        return LogReadOnlyError(
            log.error, f"{call} failed at byte {log.failed_offset} of {log.failed_file:020d}.log "
            f"({os.strerror(log.error)}); the log takes no more records, the engine goes on without it",
            str(self.path))

    cdef int check_process(self) except -1:
        if self.pid != process_id():
            raise WrongProcessError(f"this log is written by process {self.pid}, this is its child {process_id()}")
        return 0

    def _seal_next(self):
        """Sync and close the oldest sealed file that waits for it; False: none does. One thread at a time."""
        cdef bint found
        with nogil:                         # no signal handler cuts it short: each file is synced, in its turn
            found = self.seal_next()
        return bool(found)

    cdef bint seal_next(self) noexcept nogil:
        cdef Sealed sealed
        cdef int error
        if not appender_take_sealed(&self.thread.log, &sealed):
            return False
        error = sync_data(sealed.descriptor)
        close_log_file(sealed.descriptor)
        if error == 0:
            error = sync_names(self.thread.log.folder)
        if load_relaxed(&self.thread.seal_error):       # what comes behind a lost file is worth nothing
            return True
        if error == 0:
            store_relaxed(&self.thread.log.seal_synced, sealed.last_sequence)
            return True
        self.thread.seal_failed_file, self.thread.seal_failed_bytes = sealed.first_sequence, sealed.bytes
        store_release(&self.thread.seal_error, error)   # pairs with note_seal_error
        kick(&self.thread)
        return True

    def _note_late_seals(self):
        """Once the thread is gone: say what came of the sealed files that it left. Call as `_seal_next`."""
        if not has_ended(&self.thread):
            return
        if note_seal_error(&self.thread):
            store_release(&self.thread.progress.failed, 1)      # pairs with check_failed
        appender_note_synced(&self.thread.log)
        store_relaxed(&self.thread.progress.synced, self.thread.log.file.synced_sequence)

    def _let_go(self):
        """Close the folder, and give the right to write it to others; the thread is gone."""
        self.folder.close()
        self.lock.close()

    def _stop(self):
        """Write what is published, close the file, and be gone."""
        with nogil:
            self.stop()

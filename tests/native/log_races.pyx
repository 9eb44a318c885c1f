"""What the log's thread tells others, before the thread sanitizer: plain words beside it that its orders must protect.

The words of `Progress` are atomic, and the sanitizer is silent about atomics whatever their order. So the thread here
writes plain witnesses before what it tells, and who is told reads them: of each record, of the error that ended the
log, and of the thread's last access. The accessors are those of following.pxd; the stores are as in following.pyx,
or broken. tests/eventlog/test_log_threads.py runs the real thread there.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from pricecore.eventlog.following cimport LogThread, has_ended, progress_durable, progress_over
from pricecore.primitives.aligned cimport aligned_free, aligned_zeroed
from pricecore.primitives.atomics cimport backoff, fetch_add_relaxed, load_relaxed, store_relaxed, store_release

cdef enum:
    EARLY_DURABLE = 1
    RELAXED_DURABLE = 2
    RELAXED_OVER = 3
    EARLY_END = 4
    RELAXED_END = 5
    PLAIN_LOOK = 1


cdef class LogRace:
    """A log's thread and some that wait for it; they meet before they begin, by words that order nothing."""

    cdef LogThread thread
    cdef uint64_t* records              # a witness of each
    cdef uint64_t last                  # of the thread's last access
    cdef uint64_t count
    cdef uint64_t size
    cdef uint64_t arrived

    def __cinit__(self, uint64_t waiters, uint64_t count):
        memset(&self.thread, 0, sizeof(LogThread))
        self.size, self.count = waiters + 1, count
        self.records = <uint64_t*> aligned_zeroed(8 * (count + 1))
        if self.records == NULL:
            raise MemoryError()

    def __dealloc__(self):
        aligned_free(self.records)

    cdef void meet(self) noexcept nogil:
        cdef unsigned tries = 0
        fetch_add_relaxed(&self.arrived, 1)
        while load_relaxed(&self.arrived) < self.size:
            backoff(&tries)


cdef inline void commit(LogRace race, uint64_t sequence, int broken) noexcept nogil:
    if broken == EARLY_DURABLE:
        store_release(&race.thread.progress.durable, sequence)
    race.records[sequence] = sequence
    if broken == RELAXED_DURABLE:
        store_relaxed(&race.thread.progress.durable, sequence)
    elif broken != EARLY_DURABLE:
        store_release(&race.thread.progress.durable, sequence)


cdef inline void end(LogRace race, int broken) noexcept nogil:
    race.thread.log.error = 5
    if broken == RELAXED_OVER:
        store_relaxed(&race.thread.progress.over, 1)
    else:
        store_release(&race.thread.progress.over, 1)
    if broken == EARLY_END:
        store_release(&race.thread.progress.ended, 1)
    race.last = 7
    if broken == RELAXED_END:
        store_relaxed(&race.thread.progress.ended, 1)
    elif broken != EARLY_END:
        store_release(&race.thread.progress.ended, 1)


def write(LogRace race, int broken=0):
    """Commit all records, and end."""
    cdef uint64_t sequence
    with nogil:
        race.meet()
        for sequence in range(1, race.count + 1):
            commit(race, sequence, broken)
        end(race, broken)


cdef inline uint64_t look(LogRace race, int broken) noexcept nogil:
    return load_relaxed(&race.thread.progress.durable) if broken else progress_durable(&race.thread.progress)


def wait(LogRace race, int broken=0):
    """Return how many records were seen while the log went on, and how many witnesses were wrong."""
    cdef uint64_t seen = 0, durable, sequence
    cdef int64_t wrong = 0
    cdef unsigned tries = 0
    with nogil:
        race.meet()
        while not progress_over(&race.thread.progress):
            durable = look(race, broken)
            for sequence in range(seen + 1, durable + 1):
                wrong += race.records[sequence] != sequence
            seen = max(seen, durable)
        wrong += race.thread.log.error != 5
        while not has_ended(&race.thread):
            backoff(&tries)
        wrong += race.last != 7
    return seen, wrong

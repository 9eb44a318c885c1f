"""Level 4: the thread behind the ring: takes what is published, commits it in groups, says how far it is.

Source      group commit: D. DeWitt and others, "Implementation Techniques for Main Memory Database Systems", SIGMOD
            1984: whatever has come while the last commit was under way goes into the next one together.
Contract    one thread of the C library runs `follow_ring`, without the GIL and without a Python thread state, until it
            is asked to stop and has written everything, or a write fails: then it lets the ring go, and the engine
            goes on without it. Others look at `progress`, leave marks, ask for syncs, and kick it out of its sleep.
Progress    writers of the ring wait for this thread only when the ring is full of what it has not taken (`full`).
            Who waits for a record to be durable sleeps on `turn`.
Invariants  taken >= written >= synced; durable is one of them, by durability. All only grow. A mark stands in the log
            behind the last record before it, unless a later one was written before the mark came.
Orderings   What is durable, or `over`, is stored (release) before `turn` moves (release fence, read-modify-write), and
            `sleepers` is looked at behind that. Who waits counts itself among the sleepers (read-modify-write), notes
            the turn (acquire), looks, and sleeps in that turn: one of the two sees the other.
            `failed` and what the error was are stored before `over` (release): who sees that (acquire) sees those.
            `ended` (release) comes after the thread's last access to anything; who sees it (acquire) may free it all.
            (The wake behind it takes the word's address alone.) `stop` is stored (release) before a kick, of which the
            thread notes the number first: it sees the order, or does not sleep.
            What others count or look up is in `progress`, each word by itself: of two figures one may be newer.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from pricecore.delivery.holding cimport Holder
from pricecore.eventlog.appender cimport Appender
from pricecore.eventlog.format cimport MAX_POSITION_BYTES
from pricecore.primitives.atomics cimport load_acquire, load_relaxed

cdef enum:
    BELLS = 8                       # event loops that wait

cdef enum:                          # figures in the segment, for views
    FIGURE_WRITTEN = 0
    FIGURE_DURABLE = 1
    FIGURE_BACKLOG = 2
    FIGURE_BYTES = 3
    FIGURE_GAP_RECORDS = 4
    FIGURE_FAILED = 5
    FIGURE_SYNCED = 6
    FIGURE_BLOCKS = 7
    FIGURE_SYNCS = 8
    FIGURE_DURABILITY = 9           # enum Durability + 1; 0: the writer has no log
    LOG_FIGURES = 10

cdef struct Progress:               # what others see
    uint64_t taken
    uint64_t written
    uint64_t synced
    uint64_t durable
    uint64_t blocks
    uint64_t bytes
    uint64_t syncs
    uint64_t gap_records
    uint64_t live_file              # first sequence
    uint64_t turn                   # moves with any of these, and at the end
    uint64_t sleepers               # threads that wait for it
    uint64_t failed                 # 1: an error ended the log
    uint64_t over                   # 1: nothing more will be written
    uint64_t ended                  # 1: the thread is gone

cdef struct Mark:                   # a position of the source, on its way into the log
    uint64_t sequence               # of the last record that comes from before it
    uint32_t length
    bint waiting
    char bytes[MAX_POSITION_BYTES]

cdef struct LogThread:
    Appender log
    Holder holder
    Progress progress
    bint skips                      # full="skip": the ring does not wait for us
    uint32_t most                   # records of a block
    int64_t interval_ns
    uint64_t stop
    uint64_t kicks                  # the word that it sleeps on
    uint64_t sync_wanted            # up to this sequence
    uint64_t seal_error             # of whoever syncs sealed files
    uint64_t seal_failed_file       # its first sequence
    uint64_t seal_failed_bytes
    uint64_t lock                   # of marks and bells
    Mark mark
    Mark settled                    # the last one that is in the log
    int bells[BELLS]                # eventfds; -1: none
    uint64_t* buffer                # NULL: blocks are written from the ring
    uint32_t buffered
    int64_t buffered_ns             # since when
    uint64_t* commits               # window of latencies, for metrics
    uint64_t commit_capacity
    uint64_t* commits_recorded
    uint64_t* commits_position
    void* figures[LOG_FIGURES]


cdef inline uint64_t progress_durable(const Progress* progress) noexcept nogil:
    """Records up to this one survive what the durability says; pairs with `publish`."""
    return load_acquire(&progress.durable)


cdef inline bint progress_over(const Progress* progress) noexcept nogil:
    """Nothing will be written any more, and why not is known; pairs with `end`."""
    return load_acquire(&progress.over) != 0


cdef inline uint64_t progress_turn(const Progress* progress) noexcept nogil:
    return load_acquire(&progress.turn)     # before the look at what is durable: pairs with `publish`


cdef inline bint has_ended(const LogThread* thread) noexcept nogil:
    """The thread touches nothing any more."""
    return load_acquire(&thread.progress.ended) != 0


cdef inline uint64_t stop_asked(const LogThread* thread) noexcept nogil:
    return load_acquire(&thread.stop)       # what was published before the order is seen: pairs with ask_to_stop


cdef void follow_ring(void* argument) noexcept nogil
cdef void kick(LogThread* thread) noexcept nogil
cdef void ask_to_stop(LogThread* thread) noexcept nogil
cdef void await_end(LogThread* thread) noexcept nogil
cdef void leave_mark(LogThread* thread, uint64_t sequence, const char* bytes, uint32_t length) noexcept nogil
cdef uint32_t settled_mark(LogThread* thread, char* bytes, uint64_t* sequence) noexcept nogil
cdef void start_progress(LogThread* thread) noexcept nogil
cdef bint note_seal_error(LogThread* thread) noexcept nogil
cdef bint add_bell(LogThread* thread, int descriptor) noexcept nogil
cdef void remove_bell(LogThread* thread, int descriptor) noexcept nogil
cdef void sleep_until_durable(LogThread* thread, uint64_t sequence, int64_t until_ns) noexcept nogil

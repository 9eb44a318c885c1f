"""Level 5: `close` beside calls of other threads: when it returns, nothing of the engine is written any more.

Contract    closing frees the segment for a writer in another process, so nothing of ours may write to it from then
            on. What writes without the GIL (a batch) lies between begin_writing and end_writing; `close` waits until
            nobody is there. In between runs no Python, and nobody waits for room: a signal handler may call `close`,
            and would wait for its own thread. On a build with a GIL begin_writing is called before the GIL is let
            go: who has the GIL and finds `writing` 0 is the only writer as long as it keeps it (is_alone).
            What holds the GIL from its look at the status to its last store is a short write, from begin_short to
            end_short. `close` cannot run beside it, so on a build with a GIL begin_short is that look alone. Without
            a GIL a short write is counted like a batch. A single update looks once (is_open) behind the last call
            that may run Python; without a GIL it is counted from its ticket on (update_begins).
            With a GIL one word counts all, so that is_alone is one load. Without, each writer handle has its own
            (`writers`): one for all would go from core to core with every update.
            Of several threads in `close` each takes all steps: none returns before all is done.
Progress    begin and end are wait-free. `close` waits for a chunk of each batch, which waits for no GIL.
Invariants  the sum of the words is the number of threads between begin and end. A call may end in another word than it
            began in: the first update of a symbol begins in the engine's, and a handle may be closed meanwhile. A
            forked child sets all to 0.
Orderings   begin_writing: read-modify-write of a word, fence, load of the status. close_writers: exchange of the
            status, fence; then loads of every word. One of the two sees the other: of a call that goes on, and saw the
            engine open, the begin is in what is loaded, and no end is. Of others both are, or the begin alone: the sum
            is never less than the calls that go on, although its words are not loaded at one moment. end_writing
            (release) pairs with is_written (acquire): what was written is complete before the lock is freed; and with
            is_alone (acquire): the plain stores of a single update come behind those of every batch before. A batch
            that begins later got the GIL behind them.
"""

from libc.stdint cimport uint64_t

from pricecore.engine.hotpath cimport CLOSED, Engine, is_open
from pricecore.primitives.atomics cimport (
    FREE_THREADED, exchange_seq_cst, fence_behind_rmw, fence_release, fetch_add_relaxed, likely, load_acquire,
    store_relaxed,
)
from pricecore.primitives.segment cimport HANDLE_COUNT


cdef inline uint64_t* writing_word(Engine* engine, int handle) noexcept nogil:
    """Where the calls of this writer handle are counted."""
    return &engine.writers[handle].value if FREE_THREADED else &engine.writing


cdef inline void end_writing(Engine* engine, int handle) noexcept nogil:
    fence_release()
    fetch_add_relaxed(writing_word(engine, handle), <uint64_t>-1)


cdef inline bint begin_writing(Engine* engine, int handle) noexcept nogil:
    """From here on `close` waits for us; False: the engine is not open, and nothing of it may be touched.

    Call with the GIL, where there is one, whether or not it is let go until end_writing."""
    fetch_add_relaxed(writing_word(engine, handle), 1)
    fence_behind_rmw()
    if likely(is_open(engine)):
        return True
    end_writing(engine, handle)
    return False


cdef inline bint begin_short(Engine* engine, int handle) noexcept nogil:
    """As begin_writing, for what holds the GIL and runs no Python until end_short."""
    return begin_writing(engine, handle) if FREE_THREADED else is_open(engine)


cdef inline void end_short(Engine* engine, int handle) noexcept nogil:
    if FREE_THREADED:
        end_writing(engine, handle)


cdef inline bint update_begins(Engine* engine, int handle, uint64_t ticket) noexcept nogil:
    """begin_short of an update that has seen the engine open; one with a ticket began when it took that."""
    return (ticket != 0 or begin_writing(engine, handle)) if FREE_THREADED else True


cdef inline void close_writers(Engine* engine) noexcept nogil:
    """Let no write begin any more. Those that have begun: is_written."""
    exchange_seq_cst(&engine.status, CLOSED)
    fence_behind_rmw()


cdef inline bint is_written(const Engine* engine) noexcept nogil:
    cdef uint64_t calls = load_acquire(&engine.writing)
    cdef size_t i
    for i in range(<size_t>HANDLE_COUNT if FREE_THREADED else 0):
        calls += load_acquire(&engine.writers[i].value)
    return calls != 0


cdef inline bint has_finished(const Engine* engine) noexcept nogil:
    """Of an engine that is not open: nothing that was begun is going on. Who sees it sees the last ticket."""
    fence_behind_rmw()              # between the load of the status and those of the words: as close_writers
    return not is_written(engine)


cdef inline void forget_writers(Engine* engine) noexcept nogil:
    """In a forked child: those threads are not here."""
    cdef size_t i
    store_relaxed(&engine.writing, 0)
    for i in range(<size_t>HANDLE_COUNT if FREE_THREADED else 0):
        store_relaxed(&engine.writers[i].value, 0)

"""The thread behind the ring. Contract and orderings: following.pxd."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from pricecore.delivery.holding cimport holder_advance, holder_copy, holder_leave, holder_peek
from pricecore.delivery.ring cimport Copied, ring_sequence
from pricecore.eventlog.appender cimport (
    DURABLE_DISK, DURABLE_MEMORY, appender_end, appender_gap, appender_note_synced, appender_rotate_if_due,
    appender_sync, appender_write, written_sequence,
)
from pricecore.eventlog.format cimport GAP_SKIPPED, MAX_BLOCK_RECORDS
from pricecore.eventlog.log_file cimport Place
from pricecore.metrics.latency cimport window_record
from pricecore.primitives.atomics cimport (
    fence_behind_rmw, fence_release, fetch_add_relaxed, load_acquire, load_relaxed, store_relaxed, store_release,
)
from pricecore.primitives.clock cimport CLOCK_STEADY, clock_ns
from pricecore.primitives.segment cimport Figure, figure_set
from pricecore.primitives.spin cimport spin_lock, spin_unlock
from pricecore.primitives.waiting cimport sleep_while, wake_all
from pricecore.types cimport RECORD_WORDS

cdef extern from "log_io.h" nogil:
    void ring_event "pc_ring_event" (int event) noexcept

cdef enum:
    FEW_RECORDS = 256               # behind a commit of fewer it waits for more to come
    FLUSH_NS = 1_000_000_000        # what durability "memory" may keep to itself
    IDLE_TURNS = 50                 # after so many the sleeps grow
    IDLE_FACTOR = 4
    LOOK_NS = 4_000_000             # the longest sleep without a look at the ring


cdef void lock(LogThread* thread) noexcept nogil:
    """For mark and bells: held for a copy. Pairs with unlock."""
    spin_lock(&thread.lock)


cdef void unlock(LogThread* thread) noexcept nogil:
    spin_unlock(&thread.lock)


cdef void move_turn(LogThread* thread) noexcept nogil:
    """Wake whoever waits for what was just stored."""
    cdef int i
    fence_release()                             # who notes the new turn sees it
    fetch_add_relaxed(&thread.progress.turn, 1)
    fence_behind_rmw()                          # the look at the sleepers stays behind
    if load_relaxed(&thread.progress.sleepers):
        wake_all(&thread.progress.turn)
    lock(thread)
    for i in range(BELLS):
        if thread.bells[i] >= 0:
            ring_event(thread.bells[i])
    unlock(thread)


cdef void write_figures(LogThread* thread) noexcept nogil:
    cdef double values[LOG_FIGURES]
    cdef int i
    values[FIGURE_WRITTEN] = <double>thread.progress.written
    values[FIGURE_DURABLE] = <double>thread.progress.durable
    values[FIGURE_BACKLOG] = <double>(ring_sequence(&thread.holder.holders.ring) - thread.progress.written)
    values[FIGURE_BYTES] = <double>thread.log.bytes
    values[FIGURE_GAP_RECORDS] = <double>thread.log.gap_records
    values[FIGURE_FAILED] = 1.0 if thread.log.error else 0.0
    values[FIGURE_SYNCED] = <double>thread.progress.synced
    values[FIGURE_BLOCKS] = <double>thread.log.blocks
    values[FIGURE_SYNCS] = <double>thread.log.syncs
    values[FIGURE_DURABILITY] = 1.0 + <int>thread.log.durability
    for i in range(LOG_FIGURES):
        figure_set(<Figure*>thread.figures[i], values[i])


cdef void publish(LogThread* thread) noexcept nogil:
    """Say how far the log is, and wake who waits for it."""
    store_progress(thread)
    write_figures(thread)
    move_turn(thread)


cdef void start_progress(LogThread* thread) noexcept nogil:
    """Before the thread is there: say what the files hold."""
    store_progress(thread)
    write_figures(thread)


cdef void store_progress(LogThread* thread) noexcept nogil:
    """Pairs with progress_durable."""
    cdef Progress* progress = &thread.progress
    cdef uint64_t written = written_sequence(&thread.log)
    cdef uint64_t durable = written
    if thread.log.durability == DURABLE_DISK:
        durable = thread.log.file.synced_sequence
    elif thread.log.durability == DURABLE_MEMORY:
        durable = written + thread.buffered
    store_relaxed(&progress.taken, written + thread.buffered)
    store_relaxed(&progress.synced, thread.log.file.synced_sequence)
    store_relaxed(&progress.blocks, thread.log.blocks)
    store_relaxed(&progress.bytes, thread.log.bytes)
    store_relaxed(&progress.syncs, thread.log.syncs)
    store_relaxed(&progress.gap_records, thread.log.gap_records)
    store_relaxed(&progress.live_file, thread.log.file.first_sequence)
    store_release(&progress.written, written)           # pairs with written_sequence (engine_log.pyx)
    store_release(&progress.durable, durable)           # pairs with progress_durable


cdef bint has_news(const LogThread* thread) noexcept nogil:
    """Whether something was done that `publish` has not told of; `progress` is stored by this thread alone."""
    return thread.log.bytes != thread.progress.bytes or thread.log.file.synced_sequence != thread.progress.synced


cdef uint32_t room_before_mark(LogThread* thread, uint32_t most) noexcept nogil:
    """How many of these records, which were published before, may go into the next block: it ends where a mark stands.

    0: that comes first, alone. A mark that comes later names the last of them, or later ones."""
    cdef uint64_t written = written_sequence(&thread.log)
    lock(thread)
    if thread.mark.waiting:
        most = <uint32_t>min(<uint64_t>most, max(thread.mark.sequence, written) - written)
    unlock(thread)
    return most


cdef bint mark_waits(LogThread* thread) noexcept nogil:
    lock(thread)
    cdef bint waits = thread.mark.waiting
    unlock(thread)
    return waits


cdef bint take_mark(LogThread* thread, uint32_t count, Mark* mark) noexcept nogil:
    """Take the mark out if it stands where the block ends; or if it comes late, for a block of its own (count 0)."""
    cdef uint64_t last_sequence = written_sequence(&thread.log) + count
    cdef bint due
    lock(thread)
    due = thread.mark.waiting and (
        thread.mark.sequence == last_sequence or (count == 0 and thread.mark.sequence < last_sequence))
    if due:
        memcpy(mark, &thread.mark, sizeof(Mark))
        thread.mark.waiting = False
    unlock(thread)
    return due


cdef void settle_mark(LogThread* thread, const Mark* mark) noexcept nogil:
    """The mark is in the log, and so are all records before it."""
    lock(thread)
    memcpy(&thread.settled, mark, sizeof(Mark))
    thread.settled.sequence = written_sequence(&thread.log)
    unlock(thread)


cdef bint commit(LogThread* thread, const uint64_t* records, uint32_t count) noexcept nogil:
    """Write one block, with the mark that is due at its end; False: the log has failed."""
    cdef Mark mark
    cdef Place place
    cdef int64_t began_ns = clock_ns(CLOCK_STEADY)
    cdef bint marked = take_mark(thread, count, &mark)
    if count == 0 and not marked:
        return True
    if marked:
        place.length, place.bytes = mark.length, mark.bytes
    if not appender_write(&thread.log, records, count, &place if marked else NULL):
        return False
    if marked:
        settle_mark(thread, &mark)
    window_record(
        thread.commits, thread.commit_capacity, thread.commits_recorded, thread.commits_position,
        clock_ns(CLOCK_STEADY) - began_ns)
    return True


cdef bint take_from_ring(LogThread* thread, uint32_t* taken) noexcept nogil:
    """Commit the next published records where they lie."""
    cdef const uint64_t* first = NULL
    taken[0] = room_before_mark(thread, <uint32_t>holder_peek(&thread.holder, &first, thread.most))
    if not commit(thread, first, taken[0]):
        return False
    if taken[0]:
        holder_advance(&thread.holder, taken[0])
    return True


cdef bint flush(LogThread* thread) noexcept nogil:
    """Commit what the buffer holds, cut where a mark stands."""
    cdef uint32_t done = 0, count
    while done < thread.buffered:
        count = room_before_mark(thread, thread.buffered - done)
        if not commit(thread, thread.buffer + done * RECORD_WORDS, count):
            return False
        done += count
    thread.buffered = 0
    return commit(thread, NULL, 0)


cdef bint flush_is_due(LogThread* thread) noexcept nogil:
    if thread.buffered == 0 or thread.buffered == <uint32_t>MAX_BLOCK_RECORDS:
        return True
    if thread.log.durability != DURABLE_MEMORY or stop_asked(thread) or mark_waits(thread):
        return True
    if load_relaxed(&thread.sync_wanted) > written_sequence(&thread.log):
        return True
    return clock_ns(CLOCK_STEADY) - thread.buffered_ns >= FLUSH_NS


cdef bint take_into_buffer(LogThread* thread, uint32_t* taken) noexcept nogil:
    """Copy the next records out of the ring at once; commit them later, or now, as the durability says."""
    cdef Copied copied = holder_copy(
        &thread.holder, thread.buffer + thread.buffered * RECORD_WORDS, MAX_BLOCK_RECORDS - thread.buffered)
    cdef uint64_t* copy = thread.buffer + thread.buffered * RECORD_WORDS
    taken[0] = <uint32_t>copied.count
    if copied.lost:
        if not flush(thread) or not appender_gap(&thread.log, thread.holder.gap_last, GAP_SKIPPED):
            return False
        memmove(thread.buffer, copy, copied.count * RECORD_WORDS * 8)
    if thread.buffered == 0 and copied.count:
        thread.buffered_ns = clock_ns(CLOCK_STEADY)
    thread.buffered += <uint32_t>copied.count
    return flush(thread) if flush_is_due(thread) else True


cdef bint sync_if_wanted(LogThread* thread) noexcept nogil:
    cdef uint64_t wanted = load_relaxed(&thread.sync_wanted)
    if wanted <= thread.log.file.synced_sequence or wanted > written_sequence(&thread.log):
        return True
    if load_relaxed(&thread.log.seal_synced) < thread.log.handed_sequence:
        return True                                 # the files before this one come first
    return appender_sync(&thread.log)


cdef bint sealing_went_well(LogThread* thread) noexcept nogil:
    """Hear of the sealed files. False: one could not be synced; what was written there may be lost."""
    appender_note_synced(&thread.log)
    return not note_seal_error(thread)


cdef bint note_seal_error(LogThread* thread) noexcept nogil:
    """Take over the error of whoever syncs sealed files; call as the log's thread, or when that is gone."""
    cdef uint64_t error = load_acquire(&thread.seal_error)      # which file it was comes before: pairs with seal_next
    if error and thread.log.error == 0:
        thread.log.error, thread.log.failed_call = <int>error, b"fdatasync of a sealed file"
        thread.log.failed_file, thread.log.failed_offset = thread.seal_failed_file, thread.seal_failed_bytes
    return error != 0


cdef bint take_turn(LogThread* thread, uint32_t* taken) noexcept nogil:
    """Take and commit what there is; False: the log has failed."""
    cdef bint good
    if thread.buffer == NULL:
        good = take_from_ring(thread, taken)
    else:
        good = take_into_buffer(thread, taken)
    return good and sealing_went_well(thread) and sync_if_wanted(thread) and appender_rotate_if_due(&thread.log)


cdef bint is_drained(const LogThread* thread) noexcept nogil:
    return thread.holder.position >= ring_sequence(&thread.holder.holders.ring)


cdef void follow_ring(void* argument) noexcept nogil:
    """Run until asked to stop, or until the log fails."""
    cdef LogThread* thread = <LogThread*>argument
    cdef uint64_t kicks, stop
    cdef uint32_t taken = 0
    cdef int idle = 0
    cdef bint good = True
    while good:
        kicks = kicks_so_far(thread)                # before the look at the ring: a later kick ends the sleep
        stop = stop_asked(thread)
        good = take_turn(thread, &taken)
        if taken or has_news(thread):
            publish(thread)
        if stop and taken == 0 and is_drained(thread):
            break
        idle = 0 if taken else min(idle + 1, <int>IDLE_TURNS)
        if taken < <uint32_t>FEW_RECORDS and good and not stop:
            rest(thread, kicks, thread.interval_ns * (IDLE_FACTOR if idle == IDLE_TURNS else 1))
    end(thread)


cdef void rest(LogThread* thread, uint64_t kicks, int64_t ns) noexcept nogil:
    """Sleep until more has come; until a kick; and not while the ring fills up."""
    cdef int64_t until_ns = clock_ns(CLOCK_STEADY) + ns
    while ns > 0 and kicks_so_far(thread) == kicks and is_calm(thread):
        sleep_while(&thread.kicks, kicks, min(ns, LOOK_NS))
        ns = until_ns - clock_ns(CLOCK_STEADY)


cdef bint is_calm(const LogThread* thread) noexcept nogil:
    return ring_sequence(&thread.holder.holders.ring) - thread.holder.position < thread.most


cdef void end(LogThread* thread) noexcept nogil:
    """Close the file, let the ring go, and say so; nothing is touched behind that."""
    cdef bint good = appender_end(&thread.log)
    publish(thread)
    holder_leave(&thread.holder)                    # writers that wait for room go on
    if not good:
        store_release(&thread.progress.failed, 1)   # the error was noted before: pairs with check_failed
    store_release(&thread.progress.over, 1)         # pairs with progress_over
    move_turn(thread)
    store_release(&thread.progress.ended, 1)        # pairs with has_ended
    wake_all(&thread.progress.ended)


cdef uint64_t kicks_so_far(const LogThread* thread) noexcept nogil:
    return load_acquire(&thread.kicks)              # what was ordered before it is seen: pairs with kick


cdef void kick(LogThread* thread) noexcept nogil:
    """End the thread's sleep, and let it see what was stored before; pairs with kicks_so_far."""
    fence_release()
    fetch_add_relaxed(&thread.kicks, 1)
    wake_all(&thread.kicks)


cdef void ask_to_stop(LogThread* thread) noexcept nogil:
    """Have it write what is published, and end. Pairs with stop_asked."""
    store_release(&thread.stop, 1)
    kick(thread)


cdef void await_end(LogThread* thread) noexcept nogil:
    """Return when the thread is gone."""
    while not has_ended(thread):
        sleep_while(&thread.progress.ended, 0, 100_000_000)


cdef void leave_mark(LogThread* thread, uint64_t sequence, const char* bytes, uint32_t length) noexcept nogil:
    """Put a source position into the log behind the record of this sequence; a later one takes its place."""
    lock(thread)
    thread.mark.sequence, thread.mark.length, thread.mark.waiting = sequence, length, True
    memcpy(thread.mark.bytes, bytes, length)
    unlock(thread)


cdef uint32_t settled_mark(LogThread* thread, char* bytes, uint64_t* sequence) noexcept nogil:
    """Copy the position that the log holds, and what was written when it came there."""
    lock(thread)
    cdef uint32_t length = thread.settled.length
    memcpy(bytes, thread.settled.bytes, length)
    sequence[0] = thread.settled.sequence
    unlock(thread)
    return length


cdef bint add_bell(LogThread* thread, int descriptor) noexcept nogil:
    """Ring at this eventfd whenever the log is further; False: there are too many."""
    cdef int i
    cdef bint added = False
    lock(thread)
    for i in range(BELLS):
        if thread.bells[i] < 0:
            thread.bells[i] = descriptor
            added = True
            break
    unlock(thread)
    return added


cdef void remove_bell(LogThread* thread, int descriptor) noexcept nogil:
    """Ring there no more: it may be closed."""
    cdef int i
    lock(thread)
    for i in range(BELLS):
        if thread.bells[i] == descriptor:
            thread.bells[i] = -1
    unlock(thread)


cdef void sleep_until_durable(LogThread* thread, uint64_t sequence, int64_t until_ns) noexcept nogil:
    """Return when the record is durable, the log is over, or it is late; or, for a look at signals, before."""
    cdef uint64_t turn
    cdef int64_t left_ns
    fetch_add_relaxed(&thread.progress.sleepers, 1)
    fence_behind_rmw()                              # seen by whoever moves the turn behind our look: see Orderings
    turn = progress_turn(&thread.progress)
    if progress_durable(&thread.progress) < sequence and not progress_over(&thread.progress):
        left_ns = min(until_ns - clock_ns(CLOCK_STEADY), 50_000_000)
        if left_ns > 0:
            sleep_while(&thread.progress.turn, turn, left_ns)
    fetch_add_relaxed(&thread.progress.sleepers, <uint64_t>-1)

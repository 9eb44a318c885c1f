"""`Handover`: the reader thread of `pricecore run`; how it hands over is explained in handover.pxd."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

from pricecore.feeds.lines cimport Lines
from pricecore.feeds.parking cimport (
    park,
    park_announce,
    park_cancel,
    park_wake,
    parking_free,
    parking_new,
)
from pricecore.feeds.tally cimport Tally
from pricecore.primitives.atomics cimport load_relaxed, store_relaxed
from pricecore.primitives.pool cimport BufferPool, buffer_append, pool_acquire, pool_release
from pricecore.primitives.queue cimport (
    QUEUE_CLOSED,
    UpdateQueue,
    queue_close,
    queue_is_closed,
    queue_size,
    queue_try_pop_many,
    queue_try_push,
)

import threading


@cython.final
@cython.no_gc_clear                 # the pool must be there when the last buffers go back
cdef class Handover:
    """Reads sources in a thread of its own and hands their lines to the thread that takes them.

    Parameters
    ----------
    pool : BufferPool
        Lends the buffers that the lines travel in; a longer line grows its buffer, as the pool's rule is.
    lines : sequence of Lines
        The sources, each with its place in the sequence as number.
    capacity : int
        Lines that may be on their way.

    Threads: `start`, `take` and `stop` one thread; the sources belong to the reader from `start` on.
    Cost: a queue of `capacity` records; about 0.2 us a line in the taking thread.
    """

    def __cinit__(self, BufferPool pool not None, lines, capacity=512):
        self.pool = pool
        self.lines = list(lines)
        self.queue = UpdateQueue(capacity)
        self.open_lines = <void**> malloc(max(1, len(self.lines)) * sizeof(void*))
        if self.open_lines == NULL or not parking_new(&self.reader) or not parking_new(&self.taker):
            raise MemoryError("no memory for a reader")
        for number, source in enumerate(self.lines):
            if not isinstance(source, Lines) or source.number != number:
                raise ValueError(f"source {number} is {source!r}, not the Lines of this number")
        self.thread = threading.Thread(target=self._read, name="pricecore-reader", daemon=True)

    def __dealloc__(self):
        cdef Frame[BATCH] frames
        cdef int64_t count
        if self.queue is not None and self.pool is not None:
            while True:
                count = queue_try_pop_many(self.queue.queue, frames, BATCH)
                if count <= 0:
                    break
                self.give_back(frames, count)
        free(self.open_lines)
        parking_free(&self.reader)
        parking_free(&self.taker)

    def start(self):
        """Start to read. Threads: see the class. Cost: one thread."""
        self.thread.start()

    def take(self, sources, int64_t limit, wait_until_due=None):
        """Let the sources take the next lines; wait for them for a moment when there are none.

        Parameters
        ----------
        sources : sequence of Tally
            By number.
        limit : int
            Lines at most, at least 1.
        wait_until_due : callable, optional
            Called with the time of each line before it is taken; when it returns False the line and those after it
            are dropped.

        Returns
        -------
        int
            Lines taken, a few dozen at most; 0 when none came yet, or no more will: then `finished` is True.

        Raises
        ------
        ValueError
            `limit` is below 1.
        Exception
            What the reader ran into, once all lines before it are taken; or what a source raises.

        Threads: see the class.
        Cost: returns at least every 100 ms, so that signals are seen.
        """
        cdef Frame[BATCH] frames
        cdef int64_t taken = 0
        cdef int64_t count
        if limit < 1:                       # as an unsigned number it would be larger than the batch
            raise ValueError(f"a limit of {limit} lines; take at least 1")
        count = queue_try_pop_many(self.queue.queue, frames, <uint64_t> limit if limit < BATCH else BATCH)
        if count == QUEUE_CLOSED:
            self.finish()
            return 0
        if count == 0:
            self.wait_for_records()
            return 0
        try:
            while taken < count:
                if wait_until_due is not None and not wait_until_due(frames[taken].time_ns):
                    break
                message = PyBytes_FromStringAndSize(frames[taken].buffer.data, <Py_ssize_t> frames[taken].buffer.size)
                self.give_back(frames + taken, 1)
                taken += 1
                (<Tally?> sources[frames[taken - 1].number]).count(message)
        finally:
            self.give_back(frames + taken, count - taken)
        if 2 * queue_size(self.queue.queue) <= self.queue.queue.mask:
            park_wake(&self.reader)
        return taken

    def stop(self, double timeout_s=5.0):
        """End the reader and give all buffers back; what is still on its way is dropped.

        A reader that waits for input has to be interrupted there before.

        Returns
        -------
        bool
            Whether the reader has ended within `timeout_s`.

        Threads: see the class.
        Cost: waits for the reader.
        """
        cdef Frame[BATCH] frames
        cdef int64_t count = 1
        store_relaxed(&self.stopping, 1)
        queue_close(self.queue.queue)
        park_wake(&self.reader)
        if self.thread.ident is not None:
            self.thread.join(timeout_s)
        while count > 0:
            count = queue_try_pop_many(self.queue.queue, frames, BATCH)
            self.give_back(frames, max(count, 0))
        return not self.thread.is_alive()

    def _read(self):
        """Run the reader."""
        try:
            with nogil:
                self.merge()
        except BaseException as error:      # any: it is raised where the lines are taken
            self.error = error
        queue_close(self.queue.queue)
        park_wake(&self.taker)

    cdef int merge(self) except -1 nogil:
        """Hand over the lines of all sources, always the earliest; of two that are equal the one named first."""
        cdef int i, first
        with gil:
            self.open_all()
        while self.opened and not self.stop_seen():
            first = 0
            for i in range(1, self.opened):
                if (<Lines> self.open_lines[i]).time_ns < (<Lines> self.open_lines[first]).time_ns:
                    first = i
            if not self.hand_over(<Lines> self.open_lines[first]):
                return 0
            if not self.next_line(<Lines> self.open_lines[first]):
                self.leave_out(first)
        return 0

    cdef void leave_out(self, int ended) noexcept nogil:
        cdef int i
        self.opened = self.opened - 1
        for i in range(ended, self.opened):
            self.open_lines[i] = self.open_lines[i + 1]

    cdef int next_line(self, Lines lines) except -1 nogil:
        """Go to the next line of a source: False at its end."""
        if lines.next_in_chunk():
            return True
        park_wake(&self.taker)              # reading may take long
        with gil:
            return lines.refill()

    cdef int hand_over(self, Lines lines) except -1 nogil:
        """Push the current line of a source; False when it is time to stop."""
        cdef Frame frame
        frame.time_ns = lines.time_ns
        frame.number = lines.number
        if not self.frame_filled(&frame, lines.message, <size_t> lines.size):
            raise MemoryError(f"no memory for a line of {lines.size} bytes")
        while queue_try_push(self.queue.queue, &frame) != 1:
            if not self.wait_for_room():
                self.give_back(&frame, 1)
                return False
        return True

    cdef bint frame_filled(self, Frame* frame, const char* line, size_t size) noexcept nogil:
        if not pool_acquire(self.pool.pool, &frame.buffer):
            return False
        if buffer_append(self.pool.pool, &frame.buffer, line, size):
            return True
        pool_release(self.pool.pool, &frame.buffer)
        return False

    cdef bint wait_for_room(self) noexcept nogil:
        """Wait while the queue is full; False when it is time to stop."""
        park_wake(&self.taker)
        park_announce(&self.reader)
        if self.stop_seen() or queue_size(self.queue.queue) <= self.queue.queue.mask:
            park_cancel(&self.reader)
        else:
            park(&self.reader, WAIT_US)
        return not self.stop_seen()

    cdef bint stop_seen(self) noexcept nogil:
        # A stop is seen late at worst: its writer wakes a reader that waits.
        return load_relaxed(&self.stopping) != 0

    cdef object wait_for_records(self):
        park_announce(&self.taker)
        if queue_size(self.queue.queue) or queue_is_closed(self.queue.queue):
            park_cancel(&self.taker)
        else:
            with nogil:
                park(&self.taker, WAIT_US)

    cdef object finish(self):
        self.thread.join()                  # it has closed the queue as its last act
        self.finished = True
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    cdef object open_all(self):
        cdef Lines source
        for source in self.lines:
            if self.next_line(source):
                self.open_lines[self.opened] = <void*> source
                self.opened += 1

    cdef void give_back(self, Frame* frames, int64_t count) noexcept nogil:
        cdef int64_t i
        for i in range(count):
            pool_release(self.pool.pool, &frames[i].buffer)

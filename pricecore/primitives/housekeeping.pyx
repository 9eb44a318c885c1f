"""The housekeeping thread: chores once a second, without the GIL and without a Python thread state.

Contract    a chore takes neither the GIL nor any lock that a caller of chore_remove holds. After chore_remove
            returned, the chore does not run and will not run again, so its argument may be freed.
Progress    chore_add and chore_remove wait for a chore that is running (microseconds).
Invariants  chores[0:count] and `running` are changed only with `guard` held, and chores run with `guard` held.
Fork        happens with `guard` held, so that the child finds a list, and chores, that nobody was just changing. It
            is taken by the C library's hook, not by Python's: between those any object may die, and an engine that
            dies waits for `guard`. The child has no such thread and takes new locks; the thread starts again at the
            next chore_add or `restart`.
Signals     the thread takes none: one that every Python thread blocks, to wait for it, must not end up here.
"""

from cpython.pythread cimport PyThread_acquire_lock, PyThread_release_lock, PyThread_type_lock, WAIT_LOCK
from libc.stdlib cimport realloc

cdef extern from "Python.h" nogil:
    const unsigned long PYTHREAD_INVALID_THREAD_ID
    unsigned long PyThread_start_new_thread(void (*body)(void*) noexcept nogil, void* argument)
    PyThread_type_lock PyThread_allocate_lock() noexcept
    void PyThread_free_lock(PyThread_type_lock lock) noexcept
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long timeout_us, int interruptible) noexcept

cdef extern from "housekeeping.h" nogil:
    ctypedef struct Signals "pc_signals":
        pass
    void signals_block "pc_signals_block" (Signals* before) noexcept
    void signals_restore "pc_signals_restore" (const Signals* before) noexcept
    int at_fork "pc_at_fork" (
        void (*before)() noexcept nogil, void (*parent)() noexcept nogil, void (*child)() noexcept nogil) noexcept

cdef enum:
    PERIOD_US = 1_000_000

cdef struct Entry:
    Chore chore
    void* argument

cdef Entry* chores = NULL
cdef size_t count = 0
cdef size_t capacity = 0
cdef bint running = False
cdef PyThread_type_lock guard = PyThread_allocate_lock()
cdef PyThread_type_lock alarm = new_alarm()
cdef PyThread_type_lock childs_guard = NULL     # made before a fork: a child allocates nothing until it is Python's
cdef PyThread_type_lock childs_alarm = NULL


cdef PyThread_type_lock new_alarm() noexcept nogil:
    """Return a lock that is held for ever: waiting for it is a timed sleep."""
    cdef PyThread_type_lock lock = PyThread_allocate_lock()
    PyThread_acquire_lock(lock, WAIT_LOCK)
    return lock


cdef void keep_house(void* unused) noexcept nogil:
    cdef size_t i
    while True:
        PyThread_acquire_lock_timed(alarm, PERIOD_US, 0)
        PyThread_acquire_lock(guard, WAIT_LOCK)
        for i in range(count):
            chores[i].chore(chores[i].argument)
        PyThread_release_lock(guard)


cdef bint must_start() noexcept nogil:
    """Call with `guard` held: True for the one caller that has to start the thread."""
    global running
    if running or count == 0:
        return False
    running = True
    return True


cdef int start_thread() except -1:
    global running
    cdef Signals before
    cdef unsigned long thread
    signals_block(&before)              # a new thread inherits the mask: there is no moment without it
    thread = PyThread_start_new_thread(keep_house, NULL)
    signals_restore(&before)
    if thread == PYTHREAD_INVALID_THREAD_ID:
        running = False
        raise RuntimeError("the system gave no thread for housekeeping; see `ulimit -u`")
    return 0


cdef bint append(Chore chore, void* argument) noexcept nogil:
    global chores, count, capacity
    cdef Entry* larger
    if count == capacity:
        larger = <Entry*>realloc(chores, (2 * capacity + 8) * sizeof(Entry))
        if larger == NULL:
            return False
        chores = larger
        capacity = 2 * capacity + 8
    chores[count] = Entry(chore, argument)
    count += 1
    return True


cdef int chore_add(Chore chore, void* argument) except -1:
    """Call `chore(argument)` once a second from now on; starts the thread when it is the first."""
    cdef bint added, start
    with nogil:
        PyThread_acquire_lock(guard, WAIT_LOCK)
        added = append(chore, argument)
        start = must_start()
        PyThread_release_lock(guard)
    if start:
        start_thread()
    if not added:
        raise MemoryError()
    return 0


cdef void chore_remove(void* argument) noexcept:
    """Forget the chore of this argument; waits while it runs."""
    global count
    cdef size_t i
    with nogil:
        PyThread_acquire_lock(guard, WAIT_LOCK)
        for i in range(count):
            if chores[i].argument == argument:
                count -= 1
                chores[i] = chores[count]
                break
        PyThread_release_lock(guard)


def restart() -> None:
    """Start the thread again in a forked child that goes on using an engine."""
    cdef bint start
    with nogil:
        PyThread_acquire_lock(guard, WAIT_LOCK)
        start = must_start()
        PyThread_release_lock(guard)
    if start:
        start_thread()


cdef void before_fork() noexcept nogil:
    global childs_guard, childs_alarm
    PyThread_acquire_lock(guard, WAIT_LOCK)     # its holder never waits for the GIL, which we may hold
    childs_guard = PyThread_allocate_lock()
    childs_alarm = new_alarm()


cdef void after_fork_in_parent() noexcept nogil:
    PyThread_free_lock(childs_guard)
    PyThread_release_lock(childs_alarm)
    PyThread_free_lock(childs_alarm)
    PyThread_release_lock(guard)


cdef void after_fork_in_child() noexcept nogil:
    global running, guard, alarm
    running = False
    guard = childs_guard
    alarm = childs_alarm


if at_fork(before_fork, after_fork_in_parent, after_fork_in_child):
    raise MemoryError()

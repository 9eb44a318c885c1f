"""The housekeeping thread: chores once a second, without the GIL and without a Python thread state.

Contract    a chore takes neither the GIL nor any lock that a caller of chore_remove holds. After chore_remove
            returned, the chore does not run and will not run again, so its argument may be freed.
Progress    chore_add and chore_remove wait for a chore that is running (microseconds).
Invariants  chores[0:count] and `running` are changed only with `guard` held, and chores run with `guard` held.
Fork        happens with `guard` held, so that the child finds a list, and chores, that nobody was just changing. The
            child has no such thread and makes its locks new; the thread starts again at the next chore_add or
            `restart`.
Signals     the thread takes none: one that every Python thread blocks, to wait for it, must not end up here.
"""

import os

from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_release_lock, PyThread_type_lock, WAIT_LOCK,
)
from libc.stdlib cimport realloc

cdef extern from "Python.h" nogil:
    const unsigned long PYTHREAD_INVALID_THREAD_ID
    unsigned long PyThread_start_new_thread(void (*body)(void*) noexcept nogil, void* argument)
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long timeout_us, int interruptible) noexcept

cdef extern from *:
    """
    #if defined(_WIN32)
    typedef int pc_signals;
    #define pc_signals_block(before) ((void)(before))
    #define pc_signals_restore(before) ((void)(before))
    #else
    #include <pthread.h>
    #include <signal.h>
    typedef sigset_t pc_signals;
    /* All but those that the processor raises in the thread itself: a crash should still be reported. */
    static inline void pc_signals_block(pc_signals *before)
    {
        sigset_t all;
        sigfillset(&all);
        sigdelset(&all, SIGSEGV);
        sigdelset(&all, SIGBUS);
        sigdelset(&all, SIGFPE);
        sigdelset(&all, SIGILL);
        pthread_sigmask(SIG_BLOCK, &all, before);
    }
    static inline void pc_signals_restore(const pc_signals *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }
    #endif
    """
    ctypedef struct Signals "pc_signals":
        pass
    void signals_block "pc_signals_block" (Signals* before) noexcept nogil
    void signals_restore "pc_signals_restore" (const Signals* before) noexcept nogil

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
cdef PyThread_type_lock alarm = PyThread_allocate_lock()    # held for ever: waiting for it is a timed sleep


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


def _before_fork() -> None:
    with nogil:
        PyThread_acquire_lock(guard, WAIT_LOCK)


def _after_fork_in_parent() -> None:
    PyThread_release_lock(guard)


def _after_fork_in_child() -> None:
    global running, guard, alarm
    running = False
    guard = PyThread_allocate_lock()        # the thread that is not here may have been waiting for the old ones
    alarm = PyThread_allocate_lock()
    PyThread_acquire_lock(alarm, WAIT_LOCK)


PyThread_acquire_lock(alarm, WAIT_LOCK)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)

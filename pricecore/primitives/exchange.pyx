"""Two files exchange their names: see exchange.pxd."""

import errno
import os

_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


def exchange_files(one, other):
    """Give each of two files the other's name, in one step.

    Unlike a rename it fails when either is missing: a file that somebody removed meanwhile does not come back.

    Parameters
    ----------
    one, other : path-like
        In the same file system.

    Returns
    -------
    bool
        False: the system, or the file system, cannot do it; nothing has changed.

    Raises
    ------
    OSError
        A file is missing, or the folder cannot be changed.

    Threads: any. Cost: one system call, without the GIL.
    """
    cdef bytes first = os.fsencode(one)
    cdef bytes second = os.fsencode(other)
    cdef const char* first_name = first
    cdef const char* second_name = second
    cdef int error
    with nogil:
        error = exchange(first_name, second_name)
    if error == 0:
        return True
    if error in _UNABLE:
        return False
    raise OSError(error, os.strerror(error), os.fspath(one), None, os.fspath(other))

"""The page in which readers say that they sleep."""

import os

from pricecore.primitives.memory cimport map_file, map_private, unmap

cdef enum:                  # no name of the module: at the interpreter's end those go before what __dealloc__ frees
    PAGE_BYTES = 4096


cdef class WaitRoom:
    """One page: private, or that of a file which the writer of a named engine shares with its readers.

    Parameters
    ----------
    descriptor : int or None
        Of that file, writable; closed here. -1: the file may not be written, readers have to look again and again.
        None: private memory.

    Raises
    ------
    MemoryError
        The system gives no page.

    Threads: any. Cost: a page.
    """

    def __cinit__(self, descriptor=None):
        if descriptor is None:
            self.page = <WaitPage*>map_private(PAGE_BYTES)
        elif descriptor >= 0:
            self.page = <WaitPage*>map_file(descriptor, PAGE_BYTES, True)
            os.close(descriptor)
        if self.page == NULL and descriptor != -1:
            raise MemoryError("no page for readers that wait")

    def __dealloc__(self):
        if self.page != NULL:
            unmap(self.page, PAGE_BYTES)

    @property
    def wakes(self):
        """Whether a sleeper is woken; else it looks again and again."""
        return self.page != NULL

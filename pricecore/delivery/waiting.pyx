"""The page in which readers say that they sleep."""

from pricecore.primitives.memory cimport map_file, map_private, unmap

PAGE_BYTES = 4096


cdef class WaitRoom:
    """One page: private, or that of a file which every reader of a named engine may write.

    Parameters
    ----------
    descriptor : int
        Of the file, writable; -1: private memory.

    Threads: any. Cost: a page.
    """

    def __cinit__(self, int descriptor=-1):
        if descriptor < 0:
            self.page = <WaitPage*>map_private(PAGE_BYTES)
        else:
            self.page = <WaitPage*>map_file(descriptor, PAGE_BYTES, True)
        if self.page == NULL:
            raise MemoryError("no page for readers that wait")

    def __dealloc__(self):
        if self.page != NULL:
            unmap(self.page, PAGE_BYTES)

"""What `pricecore run` does with each line: decode it and count it. The counts may be read by any thread."""

cimport cython

from pricecore.errors import MalformedError, PricecoreError
from pricecore.feeds import sink


cdef class Tally:
    """The compiled base of `Source`.

    Parameters
    ----------
    decode : callable
        As `formats.Decode`.
    """

    def __init__(self, decode):
        self.decode = decode

    @property
    def lines(self):
        """Lines taken so far: every one is priced, ignored or malformed."""
        return self.priced + self.ignored + self.malformed

    def take(self, bytes message not None):
        """Hand the prices of one message on and count its line; one that cannot be read is counted, never raised.

        Threads: one.
        Cost: that of the decoder and of `engine.update`.
        """
        self.count(message)

    cdef int count(self, bytes message) except -1:
        try:
            if self.decode(message):
                self.priced += 1
            else:
                self.ignored += 1
        except MalformedError as error:
            self.spoil(error)
        except PricecoreError:
            raise                           # the engine is closed or broken: nothing to do with the message
        except sink.MALFORMED as error:
            self.spoil(error)
        return 0

    cdef object spoil(self, object error):
        self.malformed += 1
        if self.first_malformed is None:
            text = f"line {self.lines:,}: {error}"
            with cython.critical_section(self):     # any thread may read it
                self.first_malformed = text

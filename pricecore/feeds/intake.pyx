"""What `Feed` does for each message: time it, decode it, count it. Nothing that a message holds gets out as an error.

The counters are plain words: one thread at a time feeds, any thread may read a figure that is a moment old.
"""

cimport cython
from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.stdint cimport int64_t

from pricecore.primitives.atomics cimport unlikely
from pricecore.primitives.clock cimport CLOCK_STEADY, CLOCK_WALL, clock_ns

from pricecore.errors import EngineClosedError, InvalidUpdateError, RingFullError, WrongProcessError
from pricecore.metrics.log import warn_throttled

cdef enum:
    SAMPLE_BYTES = 200      # of a malformed message that are shown


@cython.final
@cython.no_gc_clear             # its counters are read in C
cdef class Guard:
    """Writes into an engine through a handle of its own, and counts what is refused instead of raising it."""

    def __cinit__(self, engine):
        self.writer = engine.writer()
        if self.writer is None:
            raise TypeError(f"{type(engine).__name__}.writer() returned None")
        self.writer.raise_bad = True        # whatever the engine does: the reason is in the error
        self.refused = {}

    def update(self, symbol, price, volume, timestamp_ns, change_24h):
        """As the engine's; False when the update is out of order or refused. Threads: one. Cost: that of the engine."""
        return self.put_trade(symbol, price, volume, timestamp_ns, change_24h)

    def update_quote(self, symbol, bid, ask, bid_size, ask_size, timestamp_ns, partial=False):
        """As the engine's; False when the quote is out of order or refused. Threads: one. Cost: that of the engine."""
        return self.put_quote(symbol, bid, ask, bid_size, ask_size, timestamp_ns, partial)

    def close(self):
        """Give the handle back to the engine."""
        self.writer.close()

    cdef bint put_trade(self, object symbol, object price, object volume, object timestamp_ns,
                        object change_24h) except -1:
        try:
            return self.count(self.writer.update(symbol, price, volume, timestamp_ns, change_24h))
        except InvalidUpdateError as error:
            self.refuse(error.reason, error)
        except RingFullError as error:
            self.refuse("ring_full", error)
        return False

    cdef bint put_quote(self, object symbol, object bid, object ask, object bid_size, object ask_size,
                        object timestamp_ns, object partial) except -1:
        try:
            return self.count(self.writer.update_quote(symbol, bid, ask, bid_size, ask_size, timestamp_ns, partial))
        except InvalidUpdateError as error:
            self.refuse(error.reason, error)
        except RingFullError as error:
            self.refuse("ring_full", error)
        return False

    cdef bint count(self, bint stored) noexcept:
        if stored:
            self.stored += 1
        else:
            self.out_of_order += 1
        return stored

    cdef int refuse(self, str reason, object error) except -1:
        self.refused[reason] = self.refused.get(reason, 0) + 1
        text = str(error)
        with cython.critical_section(self):     # any thread may read it
            self.last_refused = text
        warn_throttled(("feed", reason), "feed: %s", error)
        return 0


@cython.no_gc_clear             # as Guard
cdef class Intake:
    """The compiled base of `Feed`."""

    def __init__(self, Guard guard not None, decode):
        self.guard = guard
        self.decode = decode

    def feed(self, data, received_ns=0):
        """Take one message and hand its prices to the engine.

        Parameters
        ----------
        data : bytes, bytearray, memoryview or str
            One message, as it came from the venue; any content.
        received_ns : int
            When it came, ns since the Unix epoch; 0, or a number that is no such time: now. Only `last_message_age_s`
            uses it.

        Returns
        -------
        int
            Updates that the engine stored; those that were out of order or refused are in `counts`.

        Raises
        ------
        EngineClosedError, WrongProcessError
            The engine takes no updates any more; the message is not counted. No content of a message ever raises.
        TypeError
            `data` or `received_ns` is of another type; the message is not counted.

        Threads: one at a time. Cost: about the decoding and the update; waits for nothing.
        """
        cdef int64_t stored, came_ns
        if unlikely(self.guard is None):
            raise RuntimeError(f"this {type(self).__name__} was never initialised")
        stored = self.guard.stored
        if type(data) is not bytes:
            data = as_bytes(data)
        came_ns = as_wall_ns(received_ns)
        self.received += 1
        self.hear(came_ns)
        try:
            if not self.decode(data):
                self.ignored += 1
        except (EngineClosedError, WrongProcessError):
            self.received -= 1              # nothing to do with the message, which may be fed again
            raise
        except Exception as error:          # any: a decoder of the user's may fail in its own way
            self.spoil(data, error)
        except BaseException:               # what ends a program
            self.received -= 1
            raise
        return self.guard.stored - stored

    @property
    def last_message_age_s(self):
        """Seconds since the newest message of any kind came; infinite before the first."""
        if self.heard_ns == 0:
            return float("inf")
        return max(0, clock_ns(CLOCK_STEADY) - self.heard_ns) / 1e9

    cdef void hear(self, int64_t received_ns) noexcept:
        self.heard_ns = clock_ns(CLOCK_STEADY)
        if received_ns > 0:                 # waited for us that long
            self.heard_ns -= max(0, clock_ns(CLOCK_WALL) - received_ns)

    cdef object spoil(self, object data, object error):
        self.malformed += 1
        try:
            reason = str(error)[:SAMPLE_BYTES]
        except Exception:                   # of an error that a decoder of the user's made
            reason = "its text cannot be had"
        shown = bytes(data[:SAMPLE_BYTES]).decode("utf-8", "backslashreplace")
        cut = "..." if len(data) > SAMPLE_BYTES else ""
        text = f"{type(error).__name__}: {reason}: {shown}{cut}"
        with cython.critical_section(self):     # any thread may read it
            self.last_malformed = text


cdef object as_bytes(object data):
    if isinstance(data, str):
        return data.encode("utf-8", "surrogatepass")        # a lone surrogate is then no UTF-8, which is malformed
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"a message must be bytes, bytearray, memoryview or str, not {type(data).__name__}")


cdef inline int64_t as_wall_ns(object time) except? -1:
    """Return a time as an int64; 0, which stands for now, for one that is out of its range."""
    cdef int overflow = 0
    cdef int64_t time_ns = PyLong_AsLongLongAndOverflow(time, &overflow)
    return 0 if overflow else time_ns

"""What an update must be. Every rule returns the Reason for which it refuses, 0 when it does not.

The fast path asks one question (`price_is_good`, `amount_is_good`); which rule was broken is found out
only then.
"""

from libc.float cimport DBL_MAX
from libc.math cimport fabs
from libc.stdint cimport int64_t

from pricecore.primitives.atomics cimport likely
from pricecore.types cimport (
    REASON_CHANGE, REASON_FUTURE, REASON_NO_SIDE, REASON_NONE, REASON_PRICE_NOT_FINITE, REASON_PRICE_NOT_POSITIVE,
    REASON_SIZE, REASON_TIME_NEGATIVE, REASON_TIME_UNIT, REASON_VOLUME,
)

cdef extern from *:
    """
    /* ns since the epoch below this are older than 1973-03-03: they look like s, ms or us */
    #define PC_EARLIEST_NS INT64_C(100000000000000000)
    """
    const int64_t EARLIEST_NS "PC_EARLIEST_NS"

cdef struct Rules:
    double least_price              # a price must be above this: 0, or -infinity with allow_nonpositive
    int64_t max_future_ns           # INT64_MAX: no limit


cdef inline bint is_absent(double side) noexcept nogil:
    return side != side


cdef inline int price_reason(double price, const Rules* rules) noexcept nogil:
    if price > rules.least_price and fabs(price) <= DBL_MAX:
        return REASON_NONE
    return REASON_PRICE_NOT_POSITIVE if fabs(price) <= DBL_MAX else REASON_PRICE_NOT_FINITE


cdef inline bint amount_is_good(double amount) noexcept nogil:
    """A volume or a size: finite, not negative."""
    return 0.0 <= amount <= DBL_MAX


cdef inline int volume_reason(double volume) noexcept nogil:
    return REASON_NONE if amount_is_good(volume) else REASON_VOLUME


cdef inline int change_reason(double change) noexcept nogil:
    """NaN is how `not given` is written; an infinite change is no change."""
    return REASON_NONE if change != change or fabs(change) <= DBL_MAX else REASON_CHANGE


cdef inline int time_reason(int64_t timestamp_ns, int64_t now_ns, const Rules* rules) noexcept nogil:
    """0 is `none of the source`. The difference cannot overflow: both are positive there."""
    if timestamp_ns == 0:
        return REASON_NONE
    if timestamp_ns <= EARLIEST_NS:
        return REASON_TIME_NEGATIVE if timestamp_ns < 0 else REASON_TIME_UNIT
    return REASON_FUTURE if timestamp_ns - now_ns > rules.max_future_ns else REASON_NONE


cdef inline bint is_past(int64_t timestamp_ns, int64_t now_ns, const Rules* rules) noexcept nogil:
    """A time that time_reason finds nothing wrong with; the difference cannot overflow: see there."""
    return timestamp_ns > EARLIEST_NS and timestamp_ns - now_ns <= rules.max_future_ns


cdef inline int trade_reason(
    double price, double volume, double change, int64_t timestamp_ns, int64_t now_ns, const Rules* rules
) noexcept nogil:
    cdef int reason
    if likely(price > rules.least_price and price <= DBL_MAX and amount_is_good(volume)
              and is_past(timestamp_ns, now_ns, rules) and not fabs(change) > DBL_MAX):
        return REASON_NONE
    reason = price_reason(price, rules)
    if reason == 0:
        reason = volume_reason(volume)
    if reason == 0:
        reason = change_reason(change)
    if reason == 0:
        reason = time_reason(timestamp_ns, now_ns, rules)
    return reason


cdef inline int side_reason(double price, double size, const Rules* rules) noexcept nogil:
    """An absent side has no size."""
    if is_absent(price):
        return REASON_NONE if size == 0.0 else REASON_SIZE
    if not amount_is_good(size):
        return REASON_SIZE
    return price_reason(price, rules)


cdef inline int quote_reason(
    double bid, double ask, double bid_size, double ask_size, int64_t timestamp_ns, int64_t now_ns, const Rules* rules
) noexcept nogil:
    cdef int reason
    if is_absent(bid) and is_absent(ask):
        return REASON_NO_SIDE
    reason = side_reason(bid, bid_size, rules)
    if reason == 0:
        reason = side_reason(ask, ask_size, rules)
    if reason == 0:
        reason = time_reason(timestamp_ns, now_ns, rules)
    return reason

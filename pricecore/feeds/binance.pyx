"""Binance messages: trade, aggTrade, bookTicker and 24hrTicker of spot and futures, in a combined stream or bare,
or a list of them (`!ticker@arr`), each taken as if it came alone.

| message | becomes | time |
| --- | --- | --- |
| trade, aggTrade | `update`: price p, volume q | T, when the trade was made |
| 24hrTicker | `update`: price c, volume Q (last quantity, never the 24 h volume), change P in percent | E, the event |
| bookTicker | `update_quote`: b, a, sizes B, A; a side of price 0 is absent | T, the transaction; none on spot |

T and not the event time E, because T is when the price was made and E when the message was. Times are ms, or us on
connections opened with `timeUnit=MICROSECOND`. Spot's bookTicker names no event: it is known by its symbol and sides.
Numbers checked: t of trades and a of aggregated ones, which are complete for each symbol.
Whatever else is JSON (depth, candles, acks, snapshots) carries no price and is ignored.

Trades and book tickers, as Binance writes them, are flat JSON without blanks: they are read in C (`flat_json`). Every
message that is not plain, of another kind, or has anything unusual in it goes to msgspec, which decides.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.unicode cimport PyUnicode_FromStringAndSize
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp

from pricecore.feeds.flat_json cimport (
    TEXT, Field, Flat, decimal_of, field_of, flat_read, has, is_text, letters, text_end, whole_of,
)
from pricecore.feeds.sequences cimport Series
from pricecore.feeds.sink cimport Sink

from msgspec import DecodeError, MsgspecError, Raw
from msgspec.json import Decoder
from msgspec.structs import astuple

from pricecore.feeds.binance_events import Bare, Combined, Listed
from pricecore.feeds.decoding import content_of, judge
from pricecore.errors import MalformedError

_PRICED = ("trade", "aggTrade", "bookTicker", "24hrTicker")
_SPOT_BOOK = {"u", "s", "b", "B", "a", "A"}


cdef enum:                                      # the fields of Event, in their order
    KIND, SYMBOL, PRICE, SIZE, BID, BID_SIZE, ASK, ASK_SIZE, LAST, LAST_SIZE, CHANGE, TIME, EVENT_TIME, TRADE_ID

cdef enum:
    STREAM_BYTES = 10                           # of `{"stream":`
    DATA_BYTES = 8                              # of `,"data":`
    NOT_PLAIN = -2

cdef double EXACT_BELOW = 2.0**53               # a double holds every whole number up to here
cdef object NAN = float("nan")
cdef int64_t MAX_MILLISECONDS = 9 * 10**12      # more do not fit as ns
_FIRST_MICROSECOND_TIME = 10**14                # read as ms: the year 5138

# The letters of Event, and those that a kind may bring: with another one, msgspec looks at its type as well.
cdef uint64_t TRADE_LETTERS = letters(b"esEpqTt")
cdef uint64_t AGGREGATE_LETTERS = letters(b"esEpqTa")
cdef uint64_t BOOK_LETTERS = letters(b"esETbBaA")
cdef uint64_t ALL_LETTERS = letters(b"esEpqTtbBaAcQP")


@cython.final
@cython.no_gc_clear             # it counts in the sink
cdef class BinanceDecoder:
    """The decoder of one source."""

    def __cinit__(self, Sink sink not None):
        self.sink = sink
        self.trade_ids = sink.number_series()
        self.aggregate_ids = sink.number_series()
        # strict=False reads the numbers that Binance sends as strings; declared as str they would cost a float() each.
        self.decode_combined = Decoder(Combined, strict=False).decode
        self.decode_bare = Decoder(Bare, strict=False).decode
        self.decode_list = Decoder(Listed | list[Raw]).decode

    def decode(self, bytes message not None):
        """Hand the price of one message on; return how many there were. As `formats.Decode`."""
        cdef Flat event
        cdef int prices = NOT_PLAIN
        if read_event(message, &event):
            prices = self.take(&event)
        return self.decode_any(message) if prices == NOT_PLAIN else prices

    def decode_any(self, bytes message not None):
        """As `decode`, all by msgspec."""
        try:
            if not message.isascii():
                message.decode()            # msgspec does not check the fields that it skips for UTF-8
            if starts_combined(message):
                event = self.decode_combined(message).data
            else:
                event = self.decode_bare(message)
                event = event.data or event
        except DecodeError:
            events = self.events_of(message)
            return judge(message, _carries_price) if events is None else self.hand_on_all(events)
        return self.hand_on(astuple(event))

    cdef list events_of(self, bytes message):
        """Return the events of a list, not decoded; None: the message is no list."""
        try:
            content = self.decode_list(message)
        except DecodeError:
            return None
        return content if type(content) is list else content.data

    cdef int hand_on_all(self, list events) except -1:
        """Hand on each event; one that cannot be read does not keep the others back, but is raised in the end."""
        cdef int prices = 0
        unreadable = None
        for event in events:
            try:
                prices += self.hand_on_one(event)
            except (MsgspecError, MalformedError, OverflowError) as error:
                unreadable = error
        if unreadable is not None:
            raise unreadable
        return prices

    cdef int hand_on_one(self, object raw) except -1:
        try:
            event = self.decode_bare(raw)
        except DecodeError:
            return judge(bytes(raw), _carries_price)
        return self.hand_on(astuple(event))

    cdef int take(self, const Flat* event) except -1:
        """Hand on a plain trade or book ticker; nothing is done before all of it is read."""
        if is_text(event, b"e", b"trade", 5):
            return self.take_trade(event, TRADE_LETTERS, b"t", self.trade_ids)
        if is_text(event, b"e", b"aggTrade", 8):
            return self.take_trade(event, AGGREGATE_LETTERS, b"a", self.aggregate_ids)
        if is_text(event, b"e", b"bookTicker", 10) or not has(event, b"e"):
            return self.take_quote(event)
        return NOT_PLAIN

    cdef int take_trade(self, const Flat* event, uint64_t known, char number_letter, Series numbers) except -1:
        cdef double price, volume = 0.0
        cdef int64_t time = 0, event_time = 0, number = 0
        if (event.present & ALL_LETTERS & ~known
                or not decimal_of(event, b"p", &price)
                or not (decimal_of(event, b"q", &volume) or not has(event, b"q"))
                or not (whole_of(event, b"T", &time) and whole_of(event, b"E", &event_time))
                or not (whole_of(event, number_letter, &number) and number < EXACT_BELOW)):
            return NOT_PLAIN
        symbol = symbol_of(event)
        if symbol is None:
            return NOT_PLAIN
        if number:
            numbers.check(symbol, number)
        return self.sink.trade(symbol, price, volume, ns_of(time), NAN)

    cdef int take_quote(self, const Flat* event) except -1:
        cdef double bid, ask, bid_size, ask_size
        cdef int64_t time = 0, event_time = 0
        if (event.present & ALL_LETTERS & ~BOOK_LETTERS
                or not (decimal_of(event, b"b", &bid) and decimal_of(event, b"a", &ask))
                or not (decimal_of(event, b"B", &bid_size) and decimal_of(event, b"A", &ask_size))
                or not (whole_of(event, b"T", &time) and whole_of(event, b"E", &event_time))):
            return NOT_PLAIN
        symbol = symbol_of(event)
        if symbol is None or not (bid and ask):
            return NOT_PLAIN
        return self.sink.quote(symbol, bid, ask, bid_size, ask_size, ns_of(time))

    cdef int hand_on(self, tuple event) except -1:
        # A tuple of all fields is read at once: one by one, they cost more than the decoding of a number.
        kind, symbol = event[KIND], event[SYMBOL]
        if kind == "trade":
            if event[TRADE_ID]:
                self.trade_ids.check(symbol, event[TRADE_ID])
            return self.trade(event, event[PRICE], event[SIZE], event[TIME], NAN)
        if kind == "bookTicker" or not kind:
            return self.quote(event)
        if kind == "aggTrade":
            number = event[ASK]                 # read as a price
            if type(number) is float and 0.0 < number < EXACT_BELOW:
                self.aggregate_ids.check(symbol, <int64_t><double>number)
            return self.trade(event, event[PRICE], event[SIZE], event[TIME], NAN)
        if kind == "24hrTicker":
            return self.trade(event, event[LAST], event[LAST_SIZE], event[EVENT_TIME], event[CHANGE])
        return 0

    cdef int trade(self, tuple event, price, volume, time, change_24h) except -1:
        if price is None or not event[SYMBOL]:
            raise MalformedError(f"{event[KIND]} without a price or a symbol")
        return self.sink.trade(event[SYMBOL], price, volume, as_ns(time), change_24h)

    cdef int quote(self, tuple event) except -1:
        bid, ask, symbol = event[BID], event[ASK], event[SYMBOL]
        if type(bid) is not float or type(ask) is not float or not symbol:
            if event[KIND]:
                raise MalformedError(f"{event[KIND]} without a side or a symbol")
            return 0                            # an answer or a snapshot, which name no event either
        if not (bid or ask):
            return 0                            # the book is empty
        return self.sink.quote(
            symbol, bid or NAN, ask or NAN, event[BID_SIZE], event[ASK_SIZE], as_ns(event[TIME]))


cdef bint read_event(bytes message, Flat* event) noexcept:
    """Read the event of a message, out of its envelope if it has one; False: not plain."""
    cdef const char* at = PyBytes_AS_STRING(message)
    cdef const char* end = at + PyBytes_GET_SIZE(message)
    if starts_combined(message):
        at = data_of(at, end)
        end -= 1
        if at == NULL or end[0] != b"}":
            return False
    return flat_read(at, end, event) == end


cdef const char* data_of(const char* at, const char* end) noexcept:
    """Return where the event begins behind `{"stream":"...","data":`; NULL: the envelope is written otherwise."""
    at = text_end(at + STREAM_BYTES, end)
    if at == NULL or end - at < DATA_BYTES or memcmp(at, b',"data":', DATA_BYTES) != 0:
        return NULL
    return at + DATA_BYTES


cdef inline object symbol_of(const Flat* event):
    """Return the symbol; None when it is absent, empty or no text."""
    cdef const Field* symbol = field_of(event, b"s")
    if symbol == NULL or symbol.kind != TEXT or symbol.length == 0:
        return None
    return PyUnicode_FromStringAndSize(symbol.text, symbol.length)


cdef inline bint starts_combined(bytes message) noexcept:
    return (PyBytes_GET_SIZE(message) > STREAM_BYTES
            and memcmp(PyBytes_AS_STRING(message), b'{"stream":', STREAM_BYTES) == 0)


cdef inline object ns_of(int64_t time):
    return time * 1_000_000 if time < MAX_MILLISECONDS else as_ns(time)


cdef inline object as_ns(object time):
    """Return a time of the venue in ns; one that fits no range stays too large, for the engine to refuse."""
    cdef int overflow = 0
    cdef int64_t time_ms = PyLong_AsLongLongAndOverflow(time, &overflow)
    if 0 <= time_ms < MAX_MILLISECONDS and not overflow:
        return time_ms * 1_000_000
    return time * 1_000_000 if time < _FIRST_MICROSECOND_TIME else time * 1_000


def decoder(sink):
    """Return a function that hands the prices of one message on and returns how many there were.

    Parameters
    ----------
    sink : Sink
        Receives the updates and counts them.

    Returns
    -------
    callable
        Takes a message as bytes; returns 1 for a price, in a list how many there were, and 0 for well-formed JSON
        without one and for blanks. Raises one of `sink.MALFORMED` when the message is no JSON, or is a price message
        with a field missing or unreadable; the other events of a list are handed on before.

    Threads: one at a time for each sink.
    Cost: about 1 us a message; allocates one struct.
    """
    return BinanceDecoder(sink).decode


def recognises(bytes message not None):
    """Tell whether this message has a shape that only Binance uses.

    Threads: any.
    Cost: decodes the message in full; for the first few of a source.
    """
    event = _event(content_of(message))
    return event.keys() >= {"e", "E"} or event.keys() >= _SPOT_BOOK or "lastUpdateId" in event


def _event(content):
    """Return the event, the first one of a list, with or without an envelope; empty when there is none."""
    event = content.get("data", content) if isinstance(content, dict) else content
    if isinstance(event, list) and event:
        event = event[0]
    return event if isinstance(event, dict) else {}


def _carries_price(content):
    event = _event(content)
    return event.get("e") in _PRICED or event.keys() >= _SPOT_BOOK

"""`Feed`: raw messages of one venue in, engine updates out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from pricecore.engine.price_engine import PriceEngine
from pricecore.errors import FormatError
from pricecore.feeds.formats import FORMATS, find_format
from pricecore.feeds.intake import Guard, Intake
from pricecore.feeds.sink import Sink
from pricecore.feeds.staleness import Staleness, tell, watch


@dataclass(frozen=True, slots=True)
class FeedCounts:
    """What became of the messages of one feed: received = priced + ignored + malformed."""

    received: int
    priced: int
    ignored: int
    """Well-formed, without a price: acks, heartbeats, order books, kinds nobody knows."""
    malformed: int
    trades: int
    """Prices handed to the engine, whatever it did with them."""
    quotes: int
    stored: int
    """Updates that became the latest of their symbol."""
    out_of_order: int
    refused: dict[str, int]
    """By the engine's reasons; see `pricecore.errors.REASONS`."""
    gaps: int
    """Times that numbers of the venue were left out, and reconnections."""
    missing: int
    """Numbers left out in all."""
    duplicates: int
    reconnects: int
    last_refused: str | None
    last_malformed: str | None
    """The newest such message, cut to 200 bytes, and why."""


class Feed(Intake):
    """Takes the messages of one venue from any websocket library, file or queue, and never raises on what they hold.

    Parameters
    ----------
    engine : PriceEngine
        Receives the updates, through a writer handle of the feed's own.
    format : str
        A name of `formats.FORMATS`: "binance", "bybit", "coinbase", "kraken", "okx", or one that was registered.
    prefix : str
        Put before every symbol as it is, for example "BINANCE:".
    stale_after_s : float or mapping of str to float, optional
        When symbols count as stale. A number: once the whole feed has been silent for so long, all its symbols whose
        price is that old; while messages of any kind arrive, a symbol without a price is a quiet market. A mapping
        from the engine's symbols: each of them after its own time without a price, whatever else arrives, also when
        it never came at all.
    on_stale : callable, optional
        Called with the list of symbols that have become stale, each once until it recovers; the list is empty when a
        feed is silent that has not brought a symbol yet. Runs in a thread of the feed's own; what it raises is logged.

    Attributes
    ----------
    received, ignored, malformed, last_malformed
        Those of `counts`, one by one: for who reads them often.

    Raises
    ------
    FormatError
        No such format, or one whose lines are not messages.
    TypeError, ValueError
        Another argument is of a wrong type or out of its range.

    Threads: `feed` and `reconnected` one at a time, all else any. A feed of its own for each connection.
    Cost: one writer handle of the engine; with `on_stale` one thread.

    Examples
    --------
    >>> import pricecore
    >>> from pricecore.feeds import Feed
    >>> with pricecore.PriceEngine() as engine:
    ...     feed = Feed(engine, "binance", prefix="BINANCE:")
    ...     feed.feed('{"e":"trade","s":"BTCUSDT","t":1,"p":"61837.63","q":"0.02","T":1723161255342}')
    ...     engine.price("BINANCE:BTCUSDT")
    1
    61837.63
    """

    def __init__(
        self,
        engine: PriceEngine,
        format: str,  # noqa: A002 - the name that the API fixes
        prefix: str = "",
        stale_after_s: float | Mapping[str, float] | None = None,
        *,
        on_stale: Callable[[list[str]], object] | None = None,
    ) -> None:
        if not isinstance(engine, PriceEngine):
            raise TypeError(f"engine must be a PriceEngine, not {type(engine).__name__}")
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, not {prefix!r}")
        if on_stale is not None and stale_after_s is None:
            raise ValueError("on_stale needs stale_after_s")
        row = find_format(format)
        if row.decoder is None:
            messages = ", ".join(name for name, other in FORMATS.items() if other.decoder is not None)
            raise FormatError(f"the lines of {format!r} are not messages; a feed takes {messages}")
        self._staleness = Staleness(engine, stale_after_s)
        self._guard = Guard(engine)
        self._sink = Sink(self._guard, prefix=prefix)
        self._reconnects = 0
        self._on_stale = on_stale
        super().__init__(self._guard, row.decoder(self._sink))
        self._watch = None if on_stale is None else watch(self, self._staleness.interval_s)

    @property
    def counts(self) -> FeedCounts:
        """What became of the messages so far, and samples of the newest that were refused or malformed.

        Threads: any; taken while another thread feeds, the figures may be a message apart.
        Cost: allocates; microseconds.
        """
        series = self._sink.series
        return FeedCounts(
            received=self.received,
            priced=self.received - self.ignored - self.malformed,
            ignored=self.ignored,
            malformed=self.malformed,
            trades=self._sink.trades,
            quotes=self._sink.quotes,
            stored=self._guard.stored,
            out_of_order=self._guard.out_of_order,
            refused=dict(self._guard.refused),
            gaps=sum(one.gaps for one in series) + self._reconnects,
            missing=sum(one.missing for one in series),
            duplicates=sum(one.duplicates for one in series),
            reconnects=self._reconnects,
            last_refused=self._guard.last_refused,
            last_malformed=self.last_malformed,
        )

    def reconnected(self) -> None:
        """Say that the messages from now on come over a new connection: a gap is counted, any number may follow.

        Threads: as `feed`.
        Cost: microseconds.
        """
        self._reconnects += 1
        for series in self._sink.series:
            series.reset()

    def stale_symbols(self) -> list[str]:
        """Return the symbols that are stale by `stale_after_s`; none without it.

        Threads: any.
        Cost: reads every symbol of the feed.
        """
        return self._staleness.symbols(list(self._sink.names.values()), self.last_message_age_s)

    def check_stale(self) -> list[str]:
        """Call `on_stale` if symbols have become stale since the last check, and return all that are.

        The feed's own thread does this; it is here for programs with a timer of their own.

        Threads: any.
        Cost: as `stale_symbols`, and the callback.
        """
        stale = self.stale_symbols()
        news = self._staleness.news(stale, self.last_message_age_s)
        if news is not None and self._on_stale is not None:
            tell(self._on_stale, news)
        return stale

    def close(self) -> None:
        """Stop watching for stale symbols and give the writer handle back; the engine goes on.

        A message that is fed after that is still stored: one that arrives while a program ends is no error.

        Threads: any; a second call does nothing. Cost: microseconds; it does not wait for the watching thread.
        """
        if self._watch is not None:
            self._watch.set()
        self._guard.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""Level 5: `EngineView`, a look at another process's engine, and `attach`."""

import os
import weakref

from pricecore.engine.readable import Readable
from pricecore.engine.view import ViewCore
from pricecore.errors import PricecoreError
from pricecore.metrics.summary import Metrics

_live: "weakref.WeakSet[EngineView]" = weakref.WeakSet()


class EngineView(ViewCore, Readable):
    """Reads an engine that was made with a name, from any process and without its writer noticing.

    It has everything of `PriceEngine` that reads. When the writer is gone, the last prices stay readable and `alive`
    is False, also when the segment is removed; when it comes back, `generation` grows and the view goes on by itself,
    also when the new one has other sizes. `alive`, `generation`, `metrics` and `subscribe` look for it at once; other
    calls, while the segment is removed, look once in 51 ms.

    Parameters
    ----------
    name : str
        As the engine's.
    owner : int, optional
        The user whose segment is trusted; by default this user or root.

    Attributes
    ----------
    name, owner
        As they were given.
    segment : Segment
        The memory that holds everything: `segment.writer_pid`, `segment.generation`. The rest is this package's own;
        None once the view is closed.

    Raises
    ------
    SegmentError
        There is no such segment, or it is not to be trusted; the message says which.

    Threads: any. Cost: maps the segment; a read costs what it costs in the engine, and never waits for the writer.

    Examples
    --------
    >>> import pricecore
    >>> with pricecore.PriceEngine("docs") as engine, pricecore.attach("docs") as view:
    ...     engine.update("BINANCE:BTCUSDT", 61737.63)
    ...     view.price("BINANCE:BTCUSDT"), view.alive
    True
    (61737.63, True)
    """

    __slots__ = ()

    def __init__(self, name: str, owner: int | None = None) -> None:
        self._open(name, owner)
        _live.add(self)

    def metrics(self) -> Metrics:
        """Return the engine's figures as `PriceEngine.metrics` does; throughput, CPU and pool are of the last second,
        and of a log only what its thread tells: see `LogMetrics`.

        Threads: any. Cost: as there; the writer does not notice.
        """
        return self._gather()

    def __reduce__(self) -> tuple[type, tuple[str, int | None]]:
        return type(self), (self.name, self.owner)

    def __repr__(self) -> str:
        if self.closed:
            return f"<EngineView of {self.name!r}, closed>"
        try:
            return f"<EngineView of {self.name!r}: {len(self):,} symbols, writer {'alive' if self.alive else 'gone'}>"
        except PricecoreError as error:  # what has the name now cannot be read, or it was closed just now
            return f"<EngineView of {self.name!r}: {error}>"


def attach(name: str, owner: int | None = None) -> EngineView:
    """Return a view of the engine of this name; see `EngineView`.

    Raises
    ------
    SegmentError
        There is no such segment, or it is not to be trusted.

    Threads: any. Cost: maps the segment.
    """
    return EngineView(name, owner)


def _after_fork_in_child() -> None:
    for view in list(_live):
        view._forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

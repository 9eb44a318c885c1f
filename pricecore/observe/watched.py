"""Level 6: `Watched`, an engine followed by its name, whether it is there or not."""

import time
from collections.abc import Callable
from typing import Any, Self

from pricecore.engine.engine_view import EngineView, attach
from pricecore.errors import SegmentError
from pricecore.observe.state import NOT_FOUND, blank_state, dashboard_state, why_not
from pricecore.primitives.segment_names import check_name

LOOK_EVERY_S = 0.5


class Watched:
    """Follows an engine by its name: one that does not exist yet, dies, comes back, also with other sizes.

    Parameters
    ----------
    name : str
        As the engine's.
    owner : int, optional
        As `attach` takes it.
    clock : callable
        Monotonic seconds; tests pass their own.

    Raises
    ------
    ValueError, TypeError
        No engine can have this name.

    Threads: one at a time. Cost: while there is no engine, one look at the file system every 0.5 s at most.

    Examples
    --------
    >>> import pricecore
    >>> from pricecore.observe import Watched
    >>> with Watched("docs-watched") as watched:
    ...     watched.state()["status"]
    'not found'
    """

    def __init__(self, name: str, owner: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = check_name(name)
        self.owner = owner
        self.closed = False
        self._clock = clock
        self._look_at_s = float("-inf")
        self._view: EngineView | None = None
        self._trouble = (NOT_FOUND, "")

    @property
    def view(self) -> EngineView | None:
        """The view of the engine, once it was there; looks for it when it is time to."""
        if self._view is None and not self.closed and self._clock() >= self._look_at_s:
            self._look_at_s = self._clock() + LOOK_EVERY_S
            self._attach()
        return self._view

    def state(self) -> dict[str, Any]:
        """Return what `dashboard_state` returns; "not found" until the engine is there.

        Threads: one at a time. Cost: as there.
        """
        view = self.view
        if self.closed:
            return blank_state(self.name, "closed", "this watch was closed in this process")
        return blank_state(self.name, *self._trouble) if view is None else dashboard_state(view)

    def close(self) -> None:
        """Let the engine go; a second call does nothing.

        Threads: one at a time. Cost: that of closing a view.
        """
        self.closed = True
        view, self._view = self._view, None
        if view is not None:
            view.close()

    def _attach(self) -> None:
        try:
            self._view = attach(self.name, self.owner)
        except SegmentError as error:
            self._trouble = why_not(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Watched {self.name!r}, {'closed' if self.closed else self.state()['status']}>"

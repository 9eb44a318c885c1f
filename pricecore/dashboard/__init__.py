"""Level 7: the dashboard, a page about one or several engines; needs the extra `[dashboard]` (NiceGUI).

Importing this room needs no extra; `mount_dashboard` does.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pricecore.errors import MissingExtraError

if TYPE_CHECKING:
    from pricecore.observe.labelled import Source

__all__ = ["mount_dashboard", "need_nicegui"]


def mount_dashboard(app: Any, source: "Source | Iterable[Source]", path: str = "/dashboard") -> None:
    """Mount the dashboard into a FastAPI or Starlette application, before that is started.

    Parameters
    ----------
    app : FastAPI or Starlette
        Who may see the application may see the dashboard: it has no login of its own.
    source : PriceEngine, EngineView, str, or a list of these
        What is shown. A name is followed: an engine that does not exist yet, dies, comes back. Of several, visitors
        choose. An engine of this process may be reset from the page, others only be counted from now on.
    path : str
        Where the page stands. `path/healthz` answers "ok" and builds no page.

    Raises
    ------
    MissingExtraError
        NiceGUI is not installed; the message says what to install.
    RuntimeError
        This process has a dashboard, or another NiceGUI application; NiceGUI knows one a process.
    TypeError, ValueError
        An argument is none of these.

    Threads: the main thread, before the application starts. Cost: imports NiceGUI (about a second); afterwards a
    visitor costs some milliseconds a second, in the application's event loop.
    """
    need_nicegui()
    from pricecore.dashboard.mounting import mount

    mount(app, source, path)


def need_nicegui() -> None:
    """Raise MissingExtraError, which says what to install, unless NiceGUI is there."""
    try:
        import nicegui  # noqa: F401
    except ImportError:
        raise MissingExtraError('the dashboard needs NiceGUI: pip install "pricecore[dashboard]"') from None

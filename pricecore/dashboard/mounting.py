"""The page as part of an ASGI application: of somebody's service, or of `pricecore dashboard`."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from nicegui import app as nicegui_app
from nicegui import ui
from starlette.applications import Starlette
from starlette.requests import Request

from pricecore.dashboard.access import Gate
from pricecore.dashboard.header import theme_of
from pricecore.dashboard.page import DashboardPage
from pricecore.dashboard.visits import Visits
from pricecore.engine.engine_view import EngineView
from pricecore.engine.price_engine import PriceEngine
from pricecore.observe import Labelled, PerformanceTest, Watched, labelled
from pricecore.observe.labelled import Source

TITLE = "pricecore"
MAX_SOURCES = 64
_STYLE = Path(__file__).with_name("page.css")
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d4fd8"/>'
    '<path d="M6 21l6-8 5 5 8-11" fill="none" stroke="#fff" stroke-width="3.2" stroke-linejoin="round" '
    'stroke-linecap="round"/></svg>'
)
_RECONNECT_S = 5.0


def mount(
    app: Any,
    source: Source | Iterable[Source],
    path: str = "/dashboard",
    *,
    token: str | None = None,
    hosts: Collection[str] | None = None,
    test: PerformanceTest | None = None,
) -> None:
    """Mount the page; see `pricecore.dashboard.mount_dashboard`. `token` and `hosts` are those of `Gate`."""
    if not isinstance(app, Starlette):
        raise TypeError(f"app must be a FastAPI or Starlette application, not {app!r}")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f"path is {path!r}; it must begin with /")
    if nicegui_app.config.has_run_config:
        raise RuntimeError(
            "this process has a dashboard or a NiceGUI application already, and NiceGUI knows one a process: give "
            "mount_dashboard all engines in one call, or run `pricecore dashboard NAME` beside"
        )
    several = sources_of(source)
    visits, tester = Visits(), test or PerformanceTest()

    @ui.page("/", title=TITLE)
    def page(request: Request) -> None:
        visits.add(ui.context.client)
        DashboardPage(several, tester, request.query_params.get("engine", ""), theme_of(request.cookies))

    ui.add_css(_STYLE.read_text(), shared=True)

    @nicegui_app.on_shutdown
    def close() -> None:
        for one in several:
            one.close()

    ui.run_with(
        app,  # type: ignore[arg-type]  # it asks for FastAPI and uses what Starlette has
        mount_path=path.rstrip("/") or "/",
        title=TITLE,
        favicon=_ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=_RECONNECT_S,
        show_welcome_message=False,
    )
    nicegui_app.add_middleware(Gate, token=token, hosts=hosts)


def sources_of(source: Source | Iterable[Source]) -> list[Labelled]:
    """Return what is to be shown, each under a label of its own.

    Raises
    ------
    TypeError, ValueError
        There is none, too many, one twice, or something that is no source.
    """
    several = [source] if isinstance(source, PriceEngine | EngineView | Watched | Labelled | str) else source
    if not isinstance(several, Iterable):
        raise TypeError(f"source must be a PriceEngine, an EngineView, a name, or several, not {source!r}")
    found = labelled(several)
    if not 1 <= len(found) <= MAX_SOURCES:
        raise ValueError(f"{len(found)} engines to show; there must be 1 to {MAX_SOURCES}")
    return found

"""`pricecore dashboard`: the page as a process of its own."""

import signal
import socket
from collections.abc import Callable, Iterable

import uvicorn
from starlette.applications import Starlette

from pricecore.dashboard.addresses import LOOPBACK_HOSTS
from pricecore.dashboard.mounting import mount
from pricecore.observe import PerformanceTest
from pricecore.observe.labelled import Source

_END_WITHIN_S = 1


class Serving(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def serve(
    source: Source | Iterable[Source],
    listening: socket.socket,
    on_ready: Callable[[], None],
    token: str | None = None,
    test: PerformanceTest | None = None,
) -> None:
    """Serve the page until Ctrl-C or SIGTERM, which raise KeyboardInterrupt.

    Without a token only requests that call this machine by a name of loopback are answered.

    Threads: the main thread. Cost: blocks; a visitor costs some milliseconds a second.
    """
    app = Starlette()
    own_name = str(listening.getsockname()[0])
    mount(app, source, "/", token=token, hosts=None if token else {*LOOPBACK_HOSTS, own_name}, test=test)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=_END_WITHIN_S, server_header=False
    )
    Serving(config, on_ready).run([listening])

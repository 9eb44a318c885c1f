"""An ASGI application served by uvicorn on a real socket, in a thread of this process; and its server-sent events."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from helpers.waiting import PATIENCE_S, until


@contextmanager
def served(app) -> Iterator[httpx.Client]:
    """Serve it; yield a client. What the application raised at its start is raised at the end."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="on", log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), name="uvicorn")
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=PATIENCE_S) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listening.close()


def events_of(response: httpx.Response) -> Iterator[tuple[str, object]]:
    """Yield name and content of each server-sent event; ("", text) of a comment."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
        elif line.startswith(":"):
            yield "", line.removeprefix(":").strip()

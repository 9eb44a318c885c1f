"""Visits that never open a websocket (crawlers, checks, half-loaded pages) hold memory only for a while, and few."""

from nicegui import Client

MAX_WAITING = 32


class Visits:
    """Keeps the visits whose browser has not connected yet, the oldest first, and at most `most` of them.

    NiceGUI lets such a visit go after a minute; until then it holds some hundred kilobytes.

    Threads: the event loop's. Cost: microseconds a visit.
    """

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most = most
        self._waiting: dict[str, Client] = {}

    def add(self, client: Client) -> None:
        """Take note of a new visit; lets the oldest go that is one too many."""
        self._waiting[client.id] = client
        client.on_connect(lambda: self._forget(client.id))
        client.on_delete(lambda: self._forget(client.id))
        while len(self._waiting) > self._most:
            self._waiting.pop(next(iter(self._waiting))).delete()

    def __len__(self) -> int:
        return len(self._waiting)

    def _forget(self, client_id: str) -> None:
        self._waiting.pop(client_id, None)

"""A venue on loopback: a websocket server that plays a script of messages and faults to one client after the other.

A script is data: one entry for each connection that the client will try, an entry being `Refuse` or a list of steps.
After the last entry the server accepts once more, sets `finished` and sends nothing: the client that comes back has
taken all that was sent before. Each connection starts when the client has sent its subscription, as at a real venue.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from helpers.waiting import PATIENCE_S

BEAT_S = 0.01


@dataclass(frozen=True)
class Refuse:
    """No connection: the request to upgrade is answered with an error of HTTP, or, with None, the line goes dead."""

    status: int | None = 503


class Line:
    """One connection, and the messages that were sent whole on it."""

    def __init__(self, websocket: ServerConnection, stopped: threading.Event) -> None:
        self.websocket = websocket
        self.sent: list[bytes] = []
        self._stopped = stopped

    def send(self, message: bytes, text: bool = True) -> None:
        self.websocket.send(message, text=text)
        self.sent.append(message)

    def wait(self, event: threading.Event) -> bool:
        """Wait one beat for an event of the test; tell whether the step is over."""
        return event.wait(BEAT_S) or self._stopped.is_set()

    def settle(self) -> None:
        """Return when the client has read everything so far: it answers a ping in its turn."""
        assert self.websocket.ping().wait(PATIENCE_S), "no answer to a ping"


@dataclass(frozen=True)
class Messages:
    """Text frames, as fast as the client takes them."""

    messages: Sequence[bytes]

    def play(self, line: Line) -> None:
        for message in self.messages:
            line.send(message)


@dataclass(frozen=True)
class Binary:
    """One message in a binary frame."""

    message: bytes

    def play(self, line: Line) -> None:
        line.send(self.message, text=False)


@dataclass(frozen=True)
class InPieces:
    """One message in frames of `size` bytes, with control frames between them."""

    message: bytes
    size: int = 40

    def play(self, line: Line) -> None:
        line.websocket.send(self._pieces(line), text=True)
        line.sent.append(self.message)

    def _pieces(self, line: Line):
        for start in range(0, len(self.message), self.size):
            yield self.message[start : start + self.size]
            line.websocket.pong(b"nobody asked")
            line.settle()


@dataclass(frozen=True)
class Stall:
    """Connected, pings are answered, and no message comes until the test sets the event."""

    until: threading.Event

    def play(self, line: Line) -> None:
        while not line.wait(self.until):
            pass


@dataclass(frozen=True)
class Repeat:
    """The same message again and again until the test sets the event."""

    message: bytes
    until: threading.Event

    def play(self, line: Line) -> None:
        line.send(self.message)
        while not line.wait(self.until):
            line.send(self.message)


@dataclass(frozen=True)
class Drop:
    """TCP ends without a close frame, which the client sees as 1006; `half` is a message begun and never ended."""

    half: bytes | None = None

    def play(self, line: Line) -> None:
        if self.half is None:
            self._cut(line)
            return
        try:
            line.websocket.send(self._begun(line), text=True)
        except (OSError, ConnectionClosed):
            return
        raise AssertionError("the half message was sent whole")

    def _begun(self, line: Line):
        yield self.half
        self._cut(line)

    def _cut(self, line: Line) -> None:
        line.settle()
        line.websocket.socket.shutdown(SHUT_RDWR)


@dataclass(frozen=True)
class Close:
    """The venue says goodbye."""

    code: int = 1000

    def play(self, line: Line) -> None:
        line.websocket.close(self.code)


class ReplayServer:
    """The server; a context manager. A client that leaves in mid-script is an error, unless it `may_leave`.

    Attributes
    ----------
    lines : list of Line
        The connections that were accepted and subscribed, in order.
    subscriptions : list
        What each of them sent first.
    goodbyes : list of int
        With which code the client left the last connection.
    """

    def __init__(self, *script: Refuse | Sequence[object], may_leave: bool = False) -> None:
        self.lines: list[Line] = []
        self.subscriptions: list[str | bytes] = []
        self.goodbyes: list[int] = []
        self.finished = threading.Event()
        self._entries = iter(script)
        self._may_leave = may_leave
        self._stopped = threading.Event()
        self._errors: list[BaseException] = []
        self._players: list[threading.Thread] = []
        self._server = serve(self._play, "127.0.0.1", 0, process_request=self._answer, ping_interval=None)
        self._thread = threading.Thread(target=self._server.serve_forever, name="replay-server")
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/stream"

    def _answer(self, websocket: ServerConnection, request: object):
        websocket.entry = next(self._entries, None)
        if not isinstance(websocket.entry, Refuse):
            return None
        if websocket.entry.status is None:
            websocket.socket.shutdown(SHUT_RDWR)
            raise ConnectionAbortedError("as the script says")
        return websocket.respond(websocket.entry.status, "not now\n")

    def _play(self, websocket: ServerConnection) -> None:
        self._players.append(threading.current_thread())
        try:
            line = Line(websocket, self._stopped)
            self.subscriptions.append(websocket.recv(PATIENCE_S))
            self.lines.append(line)
            if websocket.entry is None:
                self._hold(websocket)
            else:
                for step in websocket.entry:
                    step.play(line)
        except ConnectionClosed as error:
            if not self._may_leave:
                self._errors.append(error)
        except Exception as error:
            self._errors.append(error)

    def _hold(self, websocket: ServerConnection) -> None:
        self.finished.set()
        try:
            websocket.recv()
        except ConnectionClosed as closed:
            self.goodbyes.append(1006 if closed.rcvd is None else closed.rcvd.code)

    def wait(self) -> None:
        """Return when the client has taken the whole script and is back."""
        assert self.finished.wait(PATIENCE_S), f"connection {len(self.lines)} of the script did not end: {self._errors}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        for thread in (self._thread, *self._players):
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), f"{thread.name} does not end"
        if self._errors and kind is None:
            raise self._errors[0]

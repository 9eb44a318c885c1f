"""A price read from another process's engine beside GET of a Redis server on loopback.

Wall time, since most of a GET is waiting. Judged beside redis-py, the client that Python programs use; shown beside a
bare socket that sends ready-made bytes and does not look at the answer, which no client can beat.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import repeat
from multiprocessing.connection import Connection

import pricecore

from .neighbours import interleaved, neighbour
from .report import Row, Skipped

NAME = "redis"
SYMBOL = "BINANCE:BTCUSDT"
PRICE = 61_737.63
LIMIT = 0.001
OFTENER = 100
"""Than a GET a price is read in a round, so that both take long enough for the clock."""
START_S = 20.0


def command(*words: str) -> bytes:
    """Return a command in Redis's protocol."""
    return f"*{len(words)}\r\n".encode() + b"".join(b"$%d\r\n%b\r\n" % (len(w), w.encode()) for w in words)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connected(port: int) -> socket.socket:
    """Return a connection to the server as soon as it listens."""
    give_up_s = time.monotonic() + START_S
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=START_S)
        except ConnectionRefusedError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.02)
        else:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client


@contextmanager
def redis_server() -> Iterator[int]:
    """Run a server with nothing kept on disk; give its port, a free one of loopback."""
    program = shutil.which("redis-server")
    if program is None:
        raise Skipped("redis-server is not installed (Debian's package of that name)")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning"]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        server.kill()
        server.wait()


def bare_get(client: socket.socket) -> Callable[[str], bytes]:
    """Store the price; return what gets it, whatever it is asked for."""
    send, receive, get = client.sendall, client.recv, command("GET", SYMBOL)
    send(command("SET", SYMBOL, str(PRICE)))
    if receive(4_096) != b"+OK\r\n":
        raise RuntimeError("the server on this port is not ours")

    def ask(_symbol: str) -> bytes:
        send(get)
        return receive(4_096)

    return ask


def client_get(port: int) -> Callable[[str], bytes]:
    import redis

    return redis.Redis(port=port).get


def write(pipe: Connection) -> None:
    engine = pricecore.PriceEngine(NAME)
    engine.update(SYMBOL, PRICE)
    pipe.send("written")
    pipe.recv()


def calls(read: Callable[[str], object], operations: int) -> Callable[[], None]:
    def body() -> None:
        for _ in repeat(None, operations):
            read(SYMBOL)

    return body


def rows(quick: bool) -> Iterator[Row]:
    rounds, gets = (5, 200) if quick else (30, 1_000)
    with redis_server() as port, connected(port) as client, neighbour(write), pricecore.attach(NAME) as view:
        bodies = {"view": calls(view.price, OFTENER * gets), "a bare socket": calls(bare_get(client), gets)}
        if find_spec("redis"):
            bodies["redis-py"] = calls(client_get(port), gets)
        times = interleaved(bodies, gets, rounds, time.perf_counter_ns)
    ours = times.pop("view") / OFTENER
    for client_name, theirs in times.items():
        limit = LIMIT if client_name == "redis-py" else None
        yield Row("view.price", "ns", ours, f"Redis GET by {client_name}", theirs, limit)
    if "redis-py" not in times:
        raise Skipped("not judged: redis-py is not installed")

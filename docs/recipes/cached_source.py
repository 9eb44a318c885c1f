"""A slow price source over HTTP with a cache in front: what is hot is answered at once, the rest waits for the source.

However many threads ask for an instrument at once, the source is asked once; what is older than `ttl_s` is asked for
anew; an error is nobody's price and is not kept. Run it: `python cached_source.py` starts a slow source on loopback,
asks it directly and through the cache, and prints both.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import quote, unquote

from pricecore import PriceCache, PriceEngine

TIMEOUT_S = 5.0


class Source:
    """A REST price source: GET /price/SYMBOL answers {"price": 1.5}, or 404. Any thread may ask.

    Connections are kept open, as many as there were threads asking at once.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._idle: list[http.client.HTTPConnection] = []

    def price(self, symbol: str) -> float | None:
        """Ask the source; None: it knows no such instrument. OSError and HTTPException: it cannot be asked."""
        status, content = self._get(f"/price/{quote(symbol, safe='')}")
        if status == 404:
            return None
        if status != 200:
            raise http.client.HTTPException(f"{symbol}: the source answered {status}")
        return float(json.loads(content)["price"])

    def _get(self, path: str) -> tuple[int, bytes]:
        with suppress(IndexError, ConnectionError):  # none is idle, or this one was closed at the other end meanwhile
            return self._get_by(self._idle.pop(), path)
        return self._get_by(http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S), path)

    def _get_by(self, connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return response.status, content

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def cached(source: Source, capacity: int, ttl_s: float) -> PriceCache[str, float]:
    """Return a cache of the source's prices: `cache.get_or_load(symbol)`, or `await cache.aget_or_load(symbol)`."""
    return PriceCache(capacity, ttl_s=ttl_s, loader=source.price)


# From here on: the slow source of the example, and its measurement. No part of what you paste.


class SlowHandler(BaseHTTPRequestHandler):
    """Answers after a while, as a source behind a database and a network does."""

    protocol_version = "HTTP/1.1"  # keeps connections open
    disable_nagle_algorithm = True
    delay_s = 0.003
    asked = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            type(self).asked += 1
        time.sleep(self.delay_s)
        symbol = unquote(self.path.removeprefix("/price/"))
        known = symbol.startswith("SYM")
        content = json.dumps({"price": 100.0 + len(symbol)}).encode() if known else b""
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def slow_source() -> Iterator[tuple[Source, type[SlowHandler]]]:
    """Serve prices on loopback; yield how to ask, and the handler that counts what it was asked."""

    class Handler(SlowHandler):
        asked = 0

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        try:
            with closing(Source("127.0.0.1", server.server_port)) as source:
                yield source, Handler
        finally:
            server.shutdown()
            serving.join()


class Figures(NamedTuple):
    """What a way of asking costs."""

    p50_ms: float
    p95_ms: float
    asked: int
    """Requests that the source got."""
    hit_rate: float


def wanted(instruments: int, requests: int) -> list[str]:
    """Return what a service is asked for: few instruments often, most of them now and then."""
    names = [f"SYM{i}" for i in range(instruments)]
    return random.Random(1).choices(names, [1 / (i + 1) for i in range(instruments)], k=requests)


def latencies_ms(ask: Callable[[str], object], symbols: Sequence[str], threads: int = 4) -> list[float]:
    """Return how long each request took, sorted."""

    def timed(symbol: str) -> float:
        begin_ns = time.perf_counter_ns()
        ask(symbol)
        return (time.perf_counter_ns() - begin_ns) / 1e6

    with ThreadPoolExecutor(threads) as pool:
        return sorted(pool.map(timed, symbols))


def compare(instruments: int = 250, capacity: int = 200, requests: int = 4_000) -> dict[str, Figures]:
    """Ask the source directly, then through a warm cache."""
    symbols, found = wanted(instruments, requests), {}
    with slow_source() as (source, handler), PriceEngine() as engine:
        cache = cached(source, capacity, ttl_s=60.0)
        engine.add_cache("prices", cache)  # its figures join engine.metrics(), also in other processes
        cache.warm(dict.fromkeys(symbols[: requests // 4]))
        for name, ask in (("source", source.price), ("cache", cache.get_or_load)):
            cache.reset_stats()
            handler.asked = 0
            taken = latencies_ms(ask, symbols)
            hit_rate = engine.metrics().caches["prices"].hit_rate
            found[name] = Figures(taken[len(taken) // 2], taken[len(taken) * 95 // 100], handler.asked, hit_rate)
    return found


if __name__ == "__main__":
    for name, figures in compare().items():
        print(
            f"{name:6}  p50 {figures.p50_ms:6.3f} ms  p95 {figures.p95_ms:6.3f} ms"
            f"  {figures.asked:5,} requests to the source  hit rate {figures.hit_rate:.1%}"
        )

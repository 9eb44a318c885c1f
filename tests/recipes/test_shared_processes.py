"""One feed process and a service of two workers, served as README says; feed and workers are killed and come back."""

import os
import re
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from helpers.processes import started
from helpers.replay_server import Messages, ReplayServer, Stall
from helpers.served import events_of
from helpers.venue_day import capture, count_priced, last_trades
from helpers.waiting import PATIENCE_S, until

from pricecore import SegmentError, attach

TICKS = capture()
HALF = 400
SERVERS = {
    "uvicorn": "uvicorn shared_service:app --workers 2 --port 0 --timeout-graceful-shutdown 1",
    "gunicorn": "gunicorn shared_service:app --preload --worker-class asgi --workers 2 --bind 127.0.0.1:0 "
    "--graceful-timeout 1 --asgi-disconnect-grace-period 0 --no-control-socket",
}


@pytest.fixture
def start(recipes_on_the_path, segments, tmp_path):
    """Return a context manager that starts a command in the folder of the recipes."""

    def in_the_folder(name, *command, **environment):
        printed = tmp_path / name
        return started(sys.executable, *command, folder=recipes_on_the_path, printed=printed, **environment)

    return in_the_folder


@pytest.fixture
def feed(start):
    def on(venue, name="feed"):
        return start(name, "shared_feed.py", venue.url, "--name=md", "--subscribe={}")

    return on


class Service:
    """A client that makes a new connection for every request, so that any worker may answer."""

    def __init__(self, process, address):
        self.process = process
        self.client = httpx.Client(base_url=address, timeout=PATIENCE_S, headers={"Connection": "close"})

    def get(self, path):
        """Return status and content; None while a worker that had the connection ends."""
        try:
            answer = self.client.get(path)
        except httpx.TransportError:
            return None, {}
        return answer.status_code, answer.json()

    def workers(self, count=2, besides=()):
        """Return the processes that answered, as soon as there are so many of them besides others."""
        found = set()

        def ask():
            found.add(self.get("/health")[1].get("pid"))
            return len(found - {None, *besides}) == count

        self.process.until(ask)
        return found - {None, *besides}

    def prices(self):
        return {symbol: row["price"] for symbol, row in self.get("/prices")[1].items() if row["price"] is not None}


@pytest.fixture(params=SERVERS)
def service(request, start):
    """Return a context manager that serves the recipe with two workers and yields a `Service`."""
    if request.param == "gunicorn":
        pytest.importorskip("gunicorn", reason="no gunicorn")

    @contextmanager
    def serve():
        with start("service", "-m", *SERVERS[request.param].split(), PRICECORE_NAME="md", MAX_AGE_S="3600") as process:
            process.until(lambda: re.search(r"http://[\d.:]+\d", process.text))
            one = Service(process, re.search(r"http://[\d.:]+\d", process.text)[0])
            with one.client:
                process.until(lambda: one.get("/health")[0])
                yield one

    serve.server = request.param
    return serve


@contextmanager
def stream(service):
    with service.client.stream("GET", "/stream") as response:
        yield events_of(response)


def next_of(events, name):
    return next(content for found, content in events if found == name)


def attached():
    """Return a view once the feed is there."""
    views = []

    def found():
        try:
            views.append(attach("md"))
        except SegmentError:
            return False
        return True

    until(found)
    return views[0]


def sequence_of(view):
    return view.metrics().ring.sequence


def descriptors(pid, kind):
    """Return how many descriptors of a kind a process has open."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except FileNotFoundError:  # closed meanwhile
            continue
    return sum(kind in link for link in links)


def test_workers_read_on_when_the_feed_is_killed_and_follow_the_next_one(feed, service):
    killed, never = threading.Event(), threading.Event()
    script = [Messages(TICKS[:HALF]), Stall(killed)], [Messages(TICKS[HALF:]), Stall(never)]
    with ReplayServer(*script, may_leave=True) as venue, feed(venue) as first, attached() as view:
        first.until(lambda: sequence_of(view) == count_priced(TICKS[:HALF]) + 2)  # and two names of symbols
        with service() as workers, stream(workers) as events:
            assert len(workers.workers()) == 2
            assert workers.prices() == last_trades(TICKS[:HALF])
            assert next_of(events, "prices")
            first.kill()
            killed.set()
            assert "is gone" in next_of(events, "writer-gone")["detail"]
            status, health = workers.get("/health")
            assert (status, health["alive"]) == (503, False)
            assert workers.prices() == last_trades(TICKS[:HALF])
            with feed(venue, "next feed") as second:
                next_of(events, "writer-back")
                second.until(lambda: sequence_of(view) == count_priced(TICKS) + 2)
                assert workers.prices() == last_trades(TICKS)
                status, health = workers.get("/health")
                assert (status, health["alive"], health["generation"]) == (200, True, 2)
                assert next_of(events, "prices")


def test_workers_that_are_killed_or_reloaded_read_and_stream(feed, service):
    never = threading.Event()
    script = [Messages(TICKS), Stall(never)]
    with ReplayServer(script, may_leave=True) as venue, feed(venue) as writer, attached() as view:
        writer.until(lambda: sequence_of(view) == count_priced(TICKS) + 2)
        with service() as workers:
            first = workers.workers()
            killed = min(first)
            os.kill(killed, signal.SIGKILL)
            second = workers.workers(besides={killed})
            assert len(second - first) == 1
            workers.process.process.send_signal(signal.SIGHUP)
            third = workers.workers(besides=first | second)
            until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in first | second))
            assert workers.prices() == last_trades(TICKS)
            reads_and_streams(workers, third)
            if service.server == "gunicorn":  # which opened it before it forked
                assert "pricecore-md" in Path(f"/proc/{workers.process.process.pid}/maps").read_text()
            with stream(workers) as events:
                assert next_of(events, "prices")
                assert workers.process.end() == 0, workers.process.text


def reads_and_streams(workers, pids):
    """Every worker gets a stream, and has let go of it when its client has left."""
    before = {pid: descriptors(pid, "inotify") for pid in pids}
    listened = set()
    while listened != pids:
        with stream(workers) as events:
            rows = next_of(events, "prices")
            until(lambda: any(descriptors(pid, "inotify") > before[pid] for pid in pids))
            listened |= {pid for pid in pids if descriptors(pid, "inotify") > before[pid]}
        assert {row["symbol"]: row["price"] for row in rows if "price" in row} == last_trades(TICKS)
        until(lambda: {pid: descriptors(pid, "inotify") for pid in pids} == before)

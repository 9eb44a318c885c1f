"""Who looks at an engine: dashboard and visitor, or a state reader; exporter, scraper; each in a process of its own."""

import asyncio
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from across_processes.neighbours import neighbour, sleep_until
from visiting.server import server, until_come, visitor

from pricecore.observe import Watched

EVERY_S = 1.0
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: pricecore, static_configs: [{{targets: ["{target}"]}}]}}]
"""


def read_state(pipe: Connection, name: str) -> None:
    """Read the state each second, as page and terminal view do; answer with the CPU time used so far."""
    with Watched(name) as watched:
        watched.state()
        pipe.send(None)
        due_s = time.monotonic()
        while True:
            watched.state()
            due_s += EVERY_S
            while pipe.poll(max(0.0, due_s - time.monotonic())):
                pipe.recv()
                pipe.send(time.process_time())


def visit(pipe: Connection, address: str) -> None:
    """Hold a page open that refreshes each second; begin once it has, and go on for ever.

    It stands for a browser on another machine: it has a core when nobody else wants one.
    """
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    async def stay() -> None:
        async with visitor(address) as come:
            await until_come(come, 2)
            pipe.send(None)
            await asyncio.Event().wait()

    asyncio.run(stay())


@contextmanager
def onlooker(name: str) -> Iterator[str]:
    """Serve the dashboard to a visitor; where it is not installed, read the state as it does. Give what it is."""
    if importlib.util.find_spec("nicegui") is None:
        with neighbour(read_state, name):
            yield "a state reader"
        return
    with server(name) as dashboard, neighbour(visit, dashboard.address):
        yield "dashboard"


def scrape(pipe: Connection, address: str) -> None:
    """Ask for the metrics each second: where there is no Prometheus."""
    pipe.send(None)
    due_s = time.monotonic()
    while True:
        with urllib.request.urlopen(address, timeout=30) as answer:
            answer.read()
        due_s += EVERY_S
        sleep_until(due_s)


@contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen]:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def exporter(name: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """Run `pricecore metrics --serve`; give its process and where it answers."""
    command = (sys.executable, "-P", "-m", "pricecore", "metrics", name, "--serve", "0")
    with running(*command, stderr=subprocess.PIPE, text=True) as process:
        said = process.stderr.readline()
        found = re.search(r"http://\S+/metrics", said)
        if found is None:
            raise RuntimeError(f"the exporter does not serve: {said}")
        yield process, found[0]


@contextmanager
def scraper(address: str) -> Iterator[str]:
    """Scrape each second, by Prometheus where it is installed; give the name of what does it."""
    if shutil.which("prometheus") is None:
        with neighbour(scrape, address):
            yield "a scraping program"
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "prometheus.yml").write_text(CONFIG.format(target=address.split("/")[2]))
        options = ("--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}")
        with running("prometheus", *options, "--log.level=error", cwd=folder):
            yield "Prometheus"


@contextmanager
def company(name: str) -> Iterator[str]:
    """All of them; give what they are called."""
    with ExitStack() as stack:
        looks = stack.enter_context(onlooker(name))
        _, address = stack.enter_context(exporter(name))
        yield f"{looks} and {stack.enter_context(scraper(address))}"

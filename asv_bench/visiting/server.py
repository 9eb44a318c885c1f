"""The dashboard in a process of its own, and visitors that need no browser."""

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

WRITER = """
import itertools, sys, time
from pricecore import PriceEngine
with PriceEngine(sys.argv[1]) as engine:
    print("ready", flush=True)
    for i in itertools.count():
        engine.update(f"BINANCE:S{i % 20}", 100.0 + i / 100, volume=1.0)
        time.sleep(0.002)
"""
HASTY = """
import sys
import pricecore.dashboard.page as page
from pricecore.cli import main
page.REFRESH_S = 0.0
main(["dashboard", *sys.argv[1:]])
"""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Server:
    """A server that runs; what it has used so far."""

    def __init__(self, process: subprocess.Popen, address: str) -> None:
        self.process = process
        self.address = address

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    @property
    def resident_mib(self) -> float:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE_MIB

    def page(self) -> str:
        """Visit without a websocket; return the page."""
        return page_at(self.address)


def page_at(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


@contextmanager
def writer(name: str) -> Iterator[None]:
    """Run a process that updates 20 symbols, 500 times a second."""
    with _running("-c", WRITER, name) as process:
        process.stdout.readline()
        yield


@contextmanager
def server(*names: str, hasty: bool = False) -> Iterator[Server]:
    """Run the dashboard; `hasty`: it refreshes its pages without a pause."""
    command = ("-c", HASTY) if hasty else ("-m", "pricecore", "dashboard")
    with _running(*command, *names, "--port", "0") as process:
        said = process.stdout.readline()
        found = re.search(r"http://\S+/", said)
        if found is None:
            raise RuntimeError(f"the dashboard does not serve: {said}")
        yield Server(process, found[0])


@contextmanager
def _running(*arguments: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen((sys.executable, "-P", *arguments), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def visitor(address: str) -> AsyncIterator[list[int]]:
    """Open a page and its websocket, as a browser does; yield how many updates have come, in a list of one."""
    import socketio

    client_id = re.search(r"'client_id': '([0-9a-f-]+)'", page_at(address))[1]
    come = [0]
    client = socketio.AsyncClient()

    @client.on("update")
    async def update(message: dict) -> None:
        come[0] += 1

    query = (
        f"client_id={client_id}&next_message_id=0&implicit_handshake=true&tab_id={uuid.uuid4()}"
        f"&document_id={uuid.uuid4()}"
    )
    path = "/_nicegui_ws/socket.io"
    await client.connect(f"{address}?{query}", transports=["websocket"], socketio_path=path)
    try:
        yield come
    finally:
        await client.disconnect()


async def until_come(come: list[int], count: int) -> None:
    """Wait for so many updates in all."""
    while come[0] < count:
        await asyncio.sleep(0.05)

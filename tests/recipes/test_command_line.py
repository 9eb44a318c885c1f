"""Each recipe as a process of its own, as README says: it follows a venue with faults, is told to end, and reports."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from helpers.replay_server import Close, Drop, Messages, Refuse, ReplayServer
from helpers.venue_day import ACK, GARBAGE, capture, last_trades
from helpers.waiting import PATIENCE_S, until

TICKS = capture()
SCRIPT = (
    Refuse(),
    [Messages([ACK]), Messages(TICKS[:400]), Drop(half=TICKS[400][:50])],
    [Messages(TICKS[400:]), Messages(GARBAGE), Close()],
)


@contextmanager
def process(recipe, venue, *arguments):
    """Start a recipe with warnings as errors; yield it when it has taken the script; kill it if it runs at the end."""
    command = [sys.executable, "-W", "error", "-X", "faulthandler", str(recipe), venue.url, *arguments]
    # A user starts it with its folder on the path, from which the recipes import each other.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as running:
        try:
            until(lambda: venue.finished.is_set() or running.poll() is not None)
            assert running.poll() is None, running.stderr.read()
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("websockets_feed", signal.SIGTERM),
        ("websockets_feed", signal.SIGINT),
        ("picows_feed", signal.SIGTERM),
        ("plain_thread", signal.SIGTERM),
        ("plain_thread", signal.SIGINT),
    ],
)
def test_a_recipe_reports_exactly_what_came_when_it_is_told_to_end(recipes_on_the_path, name, number):
    if name == "picows_feed":
        pytest.importorskip("picows", reason="no picows for this platform", exc_type=ImportError)
    with (
        ReplayServer(*SCRIPT) as venue,
        process(recipes_on_the_path / f"{name}.py", venue, "--prefix=X:", "--subscribe={}") as recipe,
    ):
        recipe.send_signal(number)
        printed, logged = recipe.communicate(timeout=PATIENCE_S)
    assert recipe.returncode == 0, logged
    report = json.loads(printed)
    counts = report["counts"]
    assert (counts["received"], counts["priced"], counts["ignored"], counts["malformed"]) == (948, 802, 142, 4)
    assert (counts["reconnects"], counts["out_of_order"], counts["missing"]) == (2, 0, 0)
    assert report["prices"] == {f"X:{symbol}": price for symbol, price in last_trades(TICKS).items()}
    assert venue.goodbyes == [1000]
    assert "Traceback" not in logged


def test_the_service_answers_and_ends_at_sigterm(recipes_on_the_path):
    arguments = "--port=0", "--subscribe={}", "--stale-after-s=3600"
    with (
        ReplayServer(*SCRIPT) as venue,
        process(recipes_on_the_path / "fastapi_service.py", venue, *arguments) as service,
    ):
        address = next(found[0] for line in service.stderr if (found := re.search(r"http://[\d.:]+", line)))
        with httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
            assert client.get("/health").status_code == 200
            assert client.get("/price/BTCUSDT").json()["price"] == last_trades(TICKS)["BTCUSDT"]
        service.send_signal(signal.SIGTERM)
        _, logged = service.communicate(timeout=PATIENCE_S)
    assert service.returncode in (0, -signal.SIGTERM), logged
    assert venue.goodbyes == [1000]

"""The recipes of docs/ as modules, and a way to run each of those that follow a url in this process."""

import asyncio
import importlib
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.sources import ROOT

from pricecore import PriceEngine

RECIPES = ROOT / "docs" / "recipes"
SUBSCRIBE = '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}'
SHARED_MEMORY = Path("/dev/shm")
FOLLOWERS = ["websockets_feed", "picows_feed", "plain_thread"]


def pytest_pycollect_makemodule():
    for name in ("msgspec", "websockets", "httpx"):
        pytest.importorskip(name, reason=f"no {name} for this interpreter")


@pytest.fixture(autouse=True, scope="session")
def recipes_on_the_path():
    if not RECIPES.is_dir():
        pytest.skip("no docs/recipes here: a package without its documentation")
    sys.path.insert(0, str(RECIPES))
    yield RECIPES
    sys.path.remove(str(RECIPES))


@pytest.fixture
def engine():
    with PriceEngine() as engine:
        yield engine


@pytest.fixture
def segments(monkeypatch):
    """A folder of the test's own for named engines, in shared memory where there is such a thing."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as name:
        monkeypatch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)


class Following:
    """A recipe that runs in a thread until it is stopped; what it raised is raised by `stop`."""

    def __init__(self, body: Callable[["Following"], None]) -> None:
        self.stopping: Callable[[], object] = lambda: None
        self.ready = threading.Event()
        self._error: BaseException | None = None
        self._body = body
        self._thread = threading.Thread(target=self._run, name="recipe")
        self._thread.start()
        assert self.ready.wait(60.0)

    def _run(self) -> None:
        try:
            self._body(self)
        except BaseException as error:
            self._error = error
        finally:
            self.ready.set()

    def join(self) -> None:
        self._thread.join(60.0)
        assert not self._thread.is_alive(), "the recipe does not end"
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self.stopping()
        self.join()


def in_a_loop(follow, url, feed, subscribe):
    """Return a body that runs an asyncio recipe; it is stopped by cancelling it."""

    async def main(following):
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        following.stopping = lambda: loop.is_closed() or loop.call_soon_threadsafe(task.cancel)
        following.ready.set()
        try:
            await follow(url, feed, subscribe)
        except asyncio.CancelledError:
            return
        raise AssertionError("ended by itself")

    return lambda following: asyncio.run(main(following))


def in_a_thread(follow, url, feed, subscribe):
    """Return a body that runs the recipe of a plain thread; it is stopped by its event."""

    def main(following):
        stop = threading.Event()
        following.stopping = stop.set
        following.ready.set()
        follow(url, feed, stop, subscribe)
        assert stop.is_set(), "ended by itself"

    return main


@pytest.fixture(params=FOLLOWERS)
def follow(request, monkeypatch) -> Iterator[Callable]:
    """Return a context manager `follow(url, feed)` that runs one of the recipes as long as it is entered."""
    if request.param == "picows_feed":
        pytest.importorskip("picows", reason="no picows for this platform", exc_type=ImportError)
    recipe = importlib.import_module(request.param)
    monkeypatch.setattr(recipe, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(recipe, "POLL_S", 0.02, raising=False)
    run = in_a_thread if request.param == "plain_thread" else in_a_loop

    @contextmanager
    def following(url, feed):
        one = following.start(url, feed)
        try:
            yield
        finally:
            one.stop()

    following.start = lambda url, feed: Following(run(recipe.follow, url, feed, SUBSCRIBE))
    following.recipe = recipe
    return following

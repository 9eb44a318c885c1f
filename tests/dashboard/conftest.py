"""The page in a simulated browser, and as a process; skipped where the extra is not installed."""

import asyncio
import os
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


def pytest_pycollect_makemodule():
    pytest.importorskip("nicegui", reason='no NiceGUI here: pip install "pricecore[dashboard]"')


@pytest.fixture
def segments(monkeypatch):
    """A folder of the test's own for named engines, in shared memory where there is such a thing."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as name:
        monkeypatch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)


class Visitor:
    """A page in NiceGUI's simulated browser; what it shows is asked by marker."""

    def __init__(self, user, page):
        self.user, self.page = user, page

    def element(self, marker):
        (found,) = self.user.find(marker=marker).elements
        return found

    def text(self, marker):
        return self.element(marker).text

    def classes(self, marker):
        return set(self.element(marker)._classes)

    def click(self, marker):
        self.user.find(marker=marker).click()

    def figures(self):
        """The names and texts of all figures in the statistics."""
        return {name: shown.text for (_, name), shown in self.page._statistics._figures._values.items()}


@pytest.fixture
def visit(tmp_path, monkeypatch):
    """Return `visit(body, *sources, test=...)`: runs `await body(visitor)` on a page about these sources."""
    from nicegui.testing.user_simulation import user_simulation

    from pricecore.dashboard.page import DashboardPage
    from pricecore.observe import PerformanceTest, labelled

    monkeypatch.setenv("NICEGUI_STORAGE_PATH", str(tmp_path))

    @asynccontextmanager
    async def opened(several, test, label):
        pages = []
        async with user_simulation(lambda: pages.append(DashboardPage(several, test, label))) as user:
            await user.open("/")
            pages[0].timer.deactivate()
            yield Visitor(user, pages[0])

    def run(body, *sources, test=None, label=""):
        async def main():
            async with opened(labelled(sources), test or PerformanceTest(), label) as visitor:
                await body(visitor)

        asyncio.run(asyncio.wait_for(main(), 60.0))

    return run


@pytest.fixture(autouse=True)
def no_screen_test_left_over():
    yield
    os.environ.pop("NICEGUI_USER_SIMULATION", None)

"""Engines with segments of the test's own, and the application run by Textual's pilot."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from helpers.writers import SMALL

from pricecore import PriceEngine
from pricecore.observe import labelled, watched

NEED_TEXTUAL = ("test_keys", "test_following", "test_perf_sheet", "test_real_terminal", "test_hostile", "test_memory")


def pytest_pycollect_makemodule(module_path):
    if module_path.stem in NEED_TEXTUAL:
        pytest.importorskip("textual", reason="the extra tui is not installed")


@pytest.fixture(autouse=True, scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRICECORE_SHM_DIR", name)
        yield Path(name)


@pytest.fixture
def engine():
    with PriceEngine("md", resume=False, **SMALL) as engine:
        yield engine


class Top:
    """The running application, its keys and what it shows."""

    def __init__(self, app, pilot):
        self.app = app
        self.pilot = pilot
        self.watching = app.watching

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition):
        """Let it run until something is so."""
        deadline_s = asyncio.get_running_loop().time() + 30.0
        while not condition():
            assert asyncio.get_running_loop().time() < deadline_s, f"not so after 30 s:\n{self.text}"
            await self.pilot.pause(0.01)

    @property
    def text(self):
        """What is on the screen, row by row, as the terminal gets it."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def rows(self):
        return self.text.split("\n")


@pytest.fixture
def run():
    """Run `steps(top)` in the application, on engines, or on what their names stand for."""

    def run(steps, *sources, size=(80, 24), pattern="", **options):
        from pricecore.terminal.app import TopApp
        from pricecore.terminal.watching import Watching

        async def main():
            app = TopApp(Watching(labelled(sources), pattern), **options)
            async with app.run_test(size=size) as pilot:
                top = Top(app, pilot)
                await top.until(lambda: app._board.lines)
                await pilot.pause()
                await steps(top)
            app.watching.close()
            return app

        return asyncio.run(main())

    return run


@pytest.fixture
def quick(monkeypatch):
    """It looks ten times a second, and for an engine at every look."""
    from pricecore.terminal import app

    monkeypatch.setattr(app, "REFRESH_S", 0.1)
    monkeypatch.setattr(watched, "LOOK_EVERY_S", 0.0)

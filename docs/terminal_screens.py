"""Makes the pictures of the terminal view in docs/screens/: one function a view, each from the real program.

    python docs/terminal_screens.py [FOLDER] [VIEW ...]

It needs the extra `tui`, and chromium, which turns the drawing that Textual exports into a PNG.
"""

import asyncio
import inspect
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pricecore
from pricecore.feeds.sample import SAMPLE_LABEL, SampleEngine
from pricecore.observe import Labelled, PerformanceTest
from pricecore.terminal import app as terminal_app
from pricecore.terminal.app import TopApp
from pricecore.terminal.watching import Watching

SMALL, LARGE = (80, 24), (120, 40)
FOLDER = Path(__file__).parent / "screens"
VIEWS: dict[str, Callable[[], Awaitable[str]]] = {}

_LIVE_S = 6.0  # long enough for the chart to fill
_OFFLINE = "disable-quic no-first-run disable-background-networking disable-component-update disable-sync"
_SWITCHES = [f"--{name}" for name in f"headless no-sandbox disable-gpu hide-scrollbars {_OFFLINE}".split()]
_MANY = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "COINBASE:BTC-USD", "KRAKEN:XBT/USD", "NYSE:IBM", "OKX:SOL-USDT")


def view(make: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
    """Name a view after its function."""
    VIEWS["top-" + make.__name__.replace("_", "-")] = make
    return make


@view
async def live() -> str:
    """The sample, in the smallest window."""
    with SampleEngine() as sample:
        return await shown([Labelled(sample.engine, SAMPLE_LABEL)], SMALL, _LIVE_S)


@view
async def live_large() -> str:
    """The sample, in a larger window."""
    with SampleEngine() as sample:
        return await shown([Labelled(sample.engine, SAMPLE_LABEL)], LARGE, _LIVE_S)


@view
async def writer_gone() -> str:
    """The engine's process was killed."""
    with feeding("orders") as kill:
        return await shown([Labelled("orders", "orders")], SMALL, _LIVE_S / 2, then=kill)


@view
async def not_found() -> str:
    """There is no such engine yet."""
    return await shown([Labelled("orders-2", "orders-2")], SMALL, 1.0)


@view
async def several() -> str:
    """Several engines; one has a log, a consumer, subscriptions, a cache, errors, and prices that are stale."""
    with ExitStack() as open_:
        engine = open_.enter_context(busy_engine())
        others = [open_.enter_context(SampleEngine(name=name)) for name in ("spot-md", "usdm-md")]
        watches = [Labelled(engine, "orders"), *(Labelled(one.engine, one.engine.name or "") for one in others)]
        return await shown(watches, SMALL, 5.5)


@view
async def test_passed() -> str:
    """The performance test."""
    with SampleEngine() as sample:
        return await shown([Labelled(sample.engine, SAMPLE_LABEL)], SMALL, 3.0, "t")


@view
async def test_failed() -> str:
    """The same with a target that nothing can meet."""
    with SampleEngine() as sample:
        return await shown(
            [Labelled(sample.engine, SAMPLE_LABEL)], SMALL, 3.0, "t", test=PerformanceTest(target_p95_us=0.01)
        )


@view
async def filtered() -> str:
    """A filter is being typed."""
    with SampleEngine() as sample:
        return await shown([Labelled(sample.engine, SAMPLE_LABEL)], SMALL, 3.0, "slash", *"btc")


@view
async def counted() -> str:
    """Counted from now, and paused."""
    with SampleEngine() as sample:
        return await shown([Labelled(sample.engine, SAMPLE_LABEL)], SMALL, 3.0, "c", "r", "space")


@view
async def keys() -> str:
    """Help."""
    with SampleEngine() as sample:
        return await shown([Labelled(sample.engine, SAMPLE_LABEL)], SMALL, 2.0, "question_mark")


@view
async def details() -> str:
    """All figures of an engine as text."""
    with busy_engine() as engine:
        return await shown([Labelled(engine, "orders")], SMALL, 2.0, "d")


async def shown(
    watches: list,
    size: tuple[int, int],
    after_s: float,
    *pressed: str,
    then: Callable[[], None] = lambda: None,
    test: PerformanceTest | None = None,
) -> str:
    """Run the program for some time, press keys, and return the picture as SVG."""
    app = TopApp(Watching(watches), test)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(after_s)
        then()
        for key in pressed:
            await pilot.press(key)
        await pilot.pause(0.5)
        return app.export_screenshot(title="pricecore top")


@contextmanager
def feeding(name: str) -> Iterator[Callable[[], None]]:
    """Feed the sample into a named engine of another process; yields what kills that."""
    script = f"from pricecore.feeds.sample import SampleEngine as S; s = S(name={name!r}); print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()

    def kill() -> None:
        process.kill()
        process.wait()

    try:
        yield kill
    finally:
        kill()


@contextmanager
def busy_engine() -> Iterator[pricecore.PriceEngine]:
    """An engine that has everything there is to be shown."""
    with (
        tempfile.TemporaryDirectory(prefix="log-") as folder,
        pricecore.PriceEngine(log=folder, on_bad="count") as engine,
    ):
        cache = pricecore.PriceCache(1_000)
        engine.add_cache("candles", cache)
        risk = engine.consumer("risk")
        readers = [engine.subscribe(mode="all", name=name) for name in ("alerts", "page")]
        for number in range(3_000):
            symbol = _MANY[number % len(_MANY)]
            engine.update(symbol, 100.0 + number / 7, number % 9, 0, number % 11 - 5.25)
            cache.put(number % 900, number)
            cache.get(number % 1_100)
        for price in (float("nan"), -1.0, -2.0, -3.0):
            engine.update("BINANCE:BTCUSDT", price)
        readers[0].poll()
        engine.update("[red]not markup[/red]", 1.0)
        yield engine
        for reader in (risk, *readers):
            reader.close()


def as_png(svg: str, path: Path) -> None:
    """Write an SVG of Textual's as PNG, in a font of this machine."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    window = f"--window-size={int(float(size[1]))},{int(float(size[2]))}"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<body style="margin:0;background:#121212">{svg}</body>')
        data = f"--user-data-dir={folder}/user"
        subprocess.run(
            ["chromium", *_SWITCHES, window, data, f"--screenshot={path}", str(page)], check=True, capture_output=True
        )


def main(arguments: list[str]) -> None:
    """Make the views that were asked for, or all."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    terminal_app.REFRESH_S = 0.1  # fifty readings in five seconds
    with tempfile.TemporaryDirectory() as segments:
        os.environ["PRICECORE_SHM_DIR"] = segments
        for name, make in VIEWS.items():
            if not arguments[1:] or name in arguments[1:]:
                print(f"{name}: {inspect.getdoc(make)}")
                as_png(asyncio.run(make()), folder / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])

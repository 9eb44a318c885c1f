"""Makes the screenshots of the dashboard: `python docs/make_screens.py [--only VIEW ...] [--into FOLDER] [--wait S]`.

Needs the extra `[dashboard]`, selenium, and Debian's chromium and chromium-driver. A view is a function that prepares
an engine or several and yields what to photograph; `docs/screens.md` lists them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from selenium import webdriver
from selenium.webdriver.common.by import By

SCREENS = Path(__file__).parent / "screens"
DESK, PHONE = (1440, 900), (390, 844)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb"
)
SAMPLE = """
import sys, threading, time
from pricecore import PriceCache
from pricecore.feeds.sample import SampleEngine
options = {"log": sys.argv[2]} if sys.argv[2] else {}
playing = SampleEngine(name=sys.argv[1], **options)
if options:
    cache = PriceCache(1_000, loader=playing.engine.get)
    playing.engine.add_cache("prices", cache)
    consumer = playing.engine.consumer("audit")
    while True:
        [cache.get_or_load(symbol) for symbol in playing.engine.symbols() if symbol in playing.engine]
        cache.put(time.time(), 0.0)
        consumer.read()
        time.sleep(0.1)
threading.Event().wait()
"""
STRICT = """
from pricecore.dashboard.addresses import listening_socket
from pricecore.dashboard.serving import serve
from pricecore.feeds.sample import SampleEngine
from pricecore.observe import PerformanceTest
listening = listening_socket("127.0.0.1", 0)
address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
serve(SampleEngine().engine, listening, lambda: print(address, flush=True), test=PerformanceTest(target_p95_us=0.01))
"""
MANY = """
import time
import numpy as np
from pricecore import PriceEngine
engine = PriceEngine("wide", max_symbols=65_536)
ids = engine.register([f"XNAS:{i:05d}" for i in range(65_536)])
noise = np.random.default_rng(7)
prices = np.round(20 + 300 * noise.random(len(ids)), 2)
while True:
    some = noise.integers(0, len(ids), 5_000)
    engine.update_many(ids[some].astype(np.int32), prices[some], changes_24h=noise.normal(0, 2, len(some)))
    time.sleep(0.05)
"""


class Shot(NamedTuple):
    """What a view yields: a page that is open, and how it is to be looked at."""

    name: str
    address: str
    size: tuple[int, int] = DESK
    dark: bool = False
    before: Callable[[webdriver.Chrome], None] = lambda browser: None
    """What is done just before the picture is taken."""


@contextmanager
def running(*command: str, until: str = "") -> Iterator[subprocess.Popen]:
    """Run a command of Python's; wait for a line with `until`."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    try:
        if until:
            line = process.stdout.readline()
            assert until in line, line
            process.line = line
        yield process
    finally:
        process.kill()
        process.wait()


def dashboard(stack: ExitStack, *arguments: str) -> str:
    """Start a dashboard; return its address."""
    command = ("-m", "pricecore", "dashboard", *arguments, "--port", "0")
    return stack.enter_context(running(*command, until="http://")).line.split()[2]


def writer(stack: ExitStack, name: str, log: str = "") -> subprocess.Popen:
    """Start a process that plays the sample into an engine of this name."""
    return stack.enter_context(running("-c", SAMPLE, name, log))


def live(stack: ExitStack) -> Iterator[Shot]:
    """The one command: the bundled sample, light and dark, at a desk and on a phone; the performance test."""
    address = dashboard(stack)
    yield Shot("live", address)
    yield Shot("live-dark", address, dark=True)
    yield Shot("live-phone", address, PHONE)
    yield Shot("live-phone-dark", address, PHONE, dark=True)
    yield Shot("test-pass", address, before=run_test)


def empty(stack: ExitStack) -> Iterator[Shot]:
    """A name that no engine has yet."""
    yield Shot("empty", dashboard(stack, "md-2"))


def gone(stack: ExitStack) -> Iterator[Shot]:
    """The writer was killed; the last figures stay."""
    process = writer(stack, "md-1")
    address = dashboard(stack, "md-1")
    yield Shot("writer-gone", address, before=lambda browser: (process.kill(), time.sleep(4)))
    yield Shot("writer-gone-phone", address, PHONE, dark=True)


def several(stack: ExitStack) -> Iterator[Shot]:
    """Three engines to choose from; the one shown has a log, a cache and a consumer."""
    log = stack.enter_context(tempfile.TemporaryDirectory())
    writer(stack, "spot-1", log)
    writer(stack, "spot-2")
    yield Shot("several", dashboard(stack, "spot-1", "spot-2", "futures"), before=count_from_now)


def wide(stack: ExitStack) -> Iterator[Shot]:
    """65,536 symbols, filtered."""
    stack.enter_context(running("-c", MANY))
    yield Shot("wide", dashboard(stack, "wide"), before=lambda browser: type_filter(browser, "xnas:655"))


def failed(stack: ExitStack) -> Iterator[Shot]:
    """A performance test that misses a target which nothing reaches; the question before a reset."""
    address = stack.enter_context(running("-c", STRICT, until="http://")).line.strip()
    yield Shot("test-fail", address, (1440, 960), before=run_test)
    yield Shot("reset", address, dark=True, before=lambda browser: (press(browser, "Reset"), time.sleep(1)))


def token(stack: ExitStack) -> Iterator[Shot]:
    """What a visitor from another machine sees who does not know the token."""
    yield Shot("token", dashboard(stack, "--token", "any token will do"), (820, 500))


VIEWS = {view.__name__: view for view in (live, empty, gone, several, wide, failed, token)}


def run_test(browser: webdriver.Chrome) -> None:
    press(browser, "Run performance test")
    time.sleep(2)


def count_from_now(browser: webdriver.Chrome) -> None:
    press(browser, "Count from now")
    time.sleep(3)


def type_filter(browser: webdriver.Chrome, pattern: str) -> None:
    browser.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys(pattern)
    time.sleep(3)


def press(browser: webdriver.Chrome, words: str) -> None:
    browser.find_element(By.XPATH, f"//button[contains(., '{words}')]").click()


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser without a window and without a profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            yield browser
        finally:
            browser.quit()


def look_as(browser: webdriver.Chrome, shot: Shot) -> None:
    """Give the window the size and the colour scheme of a shot."""
    width, height = shot.size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": shot.size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if shot.dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def photograph(browser: webdriver.Chrome, shots: list[Shot], wait_s: float, into: Path) -> None:
    """Open every page, let all of them gather points, then take the pictures."""
    windows = []
    for shot in shots:
        browser.switch_to.new_window("tab")
        look_as(browser, shot)
        browser.get(shot.address)
        windows.append(browser.current_window_handle)
    time.sleep(wait_s)
    for shot, window in zip(shots, windows, strict=True):
        browser.switch_to.window(window)
        look_as(browser, shot)
        time.sleep(1.5)
        shot.before(browser)
        browser.save_screenshot(str(into / f"{shot.name}.png"))
        print(f"{shot.name}.png  {(into / f'{shot.name}.png').stat().st_size / 1024:.0f} KB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the screenshots of the dashboard.")
    parser.add_argument("--only", nargs="+", choices=VIEWS, default=list(VIEWS))
    parser.add_argument("--into", type=Path, default=SCREENS)
    parser.add_argument("--wait", type=float, default=55.0, help="seconds in which the charts fill")
    args = parser.parse_args()
    args.into.mkdir(exist_ok=True, parents=True)
    with ExitStack() as stack, chromium() as browser:
        os.environ["PRICECORE_SHM_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))
        for name in args.only:
            with ExitStack() as view:
                photograph(browser, list(VIEWS[name](view)), args.wait, args.into)


if __name__ == "__main__":
    main()

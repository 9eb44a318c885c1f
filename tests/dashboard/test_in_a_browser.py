"""The page in a real browser, served by the real command; engines in processes of their own."""

import sys

import pytest
from helpers.browser import DESK, PHONE, browsing, skip_without_browser
from helpers.processes import started
from helpers.waiting import until

from pricecore import PriceEngine

WRITER = """
import itertools, sys, time
from pricecore import PriceEngine
engine = PriceEngine(sys.argv[1], max_symbols=1_024, ring_capacity=1_024, on_bad="count")
print("ready", flush=True)
for i in itertools.count():
    engine.update(f"BINANCE:S{i % 20}", 100.0 + i / 100, volume=1.0, change_24h=-1.5)
    engine.update("OLD", 1.0) if i == 0 else None
    time.sleep(0.002)
"""
HELD = """
import sys, time
from pathlib import Path
import numpy as np
from pricecore import PriceEngine
from pricecore.dashboard.addresses import listening_socket
from pricecore.dashboard.serving import serve
from pricecore.observe.performance import PerformanceRun, PerformanceTest

class HeldRun(PerformanceRun):          # stops half way until there is a file
    def _run(self):
        with PriceEngine() as self._engine:
            self._engine.update_many(["A"] * 5_000, np.arange(1.0, 5_001.0))
            while not Path("go").exists():
                time.sleep(0.01)
        super()._run()

class Test(PerformanceTest):
    def _begin(self):
        return HeldRun(target_p95_us=1e-6)

listening = listening_socket("127.0.0.1", 0)
address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
serve(sys.argv[1:], listening, lambda: print("at", address, flush=True), test=Test())
"""

pytestmark = pytest.mark.slow  # and the same on every Python


@pytest.fixture(scope="module")
def browser():
    skip_without_browser()
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Where the one command shows the sample."""
    skip_without_browser()
    folder = tmp_path_factory.mktemp("sample")
    command = (sys.executable, "-m", "pricecore", "dashboard", "--port", "0")
    with started(*command, folder=folder, printed=folder / "out.txt") as running:
        running.until_said("http://")
        yield address_in(running)


def address_in(running):
    return next(word for word in running.text.split() if word.startswith("http://"))


@pytest.fixture
def process(tmp_path, segments):
    """Return `process(*command)`: a process of Python's that ends with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        numbers = iter(range(100))

        def start(*command, said):
            one = started(sys.executable, *command, folder=tmp_path, printed=tmp_path / f"{next(numbers)}.txt")
            running = stack.enter_context(one)
            running.until_said(said)
            return running

        yield start


def dashboard(process, *names):
    return address_in(process("-m", "pricecore", "dashboard", *names, "--port", "0", said="http://"))


def test_the_one_command_shows_a_live_page_and_asks_nobody_else(browser, sample):
    browser.hosts()
    browser.open(sample)
    assert browser.text(".pill") == "live"
    before = browser.count("received")
    until(lambda: browser.count("received") > before)
    assert browser.text("[aria-label='p95 latency']").endswith("target below 1 ms")
    assert "spot:BTCUSDT" in browser.text(".prices-panel tbody")
    assert browser.hosts() == {sample.split("/")[2]}
    assert browser.complaints() == []


def test_a_request_for_another_machine_is_stopped_by_the_policy(browser, sample):
    browser.open(sample)
    stopped = "return fetch('http://192.0.2.1/').then(() => 'sent', error => 'stopped')"
    assert browser.script(stopped) == "stopped"
    assert any("Content Security Policy" in message for message in browser.complaints())


def test_fifty_points_after_sixty_refreshes_and_never_more(browser, sample):
    browser.open(sample)
    browser.click("[aria-label^='Auto-refresh']")
    browser.script("for (let i = 0; i < 60; i++) document.querySelector('[aria-label=\"Refresh now\"]').click()")
    until(lambda: browser.points() == [50, 50, 50])
    browser.click("[aria-label='Refresh now']")
    browser.click("[aria-label='Refresh now']")
    assert browser.points() == [50, 50, 50]
    assert browser.script("return document.querySelectorAll('.chart svg path').length") > 3


def test_the_switch_stops_and_starts_the_refreshes_and_the_button_works_meanwhile(browser, sample):
    browser.open(sample)
    until(lambda: len(browser.points() or []) == 3 and browser.points()[0] >= 2)
    browser.click("[aria-label^='Auto-refresh']")
    until(lambda: browser.script("return document.querySelector('[role=switch]').ariaChecked") == "false")
    stopped_at = browser.count("received")
    browser.script("return new Promise(done => setTimeout(done, 2500))")
    assert browser.count("received") == stopped_at
    browser.click("[aria-label='Refresh now']")
    until(lambda: browser.count("received") > stopped_at)
    stopped_at = browser.count("received")
    browser.click("[aria-label^='Auto-refresh']")
    until(lambda: browser.count("received") > stopped_at)


def test_the_performance_test_passes(browser, sample):
    browser.open(sample)
    browser.click_button("Run performance test")
    browser.until_text(".perf-panel .badge", "PASS")
    assert browser.figure("applied") == "10,000 of 10,000"
    assert "all applied" in browser.text(".perf-panel [role=status]")


def test_the_performance_test_shows_progress_and_fails_and_a_second_one_is_told(browser, process, tmp_path):
    address = address_in(process("-c", HELD, "md", said="http://"))
    browser.open(address)
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    second = browser.driver.current_window_handle
    browser.open(address)
    browser.driver.switch_to.window(first)
    browser.click_button("Run performance test")
    browser.until_text(".perf-panel", "Running: 50% of 10,000 updates")
    until(lambda: browser.script("return document.querySelector('.q-linear-progress').ariaValueNow") == "0.5")
    browser.driver.switch_to.window(second)
    browser.click_button("Run performance test")
    browser.until_text(".q-notifications", "running already")
    (tmp_path / "go").touch()
    browser.driver.close()
    browser.driver.switch_to.window(first)
    browser.until_text(".perf-panel .badge", "FAIL")
    assert "Missed: p95 is" in browser.text(".perf-panel [role=status]")


def test_reset_asks_first_and_then_begins_at_zero(browser, sample):
    browser.open(sample)
    until(lambda: browser.count("received") > 500)
    browser.click("[aria-label^='Auto-refresh']")  # so that the figures of the reset stay
    browser.click_button("Reset")
    browser.until_text(".confirm", "for everyone who reads this engine")
    browser.click_button("Cancel")
    until(lambda: not browser.script("return document.querySelector('.confirm')"))
    assert browser.count("received") > 500
    browser.click_button("Reset")
    browser.until_text(".confirm", "Prices and symbols stay")
    browser.click(".confirm .primary")
    until(lambda: browser.count("sequence") - browser.count("received") > 500)  # a reset leaves the sequence as it is
    assert browser.figure("symbols") == "4"


def test_an_attached_engine_is_counted_from_now_and_filtered_and_sorted(browser, process):
    process("-c", WRITER, "md", said="ready")
    browser.open(dashboard(process, "md"))
    until(lambda: browser.count("received") > 100)
    browser.click_button("Count from now")
    browser.until_text(".statistics-panel", "counted since")
    until(lambda: browser.count("sequence") - browser.count("received") > 100)  # the sequence is that of the engine
    browser.click_button("Count from the start")
    until(lambda: browser.count("received") > 100)
    browser.type("input[type=search]", "s1")
    browser.until_text(".prices-panel .note", "11 of 21")
    browser.type("input[type=search]", "OLD")
    until(lambda: browser.text(".prices-panel .note") == "1 of 21")
    until(lambda: browser.text("td.col-state") == "stale")
    assert "stale" in browser.script("return document.querySelector('td.col-price').className")
    browser.click("[aria-label='Order of the prices']")
    browser.until_text(".q-menu", "oldest first")
    browser.driver.find_element("xpath", "//*[@role='option'][contains(., 'oldest first')]").click()
    until(lambda: "oldest first" in browser.text(".prices-panel .controls"))


def test_a_killed_writer_is_said_and_a_new_one_is_found(browser, process):
    writer = process("-c", WRITER, "md", said="ready")
    browser.open(dashboard(process, "md"))
    until(lambda: browser.count("processed") > 0)
    writer.kill()
    browser.until_text(".pill", "writer gone")
    browser.until_text(".banner", "goes on by itself")
    assert browser.count("processed") > 0
    process("-c", WRITER, "md", said="ready")
    browser.until_text(".pill", "live")
    until(lambda: browser.figure("generation") == "2")
    assert not browser.driver.find_element("css selector", ".banner").is_displayed()


def test_a_name_that_nobody_has_is_said_and_found_when_it_comes(browser, process):
    browser.open(dashboard(process, "later", "md"))
    browser.until_text(".pill", "not found")
    assert "No segment 'later'" in browser.text(".banner")
    assert "No updates to show" in browser.text(".chart") or browser.script(
        "return [...document.querySelectorAll('.chart svg text')].some(one => one.textContent === 'No updates to show')"
    )
    process("-c", WRITER, "later", said="ready")
    browser.until_text(".pill", "live")


def test_engines_are_chosen_and_the_choice_survives_a_reload(browser, process):
    process("-c", WRITER, "one", said="ready")
    browser.open(dashboard(process, "one", "two"))
    browser.until_text(".pill", "live")
    browser.click("[aria-label='Engine']")
    browser.until_text(".q-menu", "two")
    browser.driver.find_element("xpath", "//*[@role='option'][contains(., 'two')]").click()
    browser.until_text(".pill", "not found")
    until(lambda: browser.driver.current_url.endswith("?engine=two"))
    browser.driver.refresh()
    browser.until_connected()
    browser.until_text(".pill", "not found")


def test_the_theme_follows_the_system_until_it_is_chosen(browser, sample):
    dark = "return document.body.classList.contains('body--dark')"
    browser.open(sample, dark=True)
    browser.until_script(dark)
    browser.look_as(DESK)
    until(lambda: not browser.script(dark))
    browser.click("[aria-label='Theme: as the system']")
    browser.until_script(dark)
    browser.driver.refresh()
    browser.until_connected()
    browser.until_script(dark)
    browser.click("[aria-label='Theme: dark']")
    until(lambda: not browser.script(dark))
    browser.click("[aria-label='Theme: light']")
    until(lambda: browser.script("return document.querySelector('[aria-label^=Theme]').ariaLabel").endswith("system"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [DESK, PHONE, (820, 1180)])
def test_nothing_is_cut_off_at_any_size(browser, sample, size, dark):
    browser.open(sample, size, dark)
    browser.until_text(".prices-panel tbody", "spot:")
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]
    wide = """return [...document.querySelectorAll('.card, .panel, button, input, .figure, .prices-panel table')]
        .filter(one => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 0.5)
        .map(one => one.outerHTML.slice(0, 200))"""
    assert browser.script(wide) == []


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (DESK, True), (PHONE, False)])
def test_every_control_has_a_name_and_all_text_its_contrast(browser, sample, size, dark):
    axe_of = pytest.importorskip("axe_selenium_python", reason="no axe here: it needs Python 3.12")
    browser.open(sample, size, dark)
    browser.click_button("Run performance test")
    browser.until_text(".perf-panel .badge", "PASS")
    browser.until_script("return !document.querySelector('.perf-panel .q-btn[disabled]')")
    browser.script("document.activeElement.blur(); return new Promise(done => setTimeout(done, 600))")
    axe = axe_of.Axe(browser.driver)
    axe.inject()
    found = axe.run()
    assert not [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert "button-name" in {one["id"] for one in found["passes"]}


def test_every_control_is_reached_by_the_keyboard_and_named(browser, sample):
    browser.open(sample)
    nameless = """return [...document.querySelectorAll('button, input, select, [role=switch], [role=combobox]')]
        .filter(one => one.offsetParent && !(one.ariaLabel || one.innerText || one.labels?.length))
        .map(one => one.outerHTML)"""
    assert browser.script(nameless) == []
    unreachable = (
        "return [...document.querySelectorAll('button, input, [role=switch]')].filter(one => one.tabIndex < 0)"
    )
    assert [one for one in browser.script(unreachable) if one.is_displayed()] == []


def test_markup_in_a_symbol_is_shown_as_text(browser, process, segments):
    name = "<img src=x onerror=window.hit=1>{{7*7}}"
    address = dashboard(process, "md")
    with PriceEngine("md", max_symbols=1_024) as engine:
        engine.update(name, 1.0)
        browser.open(address)
        browser.until_text(".prices-panel tbody", name)
        assert browser.script("return window.hit === undefined && !document.querySelector('.prices-panel img')")


def test_65536_symbols_leave_the_page_usable(browser, process, segments):
    address = dashboard(process, "md")
    with PriceEngine("md") as engine:
        engine.register([f"S{i:05d}" for i in range(65_536)])
        engine.update("S65535", 1.0)
        browser.open(address)
        browser.until_text(".prices-panel .note", "200 shown of 65,536")
        assert browser.script("return document.querySelectorAll('.prices-panel tbody tr').length") <= 202
        browser.type("input[type=search]", "s6553")
        browser.until_text(".prices-panel .note", "6 of 65,536")


def test_a_server_that_comes_back_is_found_by_the_open_page(browser, process, segments):
    process("-c", WRITER, "md", said="ready")
    first = process("-m", "pricecore", "dashboard", "md", "--port", "0", said="http://")
    address = address_in(first)
    browser.open(address)
    browser.script("window.same = true")
    first.kill()
    port = address.rstrip("/").rpartition(":")[2]
    process("-m", "pricecore", "dashboard", "md", "--port", port, said="http://")
    until(lambda: browser.script("return window.same === undefined"))
    browser.until_connected()
    browser.until_text(".pill", "live")

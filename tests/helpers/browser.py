"""Debian's chromium without a window, driven by selenium; what it asked for and what it complained about."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from helpers.waiting import until

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
DESK, PHONE = (1440, 900), (390, 844)


def skip_without_browser() -> None:
    """Skip, visibly, where there is no browser or nothing to drive it."""
    pytest.importorskip("selenium", reason="no selenium here")
    if not CHROMIUM.exists() or not DRIVER.exists():
        pytest.skip("no browser here: apt-get install chromium chromium-driver")


class Browser:
    """A browser and the one page that is open in it."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, address, size=DESK, dark=False):
        """Open a page as a window of this size and colour scheme would, and wait for its websocket."""
        self.look_as(size, dark)
        self.driver.get(address)
        self.until_connected()

    def look_as(self, size, dark=False):
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def until_connected(self):
        self.until_script("return !!(window.socket && window.socket.connected && document.querySelector('.cards'))")

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def until_script(self, code, *arguments):
        until(lambda: self.script(code, *arguments))

    def text(self, css):
        """The text of the first element that matches, "" without one."""
        return self.script("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def until_text(self, css, words):
        until(lambda: words in self.text(css))

    def figure(self, name):
        """The text beside a name in one of the panels."""
        return self.script(
            "return [...document.querySelectorAll('.figure')].find(row => row.firstChild.innerText === arguments[0])"
            "?.lastChild.innerText ?? ''",
            name,
        )

    def count(self, name):
        """A figure that is a whole number."""
        return int(self.figure(name).replace(",", "") or -1)

    def click(self, css):
        """Click as a visitor does: where the element is, as soon as nothing covers it and it has come to rest."""
        until(lambda: _clicked(self.driver.find_element("css selector", css)))

    def click_button(self, words):
        """Click the one that can be seen, as soon as it can be: a dialog takes a moment to open."""
        found = f"//button[contains(normalize-space(.), '{words}')]"
        until(lambda: any(button.is_displayed() for button in self.driver.find_elements("xpath", found)))
        button = next(button for button in self.driver.find_elements("xpath", found) if button.is_displayed())
        until(lambda: _clicked(button))

    def type(self, css, words):
        field = self.driver.find_element("css selector", css)
        field.send_keys("\ue009a\ue000", words)  # Ctrl+A selects what is there

    def points(self):
        """How many points each line of the chart has, as the browser draws it; None before it is drawn."""
        return self.script(
            "const chart = getElement(document.querySelector('.chart'))?.chart;"
            "return chart?.getOption()?.series.map(line => line.data.length)"
        )

    def hosts(self):
        """The hosts of all requests since the last call, websockets included."""
        asked = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            url = message["params"].get("request", {}).get("url") or message["params"].get("url", "")
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                asked.add((urlsplit(url).scheme, urlsplit(url).netloc))
        return {netloc for scheme, netloc in asked if scheme not in ("data", "blob", "chrome", "about")}

    def complaints(self):
        """What the console says of errors, those of lost connections apart."""
        lost = ("ERR_CONNECTION_REFUSED", "WebSocket connection", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
        severe = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [message for message in severe if not any(word in message for word in lost)]


def _clicked(element) -> bool:
    """Click, unless the element moves or is covered at this moment, as parts of a dialog that opens or closes are."""
    from selenium.common.exceptions import ElementClickInterceptedException, ElementNotInteractableException

    try:
        element.click()
    except (ElementClickInterceptedException, ElementNotInteractableException):
        return False
    return True


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser with an empty profile; ends with the block."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
        try:
            yield Browser(driver)
        finally:
            driver.quit()

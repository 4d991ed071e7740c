"""A real browser for the tests of the page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.serving.browser import Page

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium with a fresh profile: $CHROMIUM, or the one on the path."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        missing = "Chromium" if chromium is None else "chromedriver"
        pytest.skip(
            f"no {missing} found: install Debian's chromium and chromium-driver, or name the browser in $CHROMIUM"
        )
    options = ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    chrome = Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@contextmanager
def opened(browser: Chrome, address: str) -> Iterator[Page]:
    """A page as somebody meets it who was never there; it must not complain of anything but refused requests."""
    browser.set_window_size(1200, 900)
    page = Page(browser)
    page.errors()
    browser.get(address)
    page.wait_until_ready()
    yield page
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    page.forget()
    # Refused requests are logged as "network"; a script's error or a breach of the policy is not.
    assert [entry for entry in page.errors() if entry["source"] != "network"] == []


@pytest.fixture
def page(browser: Chrome, live_server: str) -> Iterator[Page]:
    """The page to draw on, of a server as it is by default."""
    with opened(browser, f"{live_server}/") as page:
        yield page


@pytest.fixture
def picture_of_seven(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (600, 400), (236, 230, 215))
    points = [(250 + 140 * x, 100 + 200 * y) for x, y in ((0, 0), (1, 0), (0.7, 0.5), (0.45, 1))]
    ImageDraw.Draw(picture).line(points, fill=(30, 30, 90), width=18, joint="curve")
    path = tmp_path / "seven.png"
    picture.save(path)
    return path

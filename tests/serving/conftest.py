"""A real browser for the tests of the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from selenium.webdriver import Chrome

from tests.serving import chromium
from tests.serving.browser import Page


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium with a fresh profile: $CHROMIUM, or the one on the path."""
    missing = chromium.missing()
    if missing:
        pytest.skip(missing)
    with chromium.started(tmp_path_factory.mktemp("chromium")) as chrome:
        yield chrome


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

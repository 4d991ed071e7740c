"""Starts a headless Chromium, as the tests and the benchmark of the page use it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

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


def missing() -> str:
    """What is missing and how to get it; empty where nothing is."""
    if _chromium() and shutil.which("chromedriver"):
        return ""
    found = "chromedriver" if _chromium() else "Chromium"
    return f"no {found} found: install Debian's chromium and chromium-driver, or name the browser in $CHROMIUM"


@contextmanager
def started(profile: Path) -> Iterator[Chrome]:
    """$CHROMIUM, or the one on the path, with that folder for its profile."""
    options = ChromeOptions()
    options.binary_location = _chromium() or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    chrome = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield chrome
    finally:
        chrome.quit()


def _chromium() -> str | None:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)

"""`python -m tests.teach.browser`: what the page teaches, beside what the command line does with the same pictures.

Kannada numerals, five pictures a class, are opened as a folder on `/learn` in Chromium, and taught; the command line
learns the same folder, and both models read 2,000 others.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from selenium.webdriver import Chrome, Keys

from serving import ink
from tests.bench.report import machine, progress, table
from tests.conftest import running_server
from tests.serving import chromium
from tests.serving.browser import Page
from tests.teach.timing import CLASSES, DRAWINGS, OTHERS, TOKEN, accuracy, kannada, learn, png

DRAWS = 3
_LONG = 120
"""Seconds that a job may take."""


def teach(browser: Chrome, address: str, folder: Path) -> None:
    """Open the folder on the page, press "Teach", and wait until the model is ready."""
    page = Page(browser)
    browser.get(f"{address}/learn")
    page.wait_until_ready()
    browser.find_element("id", "folder-files").send_keys(str(folder))
    page.wait(f"return document.querySelectorAll('.thumbs button').length === {CLASSES * DRAWINGS}")
    page.click("press")
    if page.run("return document.getElementById('token-dialog').open"):
        browser.find_element("id", "token").send_keys(TOKEN, Keys.ENTER)
    end = time.monotonic() + _LONG
    while page.run("return document.getElementById('job').dataset.state") != "done":
        if time.monotonic() > end:
            raise SystemExit(f"not taught within {_LONG} s: {page.text('step')} {page.text('fault')}")
        time.sleep(0.1)
    page.click("restart")


def main() -> None:
    """Teach and learn a few draws, and print what was read."""
    if missing := chromium.missing():
        raise SystemExit(missing)
    print(machine())
    x, labels = kannada()
    rows, differences = [], []
    for number in range(DRAWS):
        progress(f"draw {number + 1} of {DRAWS}")
        rng = np.random.default_rng(number)
        order = rng.permutation(len(x))
        taught = [index for label in np.unique(labels) for index in order[labels[order] == label][:DRAWINGS].tolist()]
        others = np.setdiff1d(order, taught)[:OTHERS]
        pictures = np.concatenate([ink.from_picture(picture).pictures for picture in x[others]])
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.environ["INKLING_CACHE"] = str(folder / "cache")
            for index in taught:
                place = folder / "kannada" / labels[index] / f"{index}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(png(x[index]))
            (folder / "token").write_text(TOKEN)
            with (
                running_server(
                    *("--models", str(folder / "models"), "--teach", str(folder / "jobs"), "--workers", "1"),
                    *("--admin-token-file", str(folder / "token"), "--log", "errors"),
                ) as address,
                chromium.started(folder / "profile") as browser,
            ):
                teach(browser, address, folder / "kannada")
            learn(folder / "kannada", folder / "other")
            page, line = (accuracy(folder / models, pictures, labels[others]) for models in ("models", "other"))
        rows.append([str(number + 1), f"{page:.2%}", f"{line:.2%}"])
        differences.append(page - line)
    table(
        f"{CLASSES} Kannada numerals of {DRAWINGS} pictures, {OTHERS:,} others read",
        ["draw", "taught on the page", "by the command line"],
        rows,
    )
    if min(differences) < 0:
        raise SystemExit("what the page taught reads less")


if __name__ == "__main__":
    main()

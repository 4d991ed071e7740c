"""Teaching on the page: classes, drawings, folders and zips, the job while it runs, and the model that it makes."""

import random
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from selenium.webdriver import Chrome, Keys

from tests.conftest import running_server
from tests.serving.browser import SEVEN, THREE, Page, Stroke
from tests.serving.conftest import opened

TOKEN = "correct-horse-battery"  # noqa: S105  # of the tests' own server
LONG = 120
"""Seconds that a job may take on a machine with other work."""


@pytest.fixture(scope="module")
def teaching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that teaches."""
    folder = tmp_path_factory.mktemp("teaching")
    (folder / "token").write_text(TOKEN)
    arguments = ["--models", folder / "models", "--teach", folder / "jobs", "--admin-token-file", folder / "token"]
    arguments += ["--feedback", folder / "feedback.db"]
    with running_server(*map(str, arguments), "--workers", "1") as address:
        yield address


@pytest.fixture
def lesson(browser: Chrome, teaching: str) -> Iterator[Page]:
    with opened(browser, f"{teaching}/learn") as page:
        yield page


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder of pictures for each of two classes."""
    chance = random.Random(3)  # noqa: S311  # no secret
    for label, strokes in (("ka", THREE), ("kha", SEVEN)):
        (tmp_path / "runes" / label).mkdir(parents=True)
        for number in range(5):
            image = Image.new("L", (200, 200), 255)
            for stroke in varied(strokes, chance):
                ImageDraw.Draw(image).line([(200 * x, 200 * y) for x, y in stroke], fill=0, width=9, joint="curve")
            image.save(tmp_path / "runes" / label / f"{number}.png")
    return tmp_path / "runes"


def varied(strokes: Sequence[Stroke], chance: random.Random) -> list[Stroke]:
    lean, size = chance.uniform(-0.2, 0.2), chance.uniform(0.8, 1)
    return [[((x - 0.5 + lean * (y - 0.5)) * size + 0.5, (y - 0.5) * size + 0.5) for x, y in s] for s in strokes]


def fields(page: Page) -> list[str]:
    return list(page.run("return [...document.querySelectorAll('.classes input[type=text]')].map((f) => f.value)"))


def drawings(page: Page) -> list[int]:
    return list(page.run("return [...document.querySelectorAll('.thumbs')].map((t) => t.children.length)"))


def teach(page: Page, token: str = TOKEN) -> None:
    page.click("press")
    page.wait("return document.getElementById('token-dialog').open")
    page.browser.find_element("id", "token").send_keys(token, Keys.ENTER)


def wait_for_job(page: Page, state: str) -> None:
    end = time.monotonic() + LONG
    while page.run("return document.getElementById('job').dataset.state") != state:
        assert time.monotonic() < end, f"{page.text('step')!r} {page.text('fault')!r}"
        time.sleep(0.1)


@pytest.mark.browser
@pytest.mark.slow
def test_what_was_drawn_is_taught_and_read_at_once(lesson: Page, tmp_path: Path) -> None:
    page, chance = lesson, random.Random(5)  # noqa: S311  # no secret
    page.browser.find_element("id", "name").send_keys("runes")
    for place, (label, strokes) in enumerate((("ka", THREE), ("kha", SEVEN))):
        page.browser.find_elements("css selector", ".classes input[type=text]")[place].send_keys(label)
        for number in range(5):
            page.draw(varied(strokes, chance))
            page.press(Keys.ENTER)
            assert page.text("drawn-for") == f"{label}: {number + 1} drawn"
    assert drawings(page) == [5, 5]
    page.screenshot("learn")
    teach(page, "not-the-token-at-all")
    page.wait("return document.getElementById('token-fault').textContent.includes('does not know this token')")
    page.browser.find_element("id", "token").send_keys(TOKEN, Keys.ENTER)
    wait_for_job(page, "done")
    assert page.text("made-words") == "runes, version 1, is ready."
    assert page.text("step").startswith("Done in ")
    page.screenshot("taught")

    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.click("download")
    end = time.monotonic() + LONG
    while not (tmp_path / "runes-1.zip").exists():
        assert time.monotonic() < end, page.text("fault")
        time.sleep(0.05)
    with zipfile.ZipFile(tmp_path / "runes-1.zip") as archive:
        assert "runes/1/saved_model.pb" in archive.namelist()

    page.click("try")
    page.wait("return document.querySelectorAll('#bars li').length === 2")
    page.draw(varied(THREE, chance))
    page.wait_for_answer("ka")
    page.press(Keys.ESCAPE)
    page.draw(varied(SEVEN, chance))
    page.wait_for_answer("kha")


@pytest.mark.browser
def test_a_folder_and_a_zip_of_pictures(lesson: Page, folders: Path, tmp_path: Path) -> None:
    page = lesson
    page.browser.find_element("id", "folder-files").send_keys(str(folders))
    page.wait("return document.querySelectorAll('.thumbs button').length === 10")
    assert fields(page) == ["ka", "kha"]
    assert page.browser.find_element("id", "name").get_property("value") == "runes"
    page.browser.find_element("css selector", ".thumbs button").click()
    assert drawings(page) == [4, 5]
    with zipfile.ZipFile(tmp_path / "signs.zip", "w") as archive:
        for path in folders.rglob("*.png"):
            archive.write(path, path.relative_to(folders))
    page.browser.find_element("id", "name").clear()
    page.browser.find_element("id", "zip-file").send_keys(str(tmp_path / "signs.zip"))
    page.wait("return document.getElementById('zip-name').textContent.startsWith('signs.zip, ')")
    assert page.browser.find_element("id", "name").get_property("value") == "signs"
    teach(page)
    page.wait("return document.getElementById('job').dataset.state")
    page.click("cancel")
    wait_for_job(page, "cancelled")
    assert page.text("step") == "Cancelled."


@pytest.mark.browser
def test_what_is_missing_is_said_before_anything_is_sent(lesson: Page) -> None:
    page = lesson
    page.click("press")
    assert "Give the set a name" in page.text("fault")
    page.browser.find_element("id", "name").send_keys("runes")
    page.click("press")
    assert "Two classes are the least" in page.text("fault")
    assert not page.run("return document.getElementById('token-dialog').open")


@pytest.mark.browser
def test_what_the_server_refuses_is_told_in_its_words(lesson: Page) -> None:
    page = lesson
    page.browser.find_element("id", "name").send_keys("runes")
    for place, label in enumerate(("ka", "kha")):
        page.browser.find_elements("css selector", ".classes input[type=text]")[place].send_keys(label)
        page.draw(THREE)
        page.click("add")
    teach(page)
    page.wait("return document.getElementById('fault').textContent")
    assert "drawing" in page.text("fault")
    assert page.text("step") == ""


@pytest.mark.browser
def test_a_model_may_learn_its_corrections_and_says_where_there_are_too_few(lesson: Page) -> None:
    page = lesson
    page.wait("return document.getElementById('corrected').value === 'digits'")
    page.click("retrain")
    page.wait("return document.getElementById('token-dialog').open")
    page.browser.find_element("id", "token").send_keys(TOKEN, Keys.ENTER)
    page.wait("return document.getElementById('fault').textContent")
    assert "corrections" in page.text("fault")
    assert "'digits'" in page.text("fault")


@pytest.mark.browser
def test_a_lesson_survives_a_reload_and_can_be_put_away(lesson: Page) -> None:
    page = lesson
    page.browser.find_element("id", "name").send_keys("runes", Keys.ENTER)
    page.browser.find_element("css selector", ".classes input[type=text]").send_keys("ka", Keys.ENTER)
    page.click("add-class")
    assert len(fields(page)) == 3
    page.draw(SEVEN)
    page.click("add")
    page.reload()
    assert fields(page) == ["ka", "", ""]
    assert drawings(page) == [0, 0, 1]
    assert page.browser.find_element("id", "name").get_property("value") == "runes"
    page.click("restart")
    assert fields(page) == ["", ""]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_it(lesson: Page, scheme: str) -> None:
    page = lesson
    page.prefer(prefers_color_scheme=scheme)
    assert page.breaches() == []
    page.browser.find_element("css selector", ".classes input[type=text]").send_keys("ka")
    page.draw(THREE)
    page.press(Keys.ENTER)
    page.click("press")
    assert page.text("fault")
    assert page.breaches() == []
    page.resize(320, 640)
    page.screenshot(f"learn-320-{scheme}")
    assert page.breaches() == []


def test_without_leave_to_teach_there_is_no_page_for_it(client: FlaskClient) -> None:
    response = client.get("/learn")
    assert response.status_code == 404
    assert "--teach" in response.json["error"]  # type: ignore[index]
    assert "/learn" not in client.get("/").text

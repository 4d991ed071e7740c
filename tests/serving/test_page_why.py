"""Why something was read as it was, and telling the server what it was instead."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys

from tests.conftest import running_server
from tests.serving.browser import THIRTY_SEVEN, THREE, Page
from tests.serving.conftest import opened

pytestmark = pytest.mark.browser
TOKEN = "correct-horse-battery"  # noqa: S105  # of the tests' own server


@pytest.fixture(scope="module")
def correctable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that takes corrections."""
    folder = tmp_path_factory.mktemp("corrections")
    (folder / "token").write_text(TOKEN)
    arguments = ("--feedback", str(folder / "feedback.db"), "--admin-token-file", str(folder / "token"))
    with running_server(*arguments, "--workers", "1") as address:
        yield address


@pytest.fixture
def correcting(browser: Chrome, correctable: str) -> Iterator[Page]:
    with opened(browser, f"{correctable}/") as page:
        yield page


def corrections(address: str) -> int:
    question = urllib.request.Request(f"{address}/feedback", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(question, timeout=10) as answer:
        return int(json.load(answer)["corrections"])


def record(page: Page) -> None:
    """Keep the bodies of corrections, from now on, in `window.sent`."""
    page.run(
        """
        window.sent = [];
        const genuine = window.fetch;
        window.fetch = (path, options) => {
          if (path === "feedback") window.sent.push(options.body);
          return genuine(path, options);
        };
        """
    )


def test_what_mattered_is_shown_and_what_it_would_be_without(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_announcement("3. ")
    page.click("why")
    page.wait("return document.getElementById('why-words').textContent.startsWith('The framed part matters most')")
    assert page.text("why-title") == "Why 3?"
    assert "times as likely as" in page.text("why-margin")
    assert 0.05 < page.ink("why-map") < 0.6
    assert page.text("nearest-pictures").count("3, ") == 3
    assert 0.05 < page.ink("nearest-pictures canvas") < 0.6
    page.screenshot("why")
    page.press(Keys.ESCAPE)
    page.wait("return !document.querySelector('dialog[open]')")
    assert page.text("answer") == "3", "Escape closed the dialog, and left the drawing"
    assert page.run("return document.activeElement.id") == "why"


def test_the_symbol_that_is_shown_is_the_one_explained(page: Page) -> None:
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. ")
    page.browser.find_elements("css selector", "#answer button")[1].click()
    page.click("why")
    page.wait("return document.getElementById('why-for').textContent === 'speaks for 7'")
    assert page.text("why-title") == "Why 7?"


def test_there_is_nothing_to_correct_where_the_server_takes_no_corrections(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    assert page.browser.find_elements("id", "correct") == []


def test_a_correction_is_kept_and_can_be_taken_back(correcting: Page, correctable: str) -> None:
    page = correcting
    before = corrections(correctable)
    page.draw(THREE)
    page.wait_for_announcement("3. ")
    page.click("correct")
    chips = page.browser.find_elements("css selector", "#chips button")
    assert [chip.text for chip in chips] == list("012456789")
    page.screenshot("correct")
    chips[-1].click()
    page.wait("return document.getElementById('kept-words').textContent === 'Kept: it was 9.'")
    assert corrections(correctable) == before + 1
    page.click("kept-undo")
    page.wait("return document.getElementById('kept-words').textContent === 'Deleted again.'")
    assert corrections(correctable) == before
    page.draw([[(0.1, 0.1)]])
    assert not page.browser.find_element("id", "kept").is_displayed(), "it spoke of what was drawn before"


def test_one_symbol_of_several_is_corrected_or_all_of_them(correcting: Page) -> None:
    page = correcting
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. ")
    record(page)
    page.browser.find_elements("css selector", "#answer button")[1].click()
    page.click("correct")
    assert page.text("correct-about") == "Symbol 2 of 2 was read as 7."
    next(chip for chip in page.browser.find_elements("css selector", "#chips button") if chip.text == "1").click()
    page.wait("return document.getElementById('kept-words').textContent === 'Kept: it was 1.'")
    page.click("correct")
    field = page.browser.find_element("id", "truth")
    assert field.get_property("value") == "37"
    field.clear()
    field.send_keys("31", Keys.ENTER)
    page.wait("return document.getElementById('kept-words').textContent === 'Kept: it was 31.'")
    one, whole = map(json.loads, page.run("return window.sent"))
    assert (one["answer"], one["truth"], len(one["box"])) == ("7", "1", 4)
    assert one["box"][0] > 200
    assert (whole["answer"], whole["truth"], "box" in whole) == ("37", "31", False)
    assert all(body["model"] == "digits" and len(body["strokes"]) == 2 for body in (one, whole))


def test_what_is_no_label_is_refused_in_the_server_s_words(correcting: Page) -> None:
    page = correcting
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. ")
    page.click("correct")
    page.browser.find_element("id", "truth").send_keys(Keys.END, "x", Keys.ENTER)
    page.wait("return document.getElementById('correct-fault').textContent.includes('is no label of model')")
    assert page.run("return document.getElementById('correct-dialog').open")


def test_a_picture_is_corrected_with_the_picture(correcting: Page, correctable: str, picture_of_seven: Path) -> None:
    page = correcting
    before = corrections(correctable)
    page.choose(picture_of_seven)
    page.wait_for_announcement("7. ")
    page.click("correct")
    page.browser.find_elements("css selector", "#chips button")[1].click()
    page.wait("return document.getElementById('kept-words').textContent === 'Kept: it was 1.'")
    assert corrections(correctable) == before + 1

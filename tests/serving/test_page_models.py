"""Which model reads is the reader's choice: models, versions and labels, by the picker or the address."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.select import Select

from serving.repository import SHIPPED
from tests.conftest import running_server
from tests.serving.browser import THREE, Page
from tests.serving.conftest import opened

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with two versions of digits, of which one has a label."""
    models = tmp_path_factory.mktemp("models")
    newest = max((SHIPPED / "digits").glob("[0-9]*"), key=lambda path: int(path.name))
    for number in ("41", "42"):
        shutil.copytree(newest, models / "digits" / number)
    (models / "digits" / "labels.json").write_text(json.dumps({"stable": 41}))
    arguments = ("--models", str(models), "--model-version-policy", "all", "--workers", "1")
    with running_server(*arguments) as address:
        yield address


def options(page: Page) -> list[str]:
    return [option.text for option in Select(page.browser.find_element("id", "models")).options]


def choose(page: Page, title: str) -> None:
    Select(page.browser.find_element("id", "models")).select_by_visible_text(title)


def test_another_model_reads_what_is_drawn_at_once(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    choose(page, "symbols")
    page.wait("return document.getElementById('timing').textContent.startsWith('symbols, version ')")
    assert len(page.run("return [...document.querySelectorAll('#bars b')].filter((b) => b.textContent)")) == 10
    assert page.best_bars()
    page.click("clear")
    assert page.text("call") == "Draw one symbol"
    choose(page, "digits")
    assert page.text("call") == "Draw digits"
    page.draw(THREE)
    page.wait_for_answer("3")


def test_versions_and_labels_can_be_chosen_and_the_choice_is_kept(browser: Chrome, versions: str) -> None:
    with opened(browser, f"{versions}/") as page:
        assert options(page) == ["digits", "digits, stable", "digits, version 42", "digits, version 41", "symbols"]
        page.draw(THREE)
        page.wait("return document.getElementById('timing').textContent.startsWith('digits, version 42 ')")
        choose(page, "digits, stable")
        page.wait("return document.getElementById('timing').textContent.startsWith('digits, version 41 ')")
        page.reload()
        page.wait("return document.getElementById('timing').textContent.startsWith('digits, version 41 ')")


def test_the_address_may_name_the_model(browser: Chrome, versions: str) -> None:
    with opened(browser, f"{versions}/?model=digits&version=41") as page:
        page.draw(THREE)
        page.wait("return document.getElementById('timing').textContent.startsWith('digits, version 41 ')")


def test_models_that_are_broken_are_not_offered(browser: Chrome, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"nothing")
    with running_server("--models", str(tmp_path), "--workers", "1") as address, opened(browser, f"{address}/") as page:
        assert options(page) == ["digits", "symbols"]

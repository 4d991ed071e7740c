"""Several pictures at once, and photographs."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from selenium.webdriver import Keys

from tests.serving.browser import SEVEN, THREE, Page, Stroke, side_by_side

pytestmark = pytest.mark.browser


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """A seven, a file that is no picture, a wide photo of 37 and a blank sheet."""

    def drawn(name: str, strokes: list[Stroke], size: tuple[int, int] = (400, 400)) -> Path:
        image = Image.new("RGB", size, (236, 230, 215))
        for stroke in strokes:
            path = [(x * size[0], (y - 0.5) * size[0] + size[1] / 2) for x, y in stroke]
            ImageDraw.Draw(image).line(path, fill=(30, 30, 90), width=16, joint="curve")
        image.save(tmp_path / name)
        return tmp_path / name

    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nand nothing that follows")
    wide = drawn("37.png", side_by_side(THREE, SEVEN), (600, 300))
    return [drawn("seven.png", list(SEVEN)), broken, wide, drawn("blank.png", [])]


def choose(page: Page, pictures: list[Path]) -> None:
    page.browser.find_element("id", "file").send_keys("\n".join(map(str, pictures)))


def tiles(page: Page) -> list[str]:
    return list(page.run("return [...document.querySelectorAll('#strip span')].map((s) => s.textContent)"))


def test_several_pictures_are_read_one_by_one_and_shown_when_chosen(page: Page, pictures: list[Path]) -> None:
    choose(page, pictures)
    page.wait("return [...document.querySelectorAll('#strip span')].at(-1)?.textContent === 'Nothing there'")
    seven, fault, wide, blank = tiles(page)
    assert (seven, wide, blank) == ("7", "37", "Nothing there")
    assert "not an image" in fault
    page.wait_for_answer("7")
    page.screenshot("several-pictures")
    page.browser.find_elements("css selector", "#strip button")[2].click()
    page.wait_for_answer("37")
    pressed = page.run("return [...document.querySelectorAll('#strip button')].map((b) => b.ariaPressed)")
    assert pressed == ["false", "false", "true", "false"]
    names = page.run("return [...document.querySelectorAll('#strip button')].map((b) => b.ariaLabel)")
    assert names[2] == "37.png: 37"
    page.press(Keys.ESCAPE)
    page.wait_for_state("blank")
    assert not page.browser.find_element("id", "strip").is_displayed()


def test_one_picture_has_no_strip(page: Page, pictures: list[Path]) -> None:
    choose(page, pictures[:1])
    page.wait_for_answer("7")
    assert tiles(page) == []


def test_a_telephone_offers_its_camera_and_a_desktop_does_not(page: Page) -> None:
    assert not page.browser.find_element("id", "photo").is_displayed()
    camera = page.browser.find_element("id", "camera")
    assert camera.get_attribute("capture") == "environment"
    page.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        page.resize(390, 844, density=3, mobile=True)
        page.wait("return document.getElementById('photo').checkVisibility()")
    finally:
        page.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})

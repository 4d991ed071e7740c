"""What is drawn can be taken back, made again and erased, by mouse, finger and pen, and outlives a reload."""

import json

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_PEN, POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput

from tests.serving.browser import SEVEN, THIRTY_SEVEN, THREE, Page

pytestmark = pytest.mark.browser


def strokes(page: Page) -> int:
    return len(page.run("return JSON.parse(sessionStorage.getItem('inkling.drawing'))"))


def enabled(page: Page) -> set[str]:
    return set(page.run("return [...document.querySelectorAll('.tool[aria-disabled=false]')].map(({ id }) => id)"))


def test_what_was_undone_can_be_made_again(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    page.click("undo")
    page.wait_for_state("blank")
    assert enabled(page) == {"redo"}
    page.click("redo")
    page.wait_for_answer("3")
    page.press(Keys.CONTROL, "z")
    page.wait_for_state("blank")
    page.press(Keys.CONTROL, Keys.SHIFT, "z")
    page.wait_for_answer("3")
    page.press(Keys.CONTROL, "z")
    page.draw(SEVEN)
    page.wait_for_answer("7")
    assert enabled(page) == {"undo", "erase", "clear"}, "after a new stroke there is nothing to make again"


@pytest.mark.parametrize("kind", [POINTER_MOUSE, POINTER_TOUCH])
def test_the_eraser_takes_strokes_away_and_undo_brings_them_back(page: Page, kind: str) -> None:
    page.draw(THIRTY_SEVEN, kind)
    page.wait_for_answer("37")
    page.click("erase")
    page.draw([[(0.55, 0.5), (0.95, 0.5)]], kind)
    page.wait_for_answer("3")
    assert strokes(page) == 1
    page.draw([[(0.05, 0.95), (0.1, 0.95)]], kind)
    page.click("undo")
    page.wait_for_answer("37")
    assert strokes(page) == 2, "where there was nothing to erase, there is nothing to undo"
    page.press(Keys.ESCAPE)
    assert strokes(page) == 2, "Escape puts the eraser away first"
    page.draw([[(0.5, 0.9)]], kind)
    assert strokes(page) == 3


def test_a_hand_on_the_screen_draws_nothing_while_a_pen_does(page: Page) -> None:
    pad = page.browser.find_element("id", "pad")
    side = pad.size["width"]
    pen, palm = PointerInput(POINTER_PEN, "pen"), PointerInput(POINTER_TOUCH, "palm")
    chain = ActionChains(page.browser, duration=10, devices=[pen, palm])
    chain.w3c_actions.devices = [pen, palm]
    path = [(round((x - 0.5) * side), round((y - 0.5) * side)) for x, y in THREE[0]]
    # The palm comes down first, as palms do, and slides while the pen writes.
    palm.create_pointer_move(origin=pad, x=side // 3, y=side // 3, duration=10)
    palm.create_pointer_down(button=0)
    palm.create_pointer_move(origin=pad, x=side // 3, y=side // 5, duration=10)
    for _ in range(3):
        pen.create_pause(0)
    for i, (x, y) in enumerate(path):
        pen.create_pointer_move(origin=pad, x=x, y=y, duration=10)
        palm.create_pointer_move(origin=pad, x=side // 3, y=side // 3 - i, duration=10)
        if i == 0:
            pen.create_pointer_down(button=0)
            palm.create_pause(0)
    pen.create_pointer_up(button=0)
    palm.create_pointer_up(button=0)
    chain.w3c_actions.perform()
    page.wait_for_announcement("3. ")
    assert strokes(page) == 1
    assert not page.is_painted(0.5 + 1 / 3, 0.5 + 1 / 5)


def test_a_pen_that_presses_harder_draws_broader(page: Page) -> None:
    def draw(force: float) -> float:
        left, top, width = page.run(
            """
            const { left, top, width } = document.getElementById("pad").getBoundingClientRect();
            return [left, top, width];
            """
        )
        kinds = ["mousePressed", *(["mouseMoved"] * (len(THREE[0]) - 1))]
        for kind, (x, y) in zip(kinds, THREE[0], strict=True):
            event = {"x": left + x * width, "y": top + y * width, "button": "left", "buttons": 1}
            more = {"type": kind, "pointerType": "pen", "force": force, "clickCount": 1}
            page.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event | more)
        page.browser.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {**event, "type": "mouseReleased", "pointerType": "pen", "clickCount": 1}
        )
        page.wait_for_answer("3")
        return page.ink("pad")

    light = draw(0.2)
    page.press(Keys.ESCAPE)
    page.wait_for_state("blank")
    assert draw(0.9) > 1.4 * light


def test_a_drawing_survives_a_reload(page: Page) -> None:
    page.draw(THIRTY_SEVEN)
    page.wait_for_answer("37")
    before = page.ink("pad")
    page.reload()
    page.wait_for_answer("37")
    assert page.ink("pad") == pytest.approx(before, rel=0.02)
    page.click("clear")
    page.wait_for_state("blank")
    page.reload()
    assert page.state == "blank"
    assert json.loads(page.run("return sessionStorage.getItem('inkling.drawing')")) == []

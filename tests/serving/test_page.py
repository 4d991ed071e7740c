"""The drawing pad, as a person with a browser meets it."""

import base64
import http.client
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from selenium.webdriver import Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_PEN, POINTER_TOUCH
from selenium.webdriver.support.wait import WebDriverWait

from tests.serving.browser import PATIENCE, SEVEN, THIRTY_SEVEN, THREE, Page, side_by_side


@pytest.mark.browser
@pytest.mark.parametrize("kind", [POINTER_MOUSE, POINTER_TOUCH, POINTER_PEN])
def test_a_drawn_three_is_read_as_three(page: Page, kind: str) -> None:
    page.draw(THREE, kind)
    page.wait_for_answer("3")
    assert page.state == "sure"
    assert "% sure" in page.text("detail")
    assert page.best_bars() == ["3"]
    assert 0.02 < page.ink("seen") < 0.6
    assert "ms round trip" in page.text("timing")
    assert "in the server" in page.text("timing")
    assert page.errors() == []


@pytest.mark.browser
def test_the_answer_follows_the_pen_before_it_is_lifted(page: Page) -> None:
    page.draw(THREE, lift=False)
    page.wait_for_answer("3")
    ActionChains(page.browser).release().perform()


@pytest.mark.browser
def test_an_empty_pad_shows_a_bar_for_every_label_and_no_answer(page: Page) -> None:
    labels = page.run("return [...document.querySelectorAll('#bars b')].map(b => b.textContent)")
    assert labels == list("0123456789")
    assert page.state == "blank"
    assert page.text("answer") == ""
    assert page.ink("pad") == page.ink("seen") == 0


@pytest.mark.browser
def test_undo_takes_back_strokes_and_clearing(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    alone = page.ink("pad")
    page.draw([[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]])
    page.wait("return document.getElementById('answer').textContent !== '3'")
    page.press(Keys.CONTROL, "z")
    page.wait_for_answer("3")
    assert page.ink("pad") == pytest.approx(alone)

    page.click("clear")
    page.wait_for_state("blank")
    page.click("undo")
    page.wait_for_answer("3")
    assert page.ink("pad") == pytest.approx(alone)


@pytest.mark.browser
def test_clear_empties_pad_and_answer(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    page.press(Keys.ESCAPE)
    page.wait_for_state("blank")
    page.run("return new Promise(requestAnimationFrame)")
    assert page.text("answer") == page.text("timing") == ""
    assert page.ink("pad") == page.ink("seen") == 0
    page.draw(SEVEN)
    page.wait_for_answer("7")


@pytest.mark.browser
def test_an_answer_that_comes_after_clearing_is_not_shown(page: Page) -> None:
    page.run(
        """
        const genuine = window.fetch;
        window.fetch = async (...request) => {
          const response = await genuine(...request);
          await new Promise((resolve) => setTimeout(resolve, 300));
          window.late = (window.late ?? 0) + 1;
          return response;
        };
        """
    )
    page.draw([[(0.5, 0.3)]])
    page.press(Keys.ESCAPE)
    page.wait("return window.late === 1")
    page.run("return new Promise((resolve) => setTimeout(resolve, 100))")
    assert page.state == "blank"
    assert page.ink("seen") == 0


@pytest.mark.browser
def test_an_opened_picture_is_shown_and_read(page: Page, picture_of_seven: Path) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    page.choose(picture_of_seven)
    page.wait_for_answer("7")
    assert page.ink("pad") > 0.3
    assert page.ink("seen") > 0.02
    page.click("undo")
    page.wait_for_answer("3")
    assert page.errors() == []


@pytest.mark.browser
def test_what_was_read_in_a_picture_is_framed(page: Page, picture_of_seven: Path) -> None:
    page.choose(picture_of_seven)
    page.wait_for_answer("7")
    left, top, right, bottom = (400 * edge for edge in page.frame())
    # The pad is 400 units wide, the picture 600 x 400 pixels within a margin of 24 units.
    scale = 352 / 600
    margin_top = (400 - 400 * scale) / 2
    assert left == pytest.approx(24 + 241 * scale, abs=10)
    assert right == pytest.approx(24 + 399 * scale, abs=10)
    assert top == pytest.approx(margin_top + 91 * scale, abs=10)
    assert bottom == pytest.approx(margin_top + 305 * scale, abs=10)


@pytest.mark.browser
@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(page: Page, picture_of_seven: Path, way: str) -> None:
    page.run(
        """
        const [encoded, way] = arguments;
        const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "seven.png", { type: "image/png" }));
        document.body.dispatchEvent(way === "paste"
          ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
          : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        """,
        base64.b64encode(picture_of_seven.read_bytes()).decode(),
        way,
    )
    page.wait_for_answer("7")


@pytest.mark.browser
def test_drawing_on_a_picture_starts_a_new_drawing(page: Page, picture_of_seven: Path) -> None:
    page.choose(picture_of_seven)
    page.wait_for_answer("7")
    page.draw(THREE)
    page.wait_for_answer("3")
    assert page.ink("pad") < 0.3


@pytest.mark.browser
def test_a_picture_without_ink_is_said_to_be_empty(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "white.png"
    Image.new("L", (120, 120), 255).save(path)
    page.choose(path)
    page.wait_for_state("nothing")
    assert page.text("answer") == "Nothing there"


@pytest.mark.browser
def test_a_broken_picture_shows_the_words_of_the_server(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nand nothing that follows")
    page.draw(THREE)
    page.wait_for_answer("3")
    page.choose(path)
    page.wait_for_state("failed")
    said = page.run(
        """
        return fetch("predict", {
          method: "POST",
          body: Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0)),
          headers: { "Content-Type": "image/png" },
        }).then((response) => response.json());
        """,
        base64.b64encode(path.read_bytes()).decode(),
    )
    assert page.text("detail") == said["error"]
    page.click("undo")
    page.wait_for_answer("3")


@pytest.mark.browser
def test_a_file_that_is_no_picture_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("seven")
    page.draw(THREE)
    page.wait_for_announcement("3. ")
    page.choose(path)
    page.wait_for_state("failed")
    assert "notes.txt is not a picture" in page.text("detail")
    assert page.ink("pad") > 0


@pytest.mark.browser
def test_a_dead_server_is_told_as_such_and_nothing_is_lost(page: Page) -> None:
    def network(offline: bool) -> None:
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1}
        page.browser.execute_cdp_cmd("Network.enable", {})
        page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions | {"uploadThroughput": -1})

    network(offline=True)
    try:
        page.draw(THREE)
        page.wait_for_state("failed")
        assert "does not answer" in page.text("detail")
        assert page.ink("pad") > 0
        page.errors()
        WebDriverWait(page.browser, PATIENCE).until(lambda _: page.errors(), "no second try")
    finally:
        network(offline=False)
    page.wait_for_answer("3")


@pytest.mark.browser
def test_an_answer_that_the_model_doubts_is_shown_as_not_sure(page: Page) -> None:
    page.run(
        """
        const genuine = window.fetch;
        window.fetch = async (...request) => {
          const response = await genuine(...request);
          const body = await response.json();
          for (const symbol of body.symbols) symbol.unsure = true;
          return Response.json(body, { headers: response.headers });
        };
        """
    )
    page.draw(THREE)
    page.wait_for_state("unsure")
    assert page.text("answer") == "Not sure"
    assert page.text("detail").startswith("Perhaps 3 (")


@pytest.mark.browser
@pytest.mark.parametrize("kind", [POINTER_MOUSE, POINTER_TOUCH])
def test_digits_side_by_side_are_read_as_a_number_and_framed_each(page: Page, kind: str) -> None:
    page.draw(THIRTY_SEVEN, kind)
    page.wait_for_answer("37")
    assert page.state == "sure"
    page.frame()
    for stroke in THIRTY_SEVEN:
        xs, ys = zip(*stroke, strict=True)
        # The frame's upper edge lies above the pen's path by half a nib and a little.
        assert page.is_painted((min(xs) + max(xs)) / 2, min(ys) - 11.5 / 400)
    page.wait_for_announcement("37. At least ")


@pytest.mark.browser
def test_a_single_digit_has_no_frame_and_no_buttons(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    page.run("return new Promise(requestAnimationFrame)")
    xs, ys = zip(*THREE[0], strict=True)
    assert not page.is_painted((min(xs) + max(xs)) / 2, min(ys) - 11.5 / 400)
    assert page.run("return document.getElementById('answer').children.length") == 0
    dot = [(0.5, 0.5)]
    painted = page.ink("pad")
    page.draw([dot])
    page.run("return new Promise(requestAnimationFrame)")
    assert page.ink("pad") > painted, "where there is nothing to choose, a tap draws"


@pytest.mark.browser
@pytest.mark.parametrize("way", ["frame", "digit", "keyboard"])
def test_choosing_a_symbol_shows_its_bars(page: Page, way: str) -> None:
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. ")
    for i, label in ((1, "7"), (0, "3")):
        if way == "frame":
            page.draw([[(0.25 + 0.5 * i, 0.6)]])
        elif way == "digit":
            page.browser.find_elements("css selector", "#answer button")[i].click()
        else:
            page.run("document.querySelectorAll('#answer button')[arguments[0]].focus()", i)
            page.press(Keys.ENTER)
        assert page.best_bars() == [label]
        assert page.text("detail").endswith(f"sure of {label}")
        pressed = page.run("return [...document.querySelectorAll('#answer button')].map((b) => b.ariaPressed)")
        assert pressed.index("true") == i
        assert pressed.count("true") == 1
        left, _, right, _ = page.frame()
        assert 0.5 * i < left < right < 0.5 * (i + 1)
        assert page.ink("seen") > 0.02
    assert page.text("answer") == "37", "a tap in a frame draws nothing"


@pytest.mark.browser
def test_a_stroke_that_begins_in_a_frame_is_drawn(page: Page) -> None:
    page.draw(THIRTY_SEVEN)
    page.wait_for_answer("37")
    painted = page.ink("pad")
    page.draw([[(0.75, 0.6), (0.8, 0.9), (0.2, 0.9)]])
    page.run("return new Promise(requestAnimationFrame)")
    assert page.ink("pad") > painted + 0.01
    page.press(Keys.CONTROL, "z")
    page.wait_for_answer("37")


@pytest.mark.browser
def test_the_doubtful_symbol_of_several_is_marked_and_shown_first(page: Page) -> None:
    page.run(
        """
        const genuine = window.fetch;
        window.fetch = async (...request) => {
          const response = await genuine(...request);
          const body = await response.json();
          if (body.symbols?.length === 2) Object.assign(body.symbols[1], { unsure: true, confidence: 0.4 });
          return Response.json(body, { headers: response.headers });
        };
        """
    )
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. Not sure of symbol 2: perhaps 7 (")
    assert page.state == "unsure"
    assert page.best_bars() == ["7"]
    assert page.text("detail").startswith("Not sure: perhaps 7 (")
    names = page.run("return [...document.querySelectorAll('#answer button')].map((b) => b.ariaLabel)")
    assert "% sure" in names[0]
    assert names[1] == "7, not sure"
    doubtful = page.run("return [...document.querySelectorAll('.doubtful')].map((b) => b.textContent)")
    assert doubtful == ["7"]


@pytest.mark.browser
def test_symbols_of_a_picture_can_be_tapped_without_drawing_on_it(page: Page, tmp_path: Path) -> None:
    picture = Image.new("L", (600, 400), 235)
    for stroke in THIRTY_SEVEN:
        ImageDraw.Draw(picture).line([(600 * x, 600 * y - 100) for x, y in stroke], fill=30, width=14, joint="curve")
    path = tmp_path / "37.png"
    picture.save(path)
    page.choose(path)
    page.wait_for_announcement("37. ")
    page.draw([[(0.72, 0.5)]])
    assert page.best_bars() == ["7"]
    assert page.ink("pad") > 0.3


@pytest.mark.browser
def test_one_request_at_a_time_however_fast_the_pen(page: Page) -> None:
    page.run(
        """
        window.spans = [];
        const genuine = window.fetch;
        window.fetch = async (path, options) => {
          const span = { start: performance.now(), body: options.body };
          await new Promise((resolve) => setTimeout(resolve, 60));
          const response = await genuine(path, options);
          window.spans.push({ ...span, end: performance.now() });
          return response;
        };
        """
    )
    page.draw(THREE)
    page.wait_for_answer("3")
    page.wait("return window.spans.at(-1).end < performance.now() - 300")
    spans = page.run("return window.spans")
    assert 1 < len(spans) < len(THREE[0])
    assert all(a["end"] <= b["start"] for a, b in zip(spans, spans[1:], strict=False))
    assert all(span["body"].startswith('{"strokes":[[[') for span in spans)


@pytest.mark.browser
def test_the_answer_is_announced_once_it_has_settled(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_announcement("3. ")
    assert page.run("return document.getElementById('announcement').ariaLive") == "polite"


@pytest.mark.browser
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(page: Page) -> None:
    page.draw(THIRTY_SEVEN)
    page.wait_for_answer("37")
    controls = page.run(
        """
        return [...document.querySelectorAll("a, button, select")]
          .filter((e) => e.checkVisibility({ visibilityProperty: true }))
          .map(({ id, textContent }) => id || textContent);
        """
    )
    page.run("document.querySelector('a, button, select').focus({ focusVisible: true })")
    reached = []
    for _ in controls:
        assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
        reached.append(page.run("return document.activeElement.id || document.activeElement.textContent"))
        page.press(Keys.TAB)
    assert reached == controls
    tools = {"undo", "redo", "erase", "clear", "open"}
    assert {"Draw", "Quality", "models", "language", *tools, "why", "3", "7"} == set(controls)


@pytest.mark.browser
def test_every_control_and_canvas_has_a_name(page: Page) -> None:
    nameless = page.run(
        """
        return [...document.querySelectorAll("button, input, canvas, section")]
          .filter((e) => !(e.ariaLabel || e.textContent.trim())).map((e) => e.outerHTML);
        """
    )
    assert nameless == []


@pytest.mark.browser
@pytest.mark.parametrize("density", [1, 3])
def test_a_drawing_survives_rotation_and_is_crisp(page: Page, density: int) -> None:
    def turn(width: int, height: int) -> None:
        page.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": density, "mobile": True},
        )
        page.wait(
            """
            const { width, clientWidth } = document.getElementById("pad");
            return innerWidth === arguments[0] && width === Math.round(clientWidth * arguments[1]);
            """,
            width,
            density,
        )

    turn(390, 844)
    page.draw(THREE, POINTER_TOUCH)
    page.wait_for_answer("3")
    upright = page.ink("pad")
    turn(844, 390)
    assert page.ink("pad") == pytest.approx(upright, rel=0.05)
    page.draw([[(0.05, 0.95), (0.06, 0.95)]], POINTER_TOUCH)
    page.click("undo")
    page.wait_for_answer("3")


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 768, 1440])
@pytest.mark.parametrize("answer", ["3", "33333"])
def test_nothing_overflows_sideways(page: Page, answer: str, width: int) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False},
    )
    page.draw(side_by_side(*(len(answer) * [THREE])))
    page.wait_for_answer(answer)
    overflowing = page.run(
        """
        return [...document.querySelectorAll("body *:not(.unseen)")]
          .filter((e) => e.getBoundingClientRect().right > innerWidth
            || e.getBoundingClientRect().left < 0).map((e) => e.outerHTML);
        """
    )
    assert overflowing == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(page: Page, scheme: str) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    page.draw(THREE)
    page.wait_for_answer("3")
    colours = page.run(
        """
        const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const solid = (element) => {
          const colour = numbers(getComputedStyle(element).backgroundColor);
          return colour[3] === 0 ? solid(element.parentElement) : colour;
        };
        // Colours on their way from one to the other would say nothing.
        document.getAnimations().forEach((animation) => animation.finish());
        return [...document.querySelectorAll("body *")]
          .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
          .filter((e) => !e.closest("noscript, [aria-disabled=true]"))
          .map((e) => [e.outerHTML, numbers(getComputedStyle(e).color), solid(e)]);
        """
    )
    assert len(colours) > 15
    for element, text, behind in colours:
        assert contrast(text, behind) >= 4.5, element


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """The contrast of two sRGB colours as WCAG 2 defines it, 1 to 21."""

    def luminance(colour: Sequence[float]) -> float:
        shares = (value / 255 for value in colour[:3])
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_the_policy_lets_in_nothing_foreign(live_server: str) -> None:
    address = urlsplit(live_server)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    connection.close()

"""A person with a browser: what tests do with the pages, and see on them."""

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.support.wait import WebDriverWait

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
"""Where tests leave pictures of what they saw, for people to look at."""

_AXE = importlib.util.find_spec("axe_playwright_python")
assert _AXE is not None
AXE = Path(_AXE.submodule_search_locations[0]) / "axe.min.js"  # type: ignore[index]
"""axe-core itself, out of a package for another driver of browsers: the newest of those that carry it."""

Stroke = Sequence[tuple[float, float]]

PATIENCE = 10.0


def arc(x: float, y: float, rx: float, ry: float, start: int, end: int) -> list[tuple[float, float]]:
    """Points of an ellipse's arc, clockwise, in degrees; the pad is the unit square, y down."""
    turns = (math.radians(a) for a in range(start, end + 1, 12))
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in turns]


THREE = [arc(0.48, 0.33, 0.17, 0.14, 200, 450) + arc(0.48, 0.64, 0.20, 0.17, -90, 160)]
SEVEN = [[(0.3, 0.25), (0.7, 0.25), (0.6, 0.5), (0.5, 0.8)]]


def side_by_side(*digits: Sequence[Stroke]) -> list[Stroke]:
    """Digits that fill the pad, made smaller and put in a row."""
    shrunk = 1 / len(digits)
    return [
        [((x + i) * shrunk, (y - 0.5) * shrunk + 0.5) for x, y in stroke]
        for i, digit in enumerate(digits)
        for stroke in digit
    ]


THIRTY_SEVEN = side_by_side(THREE, SEVEN)


class Page:
    """What a test does with the page and sees on it."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def run(self, script: str, *arguments: object) -> Any:
        return self.browser.execute_script(script, *arguments)

    def wait(self, script: str, *arguments: object) -> None:
        def said(_: object) -> Any:
            return self.run(script, *arguments)

        try:
            WebDriverWait(self.browser, PATIENCE, poll_frequency=0.05).until(said)
        except TimeoutException:
            shown = self.run("return document.body.innerText")
            raise AssertionError(f"never came true: {script} {arguments}; the page says {shown!r}") from None

    def wait_for_answer(self, answer: str) -> None:
        self.wait("return document.getElementById('answer').textContent === arguments[0]", answer)

    def wait_for_announcement(self, beginning: str) -> None:
        """Wait until the last answer, as opposed to one to a part of the drawing, has settled."""
        self.wait("return document.getElementById('announcement').textContent.startsWith(arguments[0])", beginning)

    def wait_for_state(self, state: str) -> None:
        self.wait("return document.getElementById('result').dataset.state === arguments[0]", state)

    @property
    def state(self) -> str:
        return str(self.run("return document.getElementById('result').dataset.state"))

    def text(self, identifier: str) -> str:
        return str(self.browser.find_element("id", identifier).get_property("textContent"))

    def click(self, identifier: str) -> None:
        self.browser.find_element("id", identifier).click()

    def press(self, *keys: str) -> None:
        chain = ActionChains(self.browser)
        for key in keys:
            chain.key_down(key)
        for key in reversed(keys):
            chain.key_up(key)
        chain.perform()

    def draw(self, strokes: Sequence[Stroke], kind: str = POINTER_MOUSE, lift: bool = True) -> None:
        pad = self.browser.find_element("id", "pad")
        width, height = pad.size["width"], pad.size["height"]
        device = PointerInput(kind, kind)
        chain = ActionChains(self.browser, duration=10, devices=[device])
        pointer = chain.w3c_actions.pointer_action
        for stroke in strokes:
            for i, (x, y) in enumerate(stroke):
                pointer.move_to(pad, round((x - 0.5) * width), round((y - 0.5) * height))
                if i == 0:
                    pointer.pointer_down()
            if lift:
                pointer.pointer_up()
        chain.w3c_actions.perform()

    def ink(self, canvas: str) -> float:
        """The share of a canvas's pixels that are painted, once what waits for the next frame is; `canvas`: its id, or
        that of what is around it and `canvas`."""
        self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return float(
            self.run(
                """
                const canvas = document.querySelector(`#${arguments[0]}`);
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                const painted = data.filter((value, i) => i % 4 === 3 && value > 100);
                return painted.length / (width * height);
                """,
                canvas,
            )
        )

    def is_painted(self, x: float, y: float) -> bool:
        """Whether there is anything on the pad within two pixels of that place."""
        return bool(
            self.run(
                """
                const [x, y] = arguments;
                const canvas = document.getElementById("pad");
                const { data } = canvas.getContext("2d")
                  .getImageData(x * canvas.width - 2, y * canvas.height - 2, 5, 5);
                return data.some((value, i) => i % 4 === 3 && value > 100);
                """,
                x,
                y,
            )
        )

    def frame(self) -> tuple[float, float, float, float]:
        """The edges of the frame in the accent colour, left, top, right, bottom, on a pad of side 1."""
        self.run("return new Promise(requestAnimationFrame)")
        left, top, right, bottom = self.run(
            """
            const canvas = document.getElementById("pad");
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            const [xs, ys] = [[], []];
            for (let i = 0; i < data.length; i += 4) {
              if (data[i] === 0x2f && data[i + 1] === 0x49 && data[i + 2] === 0xd1) {
                xs.push((i / 4) % width / width);
                ys.push(Math.floor(i / 4 / width) / height);
              }
            }
            return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
            """
        )
        return left, top, right, bottom

    def best_bars(self) -> list[str]:
        return list(self.run("return [...document.querySelectorAll('.best b')].map(b => b.textContent)"))

    def choose(self, path: Path) -> None:
        self.browser.find_element("id", "file").send_keys(str(path))

    def errors(self) -> list[dict[str, str]]:
        """What the console has said since the last call, but for mere advice."""
        return [e for e in self.browser.get_log("browser") if e["level"] == "SEVERE"]

    def resize(self, width: int, height: int, density: float = 1, mobile: bool = False) -> None:
        """Give the page that size, in its own pixels."""
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": density, "mobile": mobile},
        )

    def prefer(self, **features: str) -> None:
        """Let media features be as `prefers_color_scheme="dark"` says."""
        self.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]},
        )

    def reload(self) -> None:
        """Load the page once more; what it keeps is kept."""
        self.browser.refresh()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the page can be drawn on, and knows its model where it has one."""
        self.wait(
            """
            return document.querySelector("#bars li, #classes li") !== null;
            """
        )

    def forget(self) -> None:
        """Forget all that the page keeps."""
        self.run("sessionStorage.clear(); localStorage.clear()")

    def screenshot(self, name: str) -> None:
        """Leave a picture of what there is to see."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def breaches(self) -> list[str]:
        """What axe finds against WCAG 2.2, levels A and AA, and against good practice, in what is to be seen now."""
        # Colours on their way from one to the other would say nothing.
        self.run("document.getAnimations().forEach((animation) => animation.finish())")
        if not self.run("return Boolean(window.axe)"):
            self.run(AXE.read_text(encoding="utf-8"))
        found = self.browser.execute_async_script(
            """
            const [tags, done] = arguments;
            axe.run({ runOnly: tags, resultTypes: ["violations"] }).then(({ violations }) => done(violations));
            """,
            ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        )
        return [f"{each['id']}: {node['html']} {node['failureSummary']}" for each in found for node in each["nodes"]]

"""What is checked of the pages as a whole: WCAG, weight, languages, steadiness; and pictures of how they look."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.select import Select

import serving
from tests.serving.browser import THIRTY_SEVEN, THREE, Page
from tests.serving.conftest import opened

SCREENS = {"320": (320, 640, 1), "phone": (390, 844, 2), "desktop": (1440, 900, 1), "4k": (3840, 2160, 1)}
BUDGET = 100_000
"""Bytes that a page may have with all that it loads, and that all assets may have together; uncompressed."""
GOOD_SHIFT = 0.1
"""Cumulative layout shift up to which the metric's makers call a page good; only the answer's own words move."""
TEMPLATES = Path(serving.__path__[0]) / "templates"


@pytest.fixture
def german(browser: Chrome, live_server: str) -> Iterator[Page]:
    with opened(browser, f"{live_server}/") as page:
        Select(page.browser.find_element("id", "language")).select_by_visible_text("Deutsch")
        page.wait("return document.documentElement.lang === 'de'")
        page.wait_until_ready()
        yield page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_it(page: Page, scheme: str) -> None:
    page.prefer(prefers_color_scheme=scheme)
    assert page.breaches() == []
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. ")
    assert page.breaches() == []
    page.click("why")
    page.wait("return document.getElementById('why-for').textContent")
    assert page.breaches() == []


@pytest.mark.browser
@pytest.mark.parametrize("screen", SCREENS)
def test_it_fits_every_screen(page: Page, screen: str) -> None:
    width, height, density = SCREENS[screen]
    page.resize(width, height, density, mobile=width < 600)
    page.draw(THIRTY_SEVEN)
    page.wait_for_announcement("37. ")
    for scheme in ("light", "dark"):
        page.prefer(prefers_color_scheme=scheme)
        page.screenshot(f"draw-{screen}-{scheme}")
    assert page.run("return document.documentElement.scrollWidth") <= width
    side = page.run("return document.getElementById('pad').getBoundingClientRect().width")
    assert side >= min(0.35 * width, 0.4 * height), "most of the screen is to draw on"
    bottom = page.run("return document.getElementById('detail').getBoundingClientRect().bottom")
    assert bottom <= height, "the answer is in sight while one draws"


@pytest.mark.browser
@pytest.mark.parametrize("screen", ["phone", "desktop"])
def test_nothing_moves_while_one_draws(page: Page, screen: str) -> None:
    page.resize(*SCREENS[screen])

    def places() -> object:
        return page.run(
            """
            return ["pad", "undo", "open", "seen", "bars", "why"].map((id) => {
              const { left, top, width, height } = document.getElementById(id).getBoundingClientRect();
              return [id, left, top, width, height];
            });
            """
        )

    # What moved as the window took its size is not to be counted.
    page.run("return new Promise((done) => setTimeout(() => requestAnimationFrame(() => setTimeout(done, 300)), 300));")
    page.run(
        """
        window.shifts = [];
        new PerformanceObserver((list) => window.shifts.push(...list.getEntries()))
          .observe({ type: "layout-shift" });
        """
    )
    blank = places()
    for strokes, answer in ((THREE, "3"), (THIRTY_SEVEN, "37")):
        page.draw(strokes)
        page.wait_for_answer(answer)
        assert places() == blank
        page.click("clear")
        page.wait_for_state("blank")
    # As the measure is defined, what a person's own act brings about does not count.
    moved = page.run("return window.shifts.filter((shift) => !shift.hadRecentInput).map(({ value }) => value)")
    assert sum(moved) < GOOD_SHIFT


@pytest.mark.browser
def test_it_weighs_less_than_100_kb_with_all_that_it_loads(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    page.click("why")
    page.wait("return document.getElementById('why-for').textContent")
    sizes = page.run(
        """
        const names = performance.getEntriesByType("resource").map(({ name }) => name);
        const loaded = [location.href, ...names.filter((name) => name.includes("/static/"))];
        return Promise.all([...new Set(loaded)].map((name) =>
          fetch(name).then((response) => response.arrayBuffer()).then(({ byteLength }) => byteLength)));
        """
    )
    assert len(sizes) > 15
    assert sum(sizes) < BUDGET


def test_all_assets_together_are_light() -> None:
    assets = [path for path in (TEMPLATES.parent / "static").rglob("*") if path.is_file()]
    assert len(assets) > 30
    assert sum(path.stat().st_size for path in assets) < BUDGET


@pytest.mark.browser
def test_scripts_are_asked_for_at_once_and_none_twice(page: Page) -> None:
    preloaded = page.run("return [...document.querySelectorAll('[rel=modulepreload]')].map(({ href }) => href)")
    scripts = page.run(
        "return performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))"
    )
    assert sorted(scripts) == sorted({*preloaded, *(name for name in scripts if name.endswith("/page.js"))})


@pytest.mark.browser
def test_it_has_what_search_engines_and_readers_ask_for(page: Page) -> None:
    assert page.browser.title == "Inkling"
    assert page.run("return document.documentElement.lang") == "en"
    for name in ("viewport", "description", "color-scheme"):
        assert page.run("return document.querySelector(`meta[name=${arguments[0]}]`).content", name)
    foreign = page.run(
        "return performance.getEntriesByType('resource').map(({ name }) => name).filter((n) => !n.startsWith(origin))"
    )
    assert foreign == []


@pytest.mark.browser
def test_it_speaks_german_to_those_who_choose_so_and_keeps_the_drawing(page: Page) -> None:
    page.draw(THREE)
    page.wait_for_answer("3")
    Select(page.browser.find_element("id", "language")).select_by_visible_text("Deutsch")
    page.wait("return document.getElementById('detail').textContent === 'zu 99,9\\u00a0% sicher'")
    assert page.text("answer") == "3"
    assert page.browser.find_element("id", "undo").get_attribute("aria-label") == "Rückgängig"
    assert page.browser.find_element("id", "undo").get_attribute("title") == "Rückgängig (Ctrl Z)"
    page.screenshot("draw-german")
    page.reload()
    assert page.run("return document.documentElement.lang") == "de"


@pytest.mark.browser
def test_both_languages_have_every_sentence(page: Page) -> None:
    english, german, pages = page.run(
        """
        return Promise.all([import("/static/en.js"), import("/static/de.js")]).then(([{ en }, { de }]) => {
          const { page, ...texts } = de({});
          return [Object.keys(en({})), Object.keys(texts), Object.keys(page)];
        });
        """
    )
    assert english == german
    said = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html"))
    wanted = set(re.findall(r'data-(?:text|label)="(\w+)"', said)) | set(re.findall(r"tool\('(\w+)'", said))
    assert wanted == set(pages)


@pytest.mark.browser
def test_german_fits_a_small_screen(german: Page) -> None:
    german.resize(320, 640)
    german.draw(THIRTY_SEVEN)
    german.wait_for_answer("37")
    german.screenshot("draw-320-german")
    assert german.run("return document.documentElement.scrollWidth") <= 320

"""`python -m tests.bench.page`: how long after the pen is lifted the answer to all of the drawing is on the screen."""

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.cases import STROKES
from tests.bench.load import HOST
from tests.bench.sections import OURS
from tests.bench.servers import running
from tests.serving import chromium
from tests.serving.browser import SEVEN, THIRTY_SEVEN, THREE, Page, side_by_side

DRAWINGS = {"3": THREE, "7": SEVEN, "37": THIRTY_SEVEN, "37373": side_by_side(THREE, SEVEN, THREE, SEVEN, THREE)}
TIMES = 15

_WATCH = """
    window.lifted = window.told = 0;
    document.addEventListener("pointerup", ({ timeStamp }) => { window.lifted = timeStamp; });
    // The next frame's start is when what was changed is about to be painted.
    new MutationObserver(() => requestAnimationFrame((now) => { window.told = now; }))
      .observe(document.getElementById("timing"), { characterData: true, childList: true });
"""


def main() -> None:
    """Draw, measure, print a table."""
    if chromium.missing():
        sys.exit(chromium.missing())
    with (
        tempfile.TemporaryDirectory() as profile,
        running(OURS, STROKES) as server,
        chromium.started(Path(profile)) as chrome,
    ):
        chrome.get(f"http://{HOST}:{server.port}/")
        page = Page(chrome)
        page.wait_until_ready()
        page.run(_WATCH)
        print("| drawn | median | slowest of", TIMES, "| all under 100 ms |")
        print("|---|---|---|---|")
        for answer, strokes in DRAWINGS.items():
            waits = sorted(_wait(page, answer, strokes) for _ in range(TIMES))
            print(f"| {answer} | {statistics.median(waits):.0f} ms | {waits[-1]:.0f} ms | {waits[-1] < 100} |")


def _wait(page: Page, answer: str, strokes: list[list[tuple[float, float]]]) -> float:
    page.click("clear")
    page.wait_for_state("blank")
    page.draw(strokes)
    page.wait_for_answer(answer)
    # One request may still be under way.
    page.run("return new Promise((resolve) => setTimeout(resolve, 300))")
    return float(page.run("return window.told - window.lifted"))


if __name__ == "__main__":
    main()

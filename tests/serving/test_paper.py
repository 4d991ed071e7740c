"""Ink is found on whatever it was drawn, photographed however."""

import io
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from serving import ink
from serving.paper import coverage
from tests.drawings import SEVEN, file_of

Light = NDArray[np.float64]
Digit = list[list[tuple[int, int]]]

HEIGHT, WIDTH = 600, 800
LEFT, TOP, SCALE = 330, 160, 3.0
PAPER = np.array([232.0, 228.0, 218.0])
INK = np.array([45.0, 50.0, 80.0])
EXPECTED = ink.from_strokes(SEVEN).pictures[0]
BOX = (LEFT - 8, TOP - 8, 50 * SCALE + 16, 80 * SCALE + 16)
"""Of a pen 16 pixels wide."""
BARRED: Digit = [[(0, 0), (70, 0), (30, 110)], [(15, 55), (75, 55)]]
FIVE: Digit = [[(70, 0), (8, 0), (5, 45), (50, 45), (70, 75), (45, 108), (0, 105)]]
LEAN = np.tan(np.deg2rad(4))
"""Of printed lines."""


def inked(paths: list[Light], pen: int) -> Light:
    """Paths [P,2] on a sheet: share of ink [H,W,1]."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(canvas, [np.rint(path).astype(np.int32) for path in paths], False, 255, pen, cv2.LINE_AA)
    return canvas[..., None] / 255


def drawn(pen: int = 16) -> Light:
    """A seven on a sheet: share of ink [H,W,1]."""
    return inked([np.array(SEVEN[0]) * SCALE + (LEFT, TOP)], pen)


def row(digit: Digit, count: int, apart: int) -> Light:
    """So many of one digit along the printed lines: share of ink [H,W,1]."""
    starts = [np.array([60 + across, 250 - across * LEAN]) for across in range(0, count * apart, apart)]
    return inked([np.array(path) + start for start in starts for path in digit], pen=8)


def sheet(share: Light | None = None, pen: Light = INK, paper: Light = PAPER, strength: float = 1.0) -> Light:
    """Paper with ink on it, float [H,W,3]."""
    share = drawn() if share is None else share
    return paper * (1 - strength * share) + pen * strength * share


def blank() -> Light:
    return sheet(np.zeros((HEIGHT, WIDTH, 1)))


def ruled(picture: Light, squared: bool = False, colour: tuple[int, int, int] = (150, 175, 220)) -> Light:
    """Print lines over a picture, leaning four degrees."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distances = [(y + LEAN * x) % 55, (x - LEAN * y) % 55][: 1 + squared]
    lines = np.clip(1.7 - np.abs(np.min(distances, axis=0) - 2), 0, 1)[..., None]
    return picture * (1 - lines) + np.minimum(picture, colour) * lines


def uneven() -> Light:
    """Light from the left, weaker to the right: [H,W,1]."""
    return np.tile(np.linspace(1.0, 0.55, WIDTH), (HEIGHT, 1))[..., None]


def shadow(blur: float) -> Light:
    """The shadow of a hand across the sheet: [H,W,1]."""
    mask = np.zeros((HEIGHT, WIDTH))
    cv2.fillPoly(mask, [np.array([[400, 600], [360, 300], [470, 230], [800, 330], [800, 600]])], 1.0)
    return 1 - 0.45 * cv2.GaussianBlur(mask, (0, 0), blur)[..., None]


def photo(picture: Light, light: Light | float = 1.0, grain: float = 3.0) -> bytes:
    """Take a photo: light, lens, grain, JPEG."""
    seen = cv2.GaussianBlur(picture * light, (0, 0), 1.0)
    seen += np.random.default_rng(1).normal(0, grain, seen.shape)
    return file_of(Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8)), "JPEG", quality=60)


def on_a_table(picture: Light) -> Light:
    """Lay the sheet on a dark grained table that shows at the left and at the bottom."""
    grain = 40 + 12 * np.sin(np.arange(HEIGHT) / 3)[:, None, None]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    table = ((x + 0.1 * y < 90) | (y - 0.08 * x > 530))[..., None]
    return np.where(table, grain * np.array([1.0, 0.8, 0.6]), picture)


def note_on_a_table(picture: Light, table: tuple[int, int, int]) -> Light:
    """Cut a note with the seven on it out of a sheet, and lay it near the right edge of a table of one colour."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    note = ((np.abs(x - 410 - 0.05 * y) < 125) & (np.abs(y - 280 + 0.05 * x) < 190))[..., None]
    moved = np.where(note, picture, np.array(table, float))
    return np.roll(moved, 200, axis=1)


def torn(share: Light) -> Light:
    """A pen that skips: gaps across the strokes, every now and then."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return share * ~(((x + y) % 90 < 4) | ((x - y) % 110 < 4))[..., None]


BOARD, CHALK = np.array([36.0, 52.0, 46.0]), np.array([215.0, 215.0, 205.0])

PHOTOS = {
    "plain": photo(sheet()),
    "uneven light": photo(sheet(), uneven()),
    "a soft shadow": photo(sheet(), shadow(25)),
    "a sharp shadow": photo(sheet(), shadow(3)),
    "ruled paper": photo(ruled(sheet())),
    "squared paper, uneven light": photo(ruled(sheet(), squared=True), uneven()),
    "grey lines, pencil": photo(ruled(sheet(pen=np.full(3, 110.0)), colour=(150, 150, 155))),
    "a table under the paper": photo(on_a_table(sheet()), uneven()),
    "red ink": photo(sheet(pen=np.array([200.0, 50.0, 50.0])), uneven()),
    "green ink, blue paper": photo(sheet(pen=np.array([30.0, 110.0, 60.0]), paper=np.array([150.0, 180.0, 235.0]))),
    "faint pencil": photo(sheet(strength=0.35), uneven()),
    "a thin pen": photo(sheet(drawn(pen=5))),
    "a marker": photo(sheet(drawn(pen=40))),
    "chalk on a blackboard": photo(sheet(pen=CHALK, paper=BOARD), uneven()),
    "a broad felt pen": photo(sheet(drawn(pen=70)), shadow(25)),
    "a pen that skips": photo(sheet(torn(drawn())), uneven()),
    "a noisy sensor": photo(sheet(), uneven(), grain=12),
}


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_photo_gives_the_ink_and_nothing_else(kind: str) -> None:
    found = ink.from_bytes(PHOTOS[kind])
    assert len(found.boxes) == 1
    margin = {"a marker": 30, "a broad felt pen": 60}.get(kind, 18)
    assert found.boxes[0] == pytest.approx(BOX, abs=margin)
    apart = np.abs(found.pictures[0].astype(int) - EXPECTED.astype(int)).mean()
    assert apart < {"a marker": 30, "a thin pen": 30, "a broad felt pen": 45}.get(kind, 16)


@pytest.mark.parametrize(
    ("table", "paper", "pen"),
    [
        ((95, 150, 90), np.array([235.0, 215.0, 80.0]), INK),
        ((150, 148, 145), PAPER, np.full(3, 130.0)),
        ((240, 225, 190), BOARD, CHALK),
        ((190, 188, 186), np.array([245.0, 205.0, 215.0]), INK),
    ],
    ids=["yellow on green", "pencil, grey table", "dark card on a pale table", "pink on light grey"],
)
def test_a_note_on_a_large_table_is_read_and_the_table_is_not(
    table: tuple[int, int, int], paper: Light, pen: Light
) -> None:
    found = ink.from_bytes(photo(note_on_a_table(sheet(pen=pen, paper=paper), table), uneven()), many=True)
    left, top, width, height = BOX
    assert found.boxes == (pytest.approx((left + 200, top, width, height), abs=18),)


@pytest.mark.parametrize("digit", [FIVE, BARRED], ids=["fives", "barred sevens"])
@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
def test_level_strokes_of_a_row_of_digits_are_no_printed_line(digit: Digit, squared: bool) -> None:
    share = row(digit, 7, 96)
    picture, _ = ink.decode(photo(ruled(sheet(share), squared=squared, colour=(185, 200, 225))))
    found, written = coverage(picture) > 100, share[..., 0] > 0.5
    assert (found & written).sum() > 0.93 * written.sum()
    near = cv2.dilate(written.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert not (found & ~near).any()


def test_a_stroke_with_gaps_is_one_symbol() -> None:
    assert len(ink.from_bytes(PHOTOS["a pen that skips"], many=True).boxes) == 1


@pytest.mark.parametrize(
    "data",
    [
        photo(blank()),
        photo(blank(), uneven() * shadow(25)),
        photo(ruled(blank())),
        photo(ruled(blank(), squared=True), uneven()),
        photo(on_a_table(blank())),
        photo(sheet(np.zeros((HEIGHT, WIDTH, 1)), paper=BOARD), uneven()),
        photo(blank(), grain=15),
        photo(cv2.line(blank(), (620, 0), (799, 40), (120.0, 140.0, 190.0), 4), uneven()),
        file_of(Image.fromarray(ruled(blank(), squared=True).astype(np.uint8))),
        file_of(Image.fromarray(np.random.default_rng(0).integers(0, 256, (700, 700, 3)).astype(np.uint8))),
        file_of(Image.linear_gradient("L").resize((900, 700)), "JPEG", quality=30),
    ],
    ids=[
        "white",
        "shadow",
        "ruled",
        "squared",
        "table",
        "board",
        "grain",
        "end of a line",
        "scan of lines",
        "noise",
        "gradient",
    ],
)
def test_blank_paper_has_no_ink(data: bytes) -> None:
    assert ink.from_bytes(data).boxes == ()


def test_the_grain_of_the_paper_is_not_ink() -> None:
    picture, _ = ink.decode(PHOTOS["a noisy sensor"])
    away = np.ones((HEIGHT, WIDTH), bool)
    away[TOP - 30 : TOP + 280, LEFT - 30 : LEFT + 190] = False
    assert not coverage(picture)[away].any()


def test_edges_of_strokes_stay_smooth() -> None:
    picture, _ = ink.decode(PHOTOS["plain"])
    covered = coverage(picture)
    assert np.count_nonzero((covered > 30) & (covered < 220)) > 500


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_photo_turned_by_its_exif_tag_has_boxes_in_its_own_upright_pixels(kind: str) -> None:
    upright = Image.open(io.BytesIO(PHOTOS["uneven light"])).resize((4 * WIDTH, 4 * HEIGHT), Image.Resampling.BICUBIC)
    options: dict[str, object] = {}
    if kind == "JPEG":
        exif = Image.Exif()
        exif[0x0112] = 8
        upright, options = upright.transpose(Image.Transpose.ROTATE_270), {"exif": exif, "quality": 80}
    found = ink.from_bytes(file_of(upright, kind, **options))
    assert found.boxes[0] == pytest.approx(tuple(4 * value for value in BOX), abs=30)
    assert np.abs(found.pictures[0].astype(int) - EXPECTED.astype(int)).mean() < 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1, 3), (2, 2, 4), (65, 66, 3), (1, 2500), (70, 300, 4)])
@pytest.mark.parametrize("fill", ["noise", "constant", "ramp"])
def test_no_picture_is_too_odd(shape: tuple[int, ...], fill: str) -> None:
    pictures = {
        "noise": np.random.default_rng(0).integers(0, 256, shape),
        "constant": np.full(shape, 130),
        "ramp": np.linspace(0, 255, int(np.prod(shape))).reshape(shape),
    }
    found = ink.from_picture(pictures[fill].astype(np.uint8))
    assert found.pictures.shape == (len(found.boxes), 28, 28)


def test_two_specks_far_apart_are_survived() -> None:
    picture = np.full((1200, 1200), 255, np.uint8)
    picture[100, 100] = picture[1100, 1100] = 0
    assert len(ink.from_picture(picture).boxes) <= 1


def test_much_noise_takes_bounded_time() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5000, 5000)).astype(np.uint8)
    start = time.process_time()
    assert ink.from_picture(noise).boxes == ()
    assert time.process_time() - start < 2


def test_a_drawing_that_touches_one_edge_keeps_all_its_ink() -> None:
    canvas = np.zeros((280, 280), np.uint8)
    cv2.line(canvas, (140, 0), (140, 200), 255, 12)
    assert ink.cut(coverage(canvas)) == pytest.approx((134, 0, 13, 207), abs=3)


def steps(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving.ink", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_step_can_be_seen(tmp_path: Path) -> None:
    file, out = tmp_path / "photo.jpg", tmp_path / "out.png"
    file.write_bytes(PHOTOS["ruled paper"])
    done = steps(file, "--steps", out)
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    with Image.open(out) as picture:
        assert picture.width > 1000


def test_steps_of_no_picture_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name, words in (("missing.png", "cannot be read"), ("text.png", "not an image")):
        done = steps(tmp_path / name)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr

"""The sheet is found among what else lies in a picture, wherever it lies."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from serving.surfaces import sheet_of

Mask = NDArray[np.uint8]
HEIGHT, WIDTH = 192, 256
NOTE, TABLE, WHITE, GREY = (230, 205, 70), (120, 130, 135), (225, 226, 228), (165, 166, 165)
BLUE = (30, 45, 110)


def rectangle(left: int, top: int, right: int, bottom: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def picture(ground: tuple[int, ...], *things: tuple[Mask, tuple[int, ...]]) -> NDArray[np.float64]:
    """Things laid on a ground, one after the other: float [H,W,3]."""
    result = np.tile(np.array(ground, float), (HEIGHT, WIDTH, 1))
    for mask, colour in things:
        result[mask > 0] = colour
    return result


def stroke(*points: tuple[int, int], width: int = 3) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(mask, [np.array(points, np.int32)], False, 255, width)
    return mask


def planes(seen: NDArray[np.float64], grain: float = 1.5) -> list[Mask]:
    seen = cv2.GaussianBlur(seen, (0, 0), 0.6) + np.random.default_rng(0).normal(0, grain, seen.shape)
    return list(cv2.split(np.clip(seen, 0, 255).astype(np.uint8)))


def share(sheet: Mask, place: Mask) -> float:
    return float((sheet[place > 0] > 0).mean())


CORNER, MIDDLE = rectangle(150, 20, 240, 110), rectangle(90, 50, 170, 130)
SEVEN = stroke((180, 40), (210, 40), (190, 90))
WOOD = 30 * np.sin(np.mgrid[:HEIGHT, :WIDTH][0] / 2.2 + 3 * np.sin(np.mgrid[:HEIGHT, :WIDTH][1] / 40))[..., None]


@pytest.mark.parametrize("table", [TABLE, (235, 215, 180), (40, 40, 42)], ids=["grey", "pale", "dark"])
def test_a_note_in_a_corner_of_a_large_table_is_the_sheet(table: tuple[int, ...]) -> None:
    found = sheet_of(planes(picture(table, (CORNER, NOTE), (SEVEN, BLUE))))
    assert share(found, cv2.erode(CORNER, np.ones((7, 7)))) == 1
    assert share(found, cv2.bitwise_not(cv2.dilate(CORNER, np.ones((7, 7))))) == 0


def test_the_grain_of_wood_is_no_writing() -> None:
    wooden = picture((150, 110, 75)) + WOOD
    seen = np.where(CORNER[..., None] > 0, picture(WHITE, (SEVEN, (120, 120, 125))), wooden)
    found = sheet_of(planes(seen))
    assert share(found, cv2.erode(CORNER, np.ones((7, 7)))) == 1
    assert share(found, cv2.bitwise_not(cv2.dilate(CORNER, np.ones((9, 9))))) == 0


def test_white_ink_on_a_dark_card_on_pale_wood_is_found() -> None:
    seen = np.where(CORNER[..., None] > 0, picture((40, 45, 70), (SEVEN, (235, 235, 230))), picture(NOTE) + WOOD)
    found = sheet_of(planes(seen))
    assert share(found, SEVEN) == 1
    assert share(found, rectangle(0, 0, 130, HEIGHT)) == 0


def test_a_paper_that_fills_the_picture_is_the_sheet_whatever_the_light() -> None:
    light = np.linspace(1, 0.4, WIDTH)[None, :, None]
    assert sheet_of(planes(picture(WHITE, (SEVEN, BLUE)) * light)).all()


def test_a_stroke_is_no_sheet_and_what_it_surrounds_belongs_to_the_paper() -> None:
    zero = cv2.ellipse(np.zeros((HEIGHT, WIDTH), np.uint8), (128, 96), (60, 65), 0, 0, 360, 255, 18)
    assert sheet_of(planes(picture(WHITE, (zero, BLUE)))).all()


def test_a_shadow_as_sharp_as_an_edge_does_not_divide_the_writing() -> None:
    writing = (
        stroke((60, 40), (90, 40), (70, 90)),
        stroke((180, 40), (210, 40), (190, 90)),
        stroke((100, 130), (160, 140)),
    )
    shade = np.where(rectangle(128, 0, WIDTH, HEIGHT) > 0, 0.55, 1.0)[..., None]
    found = sheet_of(planes(picture(WHITE, *((each, BLUE) for each in writing)) * shade))
    for each in writing:
        assert share(found, each) == 1


def test_a_grey_picture_of_one_plane_is_divided_as_well() -> None:
    seen = picture(GREY, (MIDDLE, WHITE), (stroke((110, 70), (140, 70), (120, 110)), BLUE))
    found = sheet_of([cv2.cvtColor(cv2.merge(planes(seen)), cv2.COLOR_RGB2GRAY)])
    assert share(found, cv2.erode(MIDDLE, np.ones((7, 7)))) == 1
    assert share(found, rectangle(0, 0, 80, HEIGHT)) == 0

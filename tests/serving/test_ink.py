"""Whatever a person sends, the network sees the same ink."""

import cv2
import numpy as np
import pytest
from PIL import Image

from serving import ink
from serving.errors import BadRequestError, TooLargeError
from tests.drawings import FORMS, SEVEN, Picture, file_of, seven


def seen(data: bytes) -> Picture:
    found = ink.from_bytes(data)
    assert len(found.boxes) == 1
    return found.pictures[0]


def apart(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


EXPECTED = ink.from_picture(seven()).pictures[0]


def test_the_normal_form_is_that_of_mnist() -> None:
    rows, columns = np.nonzero(EXPECTED > 40)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    moments = cv2.moments(EXPECTED)
    assert moments["m10"] / moments["m00"] == pytest.approx(13.5, abs=0.6)
    assert moments["m01"] / moments["m00"] == pytest.approx(13.5, abs=0.6)
    assert EXPECTED.max() == 255


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_picture_is_seen_alike(form: str) -> None:
    assert apart(seen(FORMS[form]), EXPECTED) < 8


def test_a_jpeg_turned_by_its_exif_tag_is_seen_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = Image.fromarray(np.ascontiguousarray(np.rot90(255 - seven())))
    assert apart(seen(file_of(sideways, "JPEG", quality=90, exif=exif)), EXPECTED) < 8


def test_a_pen_of_another_size_on_another_canvas_draws_the_same_shape() -> None:
    large = seven(left=400, top=500, side=1000)
    found = ink.from_picture(large)
    assert found.boxes[0] == pytest.approx((392, 492, 91, 137), abs=3)
    assert apart(found.pictures[0], EXPECTED) < 8


def test_strokes_look_like_the_same_drawing_as_a_picture() -> None:
    found = ink.from_strokes(SEVEN)
    assert found.boxes == ((0.0, 0.0, 50.0, 80.0),)
    assert apart(found.pictures[0], EXPECTED) < 12


def test_strokes_mean_the_same_in_every_unit_and_place() -> None:
    elsewhere = [[[x / 300 - 7, y / 300 + 2] for x, y in stroke] for stroke in SEVEN]
    assert apart(ink.from_strokes(elsewhere).pictures[0], ink.from_strokes(SEVEN).pictures[0]) < 1


def test_pixels_in_the_normal_form_pass_nearly_unchanged() -> None:
    again = ink.from_pixels(EXPECTED.tolist()).pictures[0]
    assert apart(again, EXPECTED) < 4
    assert apart(ink.from_pixels((EXPECTED / 255).tolist()).pictures[0], again) < 1


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((280, 280), np.uint8),
        np.full((280, 280, 3), 255, np.uint8),
        np.zeros((280, 280, 4), np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.random.default_rng(0).integers(240, 256, (280, 280, 3)).astype(np.uint8),
    ],
    ids=["black", "white", "transparent", "one pixel", "slight noise"],
)
def test_a_blank_picture_has_no_ink(blank: Picture) -> None:
    assert ink.from_picture(blank).boxes == ()


def test_no_strokes_are_no_ink() -> None:
    assert ink.from_strokes([]).boxes == ()
    assert ink.from_strokes([[]]).boxes == ()


def test_a_dot_is_drawn_as_a_dot() -> None:
    found = ink.from_strokes([[[5, 5]]])
    assert 0 < (found.pictures[0] > 128).sum() <= 9


@pytest.mark.parametrize("strokes", [[[[0, 0], [1]]], [[["a", "b"]]], [[[0, float("nan")]]], [[5]], [[[[1, 2]]]]])
def test_strokes_that_are_none_are_refused_in_words(strokes: list[list[list[float]]]) -> None:
    with pytest.raises(BadRequestError, match="pairs of finite numbers"):
        ink.from_strokes(strokes)


def test_too_many_points_are_refused() -> None:
    with pytest.raises(TooLargeError, match="at most 20,000"):
        ink.from_strokes([[[0.0, 1.0]] * 20_001])


@pytest.mark.parametrize("cut_at", [0, 1, 60, 400])
def test_a_file_cut_off_is_refused_in_words(cut_at: int) -> None:
    with pytest.raises(BadRequestError, match="image"):
        ink.from_bytes(FORMS["JPEG"][:cut_at])


def test_a_picture_of_too_many_pixels_is_refused_by_its_header() -> None:
    header_only = file_of(Image.new("1", (9000, 9000)))[:200]
    with pytest.raises(TooLargeError, match="50,000,000"):
        ink.from_bytes(header_only)


@pytest.mark.parametrize("interpolation", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC])
@pytest.mark.parametrize("polarity", ["dark on light", "light on dark"])
def test_a_tiny_picture_without_margin_is_found_when_enlarged(interpolation: int, polarity: str) -> None:
    small = cv2.resize(seven(pen=24)[40:200, 90:200], (11, 16), interpolation=cv2.INTER_AREA)
    tight = cv2.resize(small, (193, 280), interpolation=interpolation)
    found = ink.from_picture(tight if polarity == "light on dark" else 255 - tight, many=True)
    (picture,) = found.pictures
    (wanted,) = ink.from_picture(seven(pen=24)).pictures
    assert np.abs(picture.astype(int) - wanted).mean() < 25


def test_stripes_of_the_hardest_contrast_are_no_fault() -> None:
    stripes = np.tile(np.repeat([0, 255], 10).astype(np.uint8), (1600, 80))
    assert len(ink.from_picture(stripes).boxes) <= 1

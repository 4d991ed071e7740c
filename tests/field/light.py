"""Light that falls on a sheet: lamps, windows, shadows of hands and phones; float32[H,W,3], about 1 in the middle."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
_COARSE = 12
"""Light changes slowly: it is computed for every twelfth pixel."""
_WHITES = {
    "daylight": (0.97, 1.0, 1.03),
    "cloudy": (0.9, 0.99, 1.1),
    "warm lamp": (1.16, 0.98, 0.72),
    "tube": (0.96, 1.04, 0.94),
}
"""What the camera's white balance leaves of the light's colour."""


@dataclass(frozen=True)
class Light:
    """How a photo is lit."""

    name: str
    field: NDArray[np.float32]
    """float32[H,W,3]."""


def shine(shape: tuple[int, int], rng: Rng) -> Light:
    """Light of one colour, uneven, with up to two shadows."""
    name = list(_WHITES)[rng.integers(len(_WHITES))]
    height, width = max(16, shape[0] // _COARSE), max(16, shape[1] // _COARSE)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width) * 2 - 1
    field = _falloff(x, y, rng) * _vignette(x, y, rng)
    shadows = int(rng.choice(3, p=(0.45, 0.4, 0.15)))
    colour = np.array(_WHITES[name], np.float32) * rng.uniform(0.97, 1.03, 3).astype(np.float32)
    lit = field[..., None] * colour
    for _ in range(shadows):
        # What still reaches a shadow comes from the sky or the walls, and has their colour.
        left = rng.uniform(0.4, 0.75) * rng.uniform(0.93, 1.07, 3)
        lit *= 1 - _shadow((height, width), rng)[..., None] * (1 - left.astype(np.float32))
    field = cv2.resize(lit, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return Light(name + ("", ", a shadow", ", two shadows")[shadows], field)


def _falloff(x: NDArray[np.float32], y: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """A lamp or window beside the sheet: the cosine and the square of the distance."""
    angle, away, high = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 3), rng.uniform(1.6, 6)
    squared = (x - away * np.cos(angle)) ** 2 + (y - away * np.sin(angle)) ** 2
    lamp = (1 + squared / high**2) ** -1.5
    ambient = rng.uniform(0.15, 0.6)
    return ambient + (1 - ambient) * lamp / lamp.mean()


def _vignette(x: NDArray[np.float32], y: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    return (1 + rng.uniform(0.02, 0.16) * (x**2 + y**2)) ** -2


def _shadow(shape: tuple[int, int], rng: Rng) -> NDArray[np.float32]:
    """A phone or a hand that comes in from an edge, 0 to 1, with its penumbra."""
    height, width = shape
    size = float(max(shape))
    mask = np.zeros(shape, np.uint8)
    angle = rng.uniform(0, 2 * np.pi)
    towards = np.array([np.cos(angle), np.sin(angle)])
    tip = np.array([width, height]) / 2 + towards * size * rng.uniform(-0.1, 0.35) + rng.normal(0, 0.12, 2) * size
    if rng.random() < 0.5:
        _phone(mask, tip, towards, size * rng.uniform(0.3, 0.6))
    else:
        _hand(mask, tip, towards, size * rng.uniform(0.12, 0.22), rng)
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), size * rng.uniform(0.012, 0.07))


def _phone(mask: NDArray[np.uint8], tip: NDArray[np.float64], towards: NDArray[np.float64], wide: float) -> None:
    aside = np.array([-towards[1], towards[0]]) * wide / 2
    far = towards * 4 * wide
    cv2.fillPoly(
        mask, [np.rint([tip - aside, tip + aside, tip + far + aside, tip + far - aside]).astype(np.int32)], 255
    )


def _hand(
    mask: NDArray[np.uint8], tip: NDArray[np.float64], towards: NDArray[np.float64], wide: float, rng: Rng
) -> None:
    """Fingers, the back of the hand, the arm."""
    aside = np.array([-towards[1], towards[0]])
    palm = tip + towards * 2.2 * wide
    for finger in range(4):
        end = tip + aside * (finger - 1.5) * 0.5 * wide + towards * abs(finger - 1.2) * 0.35 * wide
        root = palm + aside * (finger - 1.5) * 0.35 * wide
        _limb(mask, end + rng.normal(0, 0.08 * wide, 2), root, 0.36 * wide)
    _limb(mask, palm, palm + towards * 8 * wide, 1.7 * wide)


def _limb(mask: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64], wide: float) -> None:
    ends = [tuple(np.rint(each).astype(int).tolist()) for each in (start, end)]
    cv2.line(mask, ends[0], ends[1], 255, max(1, round(wide)))

"""Grey planes uint8[H,W]: the few operations that everything about photos is made of."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

_BLACK = 12
"""Added before brightnesses are compared: the darkest steps of a camera are noise."""
_LOG = np.log(np.arange(256, dtype=np.float32) + _BLACK)


def logarithm(plane: MatLike) -> NDArray[np.float32]:
    """Natural logarithm float32[H,W] of a brightness: equal differences are equal shares of the light."""
    result: NDArray[np.float32] = _LOG[plane]
    return result


def share_of(part: float, light: float, scale: float) -> float:
    """What share of the light a part of it is, times `scale`; the darkest light counts for more than it is."""
    return part / (light + _BLACK) * scale


def shares_of(part: MatLike, light: MatLike, scale: float) -> MatLike:
    """The same of whole planes: uint8[H,W]."""
    return cv2.divide(part, cv2.add(light, full_like(light, _BLACK)), scale=scale)


def square(side: int) -> MatLike:
    """A square brush."""
    return cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))


def fill(plane: MatLike, brush: int, dark: bool) -> MatLike:
    """Paint over all that is darker than its surroundings, or lighter, and narrower than the brush.

    Beyond the plane's edges all is dark, or light: what leads out there stays.
    """
    framed = cv2.copyMakeBorder(plane, brush, brush, brush, brush, cv2.BORDER_CONSTANT, value=0 if dark else 255)
    how = cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN
    return cv2.morphologyEx(framed, how, square(brush))[brush:-brush, brush:-brush]


def steps(plane: MatLike, side: int = 3) -> MatLike:
    """Difference between the greatest and the least value in a square around each pixel."""
    return cv2.morphologyEx(plane, cv2.MORPH_GRADIENT, square(side))


def full_like(plane: MatLike, value: float) -> MatLike:
    """A scalar in OpenCV's arithmetic is taken for a colour where a plane has four pixels."""
    return np.full(plane.shape, value, np.uint8)


def mask_of(condition: NDArray[np.bool_]) -> MatLike:
    """255 where it holds, else 0."""
    return condition.astype(np.uint8) * 255


def enlarge(mask: MatLike, like: MatLike) -> MatLike:
    """A mask of a shrunken picture in the size of the whole."""
    height, width = like.shape
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def histogram(plane: MatLike, mask: MatLike | None = None) -> NDArray[np.float64]:
    """How often each value 0 to 255 occurs: float64[256]."""
    return cv2.calcHist([plane], [0], mask, [256], [0, 256]).ravel().astype(np.float64)

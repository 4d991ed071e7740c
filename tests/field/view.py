"""Where a point of the sheet appears in the photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
MOST_TILT = 12.0
"""Degrees."""
_FAR = 2e4


@dataclass(frozen=True)
class View:
    """A pinhole camera over a sheet that is not quite flat."""

    shape: tuple[int, int]
    """Height and width of the photo in pixels."""
    scale: float
    """Pixels a millimetre of the sheet, at its middle."""
    matrix: NDArray[np.float64]
    """Homography float64[3,3] from millimetres around the middle of the writing to pixels."""
    bend: float
    """Pixels by which the sheet's rows sag at the photo's edges."""

    def __call__(self, millimetres: NDArray[np.floating]) -> Points:
        """Points [...,2] of the sheet, in millimetres, to pixels float32[...,2]."""
        flat = np.concatenate([millimetres, np.ones_like(millimetres[..., :1])], axis=-1) @ self.matrix.T
        pixels = flat[..., :2] / np.maximum(flat[..., 2:], 1e-3)
        pixels[..., 1] += self.bend * np.clip(2 * pixels[..., 0] / self.shape[1] - 1, -2, 2) ** 2
        # OpenCV's lines go astray from 32,768 on.
        return np.clip(pixels, -_FAR, _FAR).astype(np.float32)

    @property
    def reach(self) -> float:
        """Millimetres from the middle that are surely beyond the photo's edges."""
        return 2 * max(self.shape) / self.scale


def look(shape: tuple[int, int], scale: float, middle: tuple[float, float], rng: np.random.Generator) -> View:
    """Hold the camera over the sheet, a little askew; `middle` (x, y in pixels) is where the writing comes to lie."""
    roll = np.radians(np.clip(rng.normal(0, 5), -MOST_TILT, MOST_TILT))
    pitch, yaw = np.radians(np.clip(rng.normal(0, 8, 2), -18, 18))
    turn = _rotation(pitch, 0) @ _rotation(yaw, 1) @ _rotation(roll, 2)
    focal = 1.2 * max(shape)
    to_pixels = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
    distance = np.array([[0], [0], [focal / scale]])
    matrix = to_pixels @ np.concatenate([turn[:, :2], distance], axis=1)
    return View(shape, scale, matrix / matrix[2, 2], float(rng.normal(0, 0.012)) * shape[0])


def _rotation(angle: float, axis: int) -> NDArray[np.float64]:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.eye(3)
    one, other = [each for each in range(3) if each != axis]
    turn[[one, other, one, other], [one, other, other, one]] = cosine, cosine, -sine, sine
    return turn

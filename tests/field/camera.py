"""A phone's camera: from linear light float32[H,W,3] to a JPEG file."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.field.texture import clouds, grain

Scene = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Rng = np.random.Generator
_LEVELS = 4096
_ORIENTATION = 0x0112
_TURNS = {1: 0, 6: 1, 3: 2, 8: 3}
"""EXIF orientation: by how many quarter turns, anticlockwise, the pixels are stored."""


def take(scene: Scene, rng: Rng) -> bytes:
    """Expose, develop and store."""
    return _store(_sharpen(_develop(_expose(_blur(scene, rng), rng), rng), rng), rng)


def _blur(scene: Scene, rng: Rng) -> Scene:
    """The lens a little out of focus, at times the hand not quite still."""
    unit = min(scene.shape[:2]) / 800
    soft = cv2.GaussianBlur(scene, (0, 0), max(0.35, rng.gamma(3, 0.28) * unit))
    length = rng.uniform(1.5, 6) * unit
    if rng.random() > 0.25 or length < 1.5:
        return soft
    side = 2 * int(np.ceil(length / 2)) + 1
    angle = rng.uniform(0, np.pi)
    along = np.linspace(-length / 2, length / 2, 8 * side)
    place = [np.rint(side // 2 + along * turn).astype(int) for turn in (np.sin(angle), np.cos(angle))]
    kernel = np.zeros((side, side), np.float32)
    np.add.at(kernel, tuple(place), 1)
    return cv2.filter2D(soft, -1, kernel / kernel.sum())


def _expose(scene: Scene, rng: Rng) -> Scene:
    """Set the exposure by the brightness of the picture, and add the noise of light and sensor."""
    bright = float(np.percentile(scene[::16, ::16, 1], 90))
    exposed = scene * np.float32(rng.uniform(0.5, 0.92) / max(bright, 0.25))
    shape = scene.shape[:2]
    iso = rng.gamma(2, 0.5)
    # Photons come in at random, so noise grows with the root of the light; the sensor adds its own.
    grey = cv2.transform(exposed, np.array([[0.3, 0.55, 0.15]], np.float32))
    deviation = np.sqrt(np.maximum(grey, 0) * np.float32(1.1e-4 * iso) + np.float32(1.2e-5 * iso**2))
    common = grain(rng, shape)
    noise = cv2.merge([deviation * (common + np.float32(0.5) * clouds(rng, shape, 2.5)) for _ in range(3)])
    return cv2.add(exposed, noise, dst=exposed)


def _develop(scene: Scene, rng: Rng) -> Pixels:
    """White at 1, a soft S for contrast, sRGB's curve."""
    light = np.linspace(0, 1.25, _LEVELS)
    knee = np.where(light < 0.8, light, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2))
    encoded = np.where(knee <= 0.0031308, 12.92 * knee, 1.055 * np.maximum(knee, 1e-9) ** (1 / 2.4) - 0.055)
    contrast = rng.uniform(0, 0.25)
    curve = encoded + contrast * (encoded * encoded * (3 - 2 * encoded) - encoded)
    table = np.rint(np.clip(curve, 0, 1) * 255).astype(np.uint8)
    steps = np.multiply(scene, np.float32((_LEVELS - 1) / 1.25), out=scene)
    return table[np.clip(steps, 0, _LEVELS - 1, out=steps).astype(np.uint16)]


def _sharpen(pixels: Pixels, rng: Rng) -> Pixels:
    """What phones do to every picture; too much of it shows as a bright seam."""
    amount = rng.uniform(0.2, 1.1)
    soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.8, 2) * max(1.0, min(pixels.shape[:2]) / 1200))
    return cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0)


def _store(pixels: Pixels, rng: Rng) -> bytes:
    """As JPEG, on a third of the phones with the pixels turned and a note in the file that says so."""
    orientation = int(rng.choice(list(_TURNS), p=(0.67, 0.15, 0.08, 0.1)))
    image = Image.fromarray(np.rot90(pixels, _TURNS[orientation]))
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(50, 91)), subsampling=int(rng.choice([1, 2])), exif=exif)
    return file.getvalue()

"""Send every picture through ink and recogniser as the server does, in several processes."""

import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from serving import bundle as bundles
from serving import engines, ink
from serving.errors import InklingError
from serving.ink import Ink
from serving.recognizer import Reading, Recognizer
from tests.field import canvases
from tests.field.ways import WAYS, Body, Sent

_AT_ONCE = 25
"""Pictures a task: enough to make its way between processes worth it."""
_THUMB = 132
"""Longer side in pixels of what the page shows of a picture."""


@dataclass(frozen=True)
class Outcome:
    """What became of one picture."""

    way: str
    number: int
    truth: str | None
    text: str
    """All symbols, left to right; empty where none was found, or where the picture was refused."""
    sure: bool
    """Whether there are symbols, and none of them is unsure."""
    confidence: float
    """Of the least certain symbol; 0 without symbols."""
    writer: str
    half: int
    about: tuple[str, ...]
    fault: str = ""
    """The exception that the server would have answered with 500."""
    seen: tuple[NDArray[np.uint8], ...] = field(default=(), repr=False)
    """What the network saw of what was misread, uint8[28,28] each."""
    thumb: bytes = field(default=b"", repr=False)
    """A small JPEG of it as it was sent."""

    @property
    def right(self) -> bool:
        """Read as it was meant; of a non-digit, not taken for one."""
        return not self.fault and (self.text == self.truth if self.truth is not None else not self.sure)


def numbers(quick: bool) -> dict[str, Sequence[int]]:
    """The pictures of each way; a tenth of them for a quick look."""
    return {name: range(-(-way.count() // 10) if quick else way.count()) for name, way in WAYS.items()}


def run(bundle: Path, many: bool, plan: Mapping[str, Sequence[int]], processes: int) -> list[Outcome]:
    """Read every picture of the plan with the bundle, `many` symbols or one; shows its progress on stderr."""
    tasks = [
        (way, chosen[start : start + _AT_ONCE])
        for way, chosen in plan.items()
        for start in range(0, len(chosen), _AT_ONCE)
    ]
    outcomes: list[Outcome] = []
    total = sum(map(len, plan.values()))
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_load, initargs=(bundle,))
    with pool, tqdm(total=total, unit=" pictures", smoothing=0.05) as bar:
        try:
            for done in as_completed([pool.submit(_read, many, *task) for task in tasks]):
                outcomes += done.result()
                bar.update(len(done.result()))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(outcomes, key=lambda each: (each.way, each.number))


_recognizer: list[Recognizer] = []
"""This process's own, once it is loaded: engines do not survive a fork, nor can they be sent."""


def _load(path: Path) -> None:
    cv2.setNumThreads(1)
    _recognizer[:] = [Recognizer(bundles.read(path), engines.load("openvino", path))]


def _read(many: bool, way: str, chosen: Sequence[int]) -> list[Outcome]:
    return list(_outcomes(_recognizer[0], many, way, chosen))


def _outcomes(recognizer: Recognizer, many: bool, way: str, chosen: Sequence[int]) -> Iterator[Outcome]:
    for number in chosen:
        sent = WAYS[way].make(number)
        reading, fault = Reading(()), ""
        try:
            reading = recognizer.read([ink_of(sent.body, many)], 1)[0]
        except InklingError:
            pass
        except Exception as error:
            # The server would answer 500; one such picture must not hide what all the others say.
            fault = repr(error)
        yield _outcome(way, number, sent, reading, fault)


def ink_of(body: Body, many: bool) -> Ink:
    """Find the symbols as `POST /predict` does."""
    return ink.from_bytes(body, many) if isinstance(body, bytes) else ink.from_strokes(body, many)


def _outcome(way: str, number: int, sent: Sent, reading: Reading, fault: str) -> Outcome:
    symbols = reading.symbols
    outcome = Outcome(
        way,
        number,
        sent.truth,
        reading.text,
        sure=bool(symbols) and not any(symbol.unsure for symbol in symbols),
        confidence=min((symbol.confidence for symbol in symbols), default=0.0),
        writer=sent.writer,
        half=sent.half,
        about=sent.about,
        fault=fault,
    )
    if outcome.right:
        return outcome
    return replace(outcome, seen=tuple(symbol.picture for symbol in symbols), thumb=thumbnail(sent.body))


def thumbnail(body: Body, side: int = _THUMB) -> bytes:
    """A small JPEG of a picture, or of strokes as a canvas shows them."""
    image: Image.Image
    if isinstance(body, bytes):
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(body)))
        if "A" in image.getbands():
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "#cfd6dd"), image)
    else:
        paths = [np.array(path, np.float32) for path in body]
        width = max(canvases.SIDE, round(float(np.concatenate(paths)[:, 0].max())) + 8)
        image = Image.fromarray(255 - canvases.render(paths, 8, (canvases.SIDE, width)))
    image = image.convert("RGB")
    image.thumbnail((side * 2, side))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75)
    return file.getvalue()

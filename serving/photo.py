"""Ink in photos and scans: uneven light, shadows, a table under the paper, ruled lines, grain.

`STEPS` is the way of a photo, in order. Each step takes the `Photo` as far as it is known and returns it with
something more or something cleaner; `serving.steps` shows them as pictures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from cv2.typing import MatLike

from serving import gaps, lines, specks, strokes, surfaces
from serving.picture import Picture
from serving.planes import enlarge, fill, histogram, logarithm, mask_of, share_of, shares_of, square, steps
from serving.strokes import Strokes

_SMALL = 256
"""Longer side of the copy on which light, sheet and strokes are judged."""
_STEP = 0.25
"""Natural logarithm of a change of the light, within five small pixels, that only an edge makes."""
_GRAINS = 4.0
"""Standard deviations of the paper's grain above which something may be ink."""
_FEWEST, _LEVELS = 5.0, 2.0
"""What may be ink differs from the paper by at least this much (of 255), and by so many of the camera's levels."""
_DOUBTFUL, _NARROW = 43, 27
"""Brush from which on strokes are doubtful, and one that shadows are broader than."""
_SLIVER = 0.25
"""Share of the picture below which a sheet is doubtful."""
_HALF, _STRONGEST = 0.5, 99.5
"""Where that share of the depth of the strongest strokes (a percentile) is reached, the grain is not measured, unless
such depths are usual."""


def _unknown() -> MatLike:
    return np.zeros((0, 0), np.uint8)


@dataclass(frozen=True)
class Photo:
    """What is known of a picture so far; planes and masks are uint8, and empty before they are known."""

    planes: tuple[MatLike, ...]
    """The picture as sent, [H,W] a colour."""
    widest: int = strokes.WIDEST
    """No stroke is taken to be wider, in small pixels."""
    largest: bool = False
    """Whether the largest surface is taken for the sheet, whatever stands out on others."""
    small: tuple[MatLike, ...] = ()
    """The same, shrunk to `_SMALL` and without grain."""
    sheet: MatLike = field(default_factory=_unknown)
    """255 on what is written on, 0 beyond its edges; small."""
    strokes: Strokes = Strokes()
    paper: tuple[MatLike, ...] = ()
    """The paper without its ink, small."""
    gain: float = 255.0
    """`ink` where as much light is taken, or added, as the paper gives."""
    ink: MatLike = field(default_factory=_unknown)
    """[H,W], how far each pixel is from paper to ink; cleaner with every step."""
    floor: int = 0
    """Up to this value `ink` is grain."""
    ruled: MatLike = field(default_factory=_unknown)
    """255 where printed lines ran."""

    @property
    def within(self) -> MatLike:
        """The sheet in the picture's size."""
        return enlarge(self.sheet, self.planes[0])


def shrink(photo: Photo) -> Photo:
    """Look from further away: averages out the grain."""
    height, width = photo.planes[0].shape
    by = max(1, round(max(height, width) / _SMALL))
    size = max(1, width // by), max(1, height // by)
    small = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in photo.planes)
    return replace(photo, small=tuple(cv2.medianBlur(plane, 3) for plane in small))


def find_sheet(photo: Photo) -> Photo:
    """Find the surface that is written on, less a margin: there the small copy is too coarse."""
    return replace(photo, sheet=cv2.erode(surfaces.sheet_of(photo.small, photo.largest), square(5)))


def find_strokes(photo: Photo) -> Photo:
    """Decide whether strokes are darker or lighter than the paper, and how wide they are."""
    found = strokes.find(photo.small, photo.sheet)
    return replace(photo, strokes=replace(found, brush=min(found.brush, photo.widest)))


def find_paper(photo: Photo) -> Photo:
    """Fill the strokes with the paper around them. Edges of shadows stay where they are."""
    dark = photo.strokes.dark
    # One pixel towards the ink: along the edge of a shadow the copy is too coarse to say what is paper.
    to_ink = cv2.erode if dark else cv2.dilate
    paper = tuple(to_ink(fill(plane, photo.strokes.brush, dark), square(3)) for plane in photo.small)
    return replace(photo, paper=paper, gain=255.0 if dark else _gain_of_chalk(photo.small, paper))


def flatten(photo: Photo) -> Photo:
    """Divide the light out: what share of the paper's light the ink takes or, chalk for one, adds."""
    height, width = photo.planes[0].shape
    ink = np.zeros((height, width), np.uint8)
    for plane, paper in zip(photo.planes, photo.paper, strict=True):
        light = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
        taken = cv2.subtract(light, plane) if photo.strokes.dark else cv2.subtract(plane, light)
        cv2.max(ink, shares_of(taken, light, photo.gain), dst=ink)
    return replace(photo, ink=cv2.GaussianBlur(ink, (3, 3), 0))


def leave_table(photo: Photo) -> Photo:
    """Nothing beyond the sheet is ink."""
    return replace(photo, ink=cv2.bitwise_and(photo.ink, photo.within))


def measure_grain(photo: Photo) -> Photo:
    """Find what the grain and the compression alone come to, on paper away from the strokes."""
    below = np.cumsum(histogram(photo.ink, cv2.bitwise_and(photo.within, enlarge(_beside_strokes(photo), photo.ink))))
    usual, upper = (int(np.searchsorted(below, share * below[-1])) for share in (0.5, 0.75))
    deviation = (upper - usual) / 0.674
    level = share_of(1, float(np.median([plane[photo.sheet > 0] for plane in photo.paper])), photo.gain)
    return replace(photo, floor=int(usual + max(_GRAINS * deviation, _FEWEST, _LEVELS * level)))


def _beside_strokes(photo: Photo) -> MatLike:
    """255 where hardly anything stands out from the paper; small."""
    pairs = zip(photo.small, photo.paper, strict=True)
    depths = np.max([np.abs(logarithm(plane) - logarithm(paper)) for plane, paper in pairs], axis=0)
    usual, strongest = np.percentile(depths[photo.sheet > 0], (50, _STRONGEST))
    strong = depths > max(_HALF * strongest, _GRAINS * usual)
    return cv2.bitwise_not(cv2.dilate(mask_of(strong), square(5)))


def remove_lines(photo: Photo) -> Photo:
    """Remove ruled lines, both ways."""
    ink, ruled = lines.remove(photo.ink, photo.floor, photo.within)
    return replace(photo, ink=ink, ruled=ruled)


def remove_specks(photo: Photo) -> Photo:
    """Remove the grain, and what is small beside the rest; scale what is left to 255."""
    # Where the paper is darker on one side, its edge runs, or that of a shadow.
    edge = np.min([steps(logarithm(plane), 5) for plane in photo.paper], axis=0)
    smooth = enlarge(mask_of(edge < _STEP), photo.ink)
    return replace(photo, ink=specks.remove(photo.ink, photo.floor, cv2.bitwise_and(photo.within, smooth), photo.ruled))


def mend_gaps(photo: Photo) -> Photo:
    """Close what a skipping pen left open."""
    return replace(photo, ink=gaps.mend(photo.ink))


STEPS: tuple[tuple[str, Callable[[Photo], Photo]], ...] = (
    ("shrunk", shrink),
    ("sheet", find_sheet),
    ("strokes", find_strokes),
    ("paper without ink", find_paper),
    ("light divided out", flatten),
    ("table removed", leave_table),
    ("grain measured", measure_grain),
    ("ruled lines removed", remove_lines),
    ("specks removed", remove_specks),
    ("gaps mended", mend_gaps),
)


def coverage(planes: tuple[MatLike, ...]) -> Picture:
    """How much ink is where in a photo, its colour planes uint8[H,W] each: uint8[H,W], 0 paper to 255 ink."""
    return walk(planes)[-1][1].ink.astype(np.uint8, copy=False)


def walk(planes: tuple[MatLike, ...]) -> list[tuple[str, Photo]]:
    """All steps: the name of each and what is known after it.

    Hardly a stroke is so broad that shadows do not look broader. Where the strokes seem to be, they are looked for a
    second time as if they were narrow; and there is ink only if there is some for either, or for narrow ones alone.
    Where there is none on a small surface, what stood out there was an edge, and the largest one is looked at.
    """
    found = list(_walk(Photo(planes)))
    photo = found[-1][1]
    if not photo.ink.any() and cv2.countNonZero(photo.sheet) < _SLIVER * photo.sheet.size:
        found = list(_walk(Photo(planes, largest=True)))
        photo = found[-1][1]
    if photo.strokes.brush < _DOUBTFUL:
        return found
    narrow = list(_walk(Photo(planes, widest=_NARROW, largest=photo.largest)))
    return found if photo.ink.any() and narrow[-1][1].ink.any() else narrow


def _walk(photo: Photo) -> Iterator[tuple[str, Photo]]:
    for name, step in STEPS:
        photo = step(photo)
        yield name, photo


def _gain_of_chalk(small: tuple[MatLike, ...], paper: tuple[MatLike, ...]) -> float:
    """Chalk is many times lighter than its ground; bring its strongest strokes near 255."""
    strengths = [logarithm(plane) - logarithm(ground) for plane, ground in zip(small, paper, strict=True)]
    return 200 / max(float(np.expm1(np.percentile(np.max(strengths, axis=0), 99.9))), 0.15)

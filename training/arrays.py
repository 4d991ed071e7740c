"""Files of many pictures -> labelled pictures in the normal form: `.npz` and MNIST's IDX files."""

import math
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.collected import Collected, Entry, collect, few, natural_order
from training.datasets import DatasetError, whole
from training.levels import full_scale, grey_levels, opened

_IDX = re.compile(r"(train|t10k)-(images|labels)[-.]idx[13]-ubyte(\.gz)?")


def read_npz(path: Path) -> Collected:
    """`x` numbers [N,H,W], [N,H,W,1], [N,H,W,3] or [N,H,W,4] and `y` [N]; or Keras's four arrays.

    `y` has labels, or where there are `labels` too, places in these. Nothing is ever unpickled.
    """
    parts, found = _load(path)
    train, *tests = (_collect_npz(path, found, part) for part in parts)
    return replace(train, test=tests[0]) if tests else train


def _load(path: Path) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """What to add to `x` and `y` for the names of each part, and the arrays."""
    found = {}
    with whole(path):
        if not zipfile.is_zipfile(path):
            raise DatasetError(f"{path} is no .npz file, or cut off; write it anew with numpy.savez_compressed")
        with np.load(path, allow_pickle=False) as file:
            names = set(file)
            parts = [""] if "x" in names else ["_train", "_test"] if {"x_test", "y_test"} & names else ["_train"]
            wanted = {f"{key}{part}" for key in "xy" for part in parts}
            if not wanted <= names:
                raise DatasetError(
                    f"{path} holds {few(sorted(names))}; it should hold x and y, or x_train and y_train with or "
                    "without x_test and y_test"
                )
            for key in sorted(wanted | {"labels"} & names):
                try:
                    found[key] = np.asarray(file[key])
                except ValueError as error:
                    raise DatasetError(
                        f"{path}: {key!r} is damaged, or holds Python objects, which are not read as they could do "
                        "harm; it should hold numbers, or texts as numpy.array(texts, str) makes them"
                    ) from error
    return parts, found


def _collect_npz(path: Path, found: dict[str, NDArray[Any]], part: str) -> Collected:
    x, y = found[f"x{part}"], found[f"y{part}"]
    coloured = x.ndim == 4 and x.shape[3] in (1, 3, 4)
    if x.dtype.kind not in "buif" or not (x.ndim == 3 or coloured) or not x.size:
        raise DatasetError(
            f"{path}: x{part} is {x.dtype} of shape {list(x.shape)}; it should be numbers of shape [N, height, width] "
            "or [N, height, width, 3]"
        )
    if y.dtype.kind not in "iuUS" or y.shape not in ((len(x),), (len(x), 1)):
        raise DatasetError(
            f"{path}: y{part} is {y.dtype} of shape {list(y.shape)}; it should be {len(x)} whole numbers or texts, one "
            f"for each picture of x{part}"
        )
    labels, names = _labels(path, y, found.get("labels"))
    unused = natural_order(names - set(labels)) if part != "_test" else ()
    pictures = x[..., 0] if coloured and x.shape[3] == 1 else x
    full = full_scale([pictures])
    where = f"{path.name}, x{part} picture" if part else f"{path.name}, picture"
    entries = (
        Entry(label, f"{where} {number}", grey_levels(picture, full))
        for number, (label, picture) in enumerate(zip(labels, pictures, strict=True))
    )
    warnings = [f"'labels' names classes without a picture, left out: {few(unused)}"] if unused else []
    return collect(path, entries, len(x), warnings)


def _labels(path: Path, y: NDArray[Any], names: NDArray[Any] | None) -> tuple[list[str], set[str]]:
    """The label of each picture, and all that have a name."""
    if names is None or y.dtype.kind not in "iu":
        return _texts(path, y), set()
    known = _texts(path, names)
    if not 0 <= int(y.min()) <= int(y.max()) < len(known):
        raise DatasetError(
            f"{path}: there are classes from {y.min()} to {y.max()}, but 'labels' has {len(known)} names; it should "
            "have one for each, the first for class 0"
        )
    return [known[number] for number in y.ravel().tolist()], set(known)


def _texts(path: Path, values: NDArray[Any]) -> list[str]:
    flat = values.ravel().tolist()
    try:
        return [value.decode() if isinstance(value, bytes) else str(value) for value in flat]
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: a label is not in UTF-8; write labels with numpy.array(labels, str)") from error


def is_idx(name: str) -> bool:
    """Whether a file is called like one of MNIST's."""
    return _IDX.fullmatch(name) is not None


def idx_files(folder: Path) -> dict[str, Path]:
    """MNIST's IDX files in a folder, by `train-images`, `train-labels`, `t10k-images` and `t10k-labels`."""
    # Where a file is there unpacked as well, its shorter name comes last and stays.
    matches = ((_IDX.fullmatch(path.name), path) for path in sorted(folder.iterdir(), reverse=True))
    return {f"{match[1]}-{match[2]}": path for match, path in matches if match}


def read_idx(folder: Path) -> Collected:
    """MNIST's IDX files; `t10k-*` are the test part, where there are any."""
    files = idx_files(folder)
    train = _collect_idx(folder, files, "train")
    has_test = any(name.startswith("t10k") for name in files)
    return replace(train, test=_collect_idx(folder, files, "t10k")) if has_test else train


def _collect_idx(folder: Path, files: dict[str, Path], part: str) -> Collected:
    for name, kind in ((f"{part}-images", "idx3"), (f"{part}-labels", "idx1")):
        if name not in files:
            raise DatasetError(f"{folder / name}-{kind}-ubyte is missing, or the same with .gz; put it there")
    images, classes = files[f"{part}-images"], files[f"{part}-labels"]
    x, y = _idx_values(images, 3), _idx_values(classes, 1)
    if len(x) != len(y):
        raise DatasetError(
            f"{images} has {len(x)} pictures, but {classes.name} {len(y)} labels; take both from one set"
        )
    entries = (
        Entry(str(label), f"{images.name}, picture {number}", picture)
        for number, (label, picture) in enumerate(zip(y.tolist(), x, strict=True))
    )
    return collect(images, entries, len(x))


def _idx_values(path: Path, dimensions: int) -> NDArray[np.uint8]:
    with whole(path), opened(path) as file:
        data = file.read()
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(data[4:start].ljust(4 * dimensions, b"\0"), ">u4").tolist())
    if data[:4] != bytes((0, 0, 8, dimensions)) or 0 in shape:
        raise DatasetError(f"{path} is no IDX file of bytes in {dimensions} dimensions; it should be as MNIST's are")
    if len(data) != start + math.prod(shape):
        raise DatasetError(
            f"{path} has {len(data):,} bytes, but should have {start + math.prod(shape):,}; copy it anew"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)

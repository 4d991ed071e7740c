"""Named data sets -> arrays, labels and a digest."""

import gzip
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving import ink

DIGITS = tuple("0123456789")


class DatasetError(Exception):
    """A data set that is not there or not what it should be; the message says what would be right."""


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Raise DatasetError where the file cannot be opened, or turns out to be damaged while it is read."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} is damaged or cut off; copy it or write it anew") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror or error}); it should be open to you") from error


@dataclass(frozen=True)
class DataSet:
    """Pictures `uint8[N,28,28]` (0 = paper, 255 = ink) and class numbers `int64[N]`, in two parts."""

    name: str
    labels: tuple[str, ...]
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]

    def digest(self) -> str:
        """SHA-256 of the training part, in hexadecimal: what a trained model has seen."""
        digest = hashlib.sha256(repr((self.x_train.shape, self.labels)).encode())
        digest.update(self.x_train.tobytes())
        digest.update(self.y_train.tobytes())
        return digest.hexdigest()


def load(name: str) -> DataSet:
    """Load a data set by name.

    `mnist` comes from `$INKLING_DATA/mnist.npz`, or through Keras's own download where that is not set;
    `optdigits` are the 1,797 handwritten digits that scikit-learn carries, always there; `symbols` are made of MNIST,
    as `training.symbols` says, in some minutes.

    Raises DatasetError where the name is unknown, or its file is missing, damaged or not to be had.
    """
    if name not in _LOADERS:
        raise DatasetError(f"no data set {name!r}; known are: {', '.join(_LOADERS)}")
    return _LOADERS[name]()


def split_validation(
    x: NDArray[np.uint8], y: NDArray[np.int64], count: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """Take `count` pictures out: (x_train, y_train, x_validation, y_validation).

    They are chosen at random, but always the same: networks of different seeds can be compared and combined.
    """
    if not 0 < count < len(x):
        raise DatasetError(f"{count} of {len(x)} pictures cannot be held out for validation")
    order = np.random.default_rng(0).permutation(len(x))
    held, kept = order[:count], np.sort(order[count:])
    return x[kept], y[kept], x[held], y[held]


def split_stable(x: NDArray[np.uint8], share: float, salt: str = "") -> NDArray[np.bool_]:
    """Choose about that share of the pictures uint8[N,...]: a mask bool[N].

    Whether a picture is chosen depends on nothing but its own content, so those that come later move no other, and
    copies stay together. Another salt chooses independently.
    """
    return fractions(x, salt) < share


def fractions(x: NDArray[np.uint8], salt: str = "") -> NDArray[np.float64]:
    """SHA-256 of `salt` and each picture's bytes, as a fraction from 0 to below 1: float64[N]."""
    begun = hashlib.sha256(salt.encode())
    found = np.empty(len(x))
    for index, picture in enumerate(x):
        digest = begun.copy()
        digest.update(picture.tobytes())
        # As many bits as a float64 holds without rounding up to 1.
        found[index] = int.from_bytes(digest.digest()[:6], "big") / 2**48
    return found


def _mnist() -> DataSet:
    folder = os.environ.get("INKLING_DATA")
    if folder:
        arrays = _read_npz(Path(folder) / "mnist.npz", ("x_train", "y_train", "x_test", "y_test"))
    else:
        import keras

        try:
            (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
        # Keras reports a failed download as a bare Exception.
        except Exception as error:
            raise DatasetError(
                f"MNIST is not to be had: {error}. Keras fetches it once, into ~/.keras/datasets: connect to the "
                "internet, or set INKLING_DATA to a folder with mnist.npz"
            ) from error
        arrays = x_train, y_train, x_test, y_test
    x_train, y_train, x_test, y_test = arrays
    return DataSet("mnist", DIGITS, x_train, y_train.astype(np.int64), x_test, y_test.astype(np.int64))


def _read_npz(path: Path, keys: tuple[str, ...]) -> tuple[NDArray[np.uint8], ...]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing; put it there, or unset INKLING_DATA to let Keras download MNIST")
    try:
        # NumPy leaves a damaged file open that it has opened itself.
        with whole(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if missing := set(keys) - set(arrays):
                raise DatasetError(f"{path} has no {', '.join(sorted(missing))}; it should hold {', '.join(keys)}")
            return tuple(arrays[key] for key in keys)
    except ValueError as error:
        raise DatasetError(
            f"{path} is damaged, or no .npz file of numbers; copy it anew, or unset INKLING_DATA to let Keras download "
            "MNIST"
        ) from error


def _optdigits() -> DataSet:
    """8x8 pictures with 17 grey levels (E. Alpaydin, C. Kaynak, UCI 1998), through the eyes of the server."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = (digits.images * (255 / 16)).astype(np.uint8)
    # A border of paper: these digits fill their picture to the edge.
    framed = np.pad(grey, ((0, 0), (2, 2), (2, 2)))
    pictures = np.concatenate([ink.from_picture(picture).pictures for picture in framed])
    classes = digits.target.astype(np.int64)
    cut = len(classes) * 4 // 5
    return DataSet("optdigits", DIGITS, pictures[:cut], classes[:cut], pictures[cut:], classes[cut:])


def _symbols() -> DataSet:
    from training import symbols

    return symbols.made_of(_mnist())


_LOADERS: dict[str, Callable[[], DataSet]] = {"mnist": _mnist, "optdigits": _optdigits, "symbols": _symbols}
NAMES = tuple(_LOADERS)

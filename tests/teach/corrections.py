"""`python -m tests.teach.corrections`: what 200 corrections of some people's digits are worth to others.

People of `drawn_dev` are parted at random. Of the drawings of one half, the 200 that the shipped model reads worst are
taken for corrections, as its users would send them; the other half's drawings, and MNIST's test digits, are read before
and after. Several such draws, since a draw's two dozen misread digits say little. One draw goes the whole way: strokes
into the file of corrections, exported as pictures, `python -m transfer --correct`, and the bundle that it writes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from serving.drawing import parsed
from serving.engines import OpenVINOEngine
from serving.feedback.export import export
from serving.feedback.store import Correction, Feedback
from serving.repository import Repository
from tests.bench.report import machine, table
from tests.field.drawn import Drawing, load, normal_forms, read

CORRECTIONS = 200


@dataclass(frozen=True)
class Figures:
    """How somebody's digits are read."""

    wrong: int
    sure_right: int
    sure_wrong: int
    total: int

    def cells(self) -> list[str]:
        return [
            f"{1 - self.wrong / self.total:.2%} ({self.wrong} misread)",
            f"{self.sure_right / self.total:.2%}",
            f"{self.sure_wrong / self.total:.2%}",
        ]


def figures(probabilities: NDArray[np.floating], truth: NDArray[np.int64], unsure_below: float) -> Figures:
    right = probabilities.argmax(axis=1) == truth
    sure = probabilities.max(axis=1) >= unsure_below
    return Figures(int((~right).sum()), int((right & sure).sum()), int((~right & sure).sum()), len(truth))


@dataclass(frozen=True)
class Draw:
    """Drawings that are corrected, and those of other people, as indices."""

    corrected: NDArray[np.int64]
    others: NDArray[np.int64]


def draw(drawings: list[Drawing], right: NDArray[np.floating], seed: int) -> Draw:
    """`right` float[N] is the probability that the model gave to what each drawing is."""
    writers = np.array([each.writer for each in drawings])
    names = np.random.default_rng(seed).permutation(np.unique(writers))
    giving = np.isin(writers, names[: len(names) // 2])
    given = np.flatnonzero(giving)
    return Draw(given[np.argsort(right[given], kind="stable")][:CORRECTIONS], np.flatnonzero(~giving))


def predicted(path: Path, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
    engine = OpenVINOEngine(path, "f32")
    return np.concatenate([engine.predict(part) for part in np.array_split(pictures, -(-len(pictures) // 500))])


def retrained(drawings: list[Drawing], chosen: Draw, answers: NDArray[np.int64], folder: Path) -> Path:
    """The bundle that becomes of the corrections, all the way that the server goes."""
    store = Feedback(folder / "corrections.sqlite", 1 << 30)
    version = Repository(folder / "models").versions("digits")[-1]
    for index in chosen.corrected.tolist():
        drawing = parsed({"strokes": [stroke.tolist() for stroke in drawings[index].strokes]}, 1 << 20)
        store.add(Correction(drawing, "digits", version, str(answers[index]), drawings[index].label, one=True))
    export(store.all("digits"), folder / "pictures")
    store.close()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "transfer", str(folder / "pictures"), "--correct", "--name", "digits"),
            *("--models", str(folder / "models")),
        ],
        capture_output=True,
        text=True,
    )
    print(done.stdout.strip() or done.stderr)
    if done.returncode:
        raise SystemExit(1)
    return Repository(folder / "models").find("digits").path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.teach.corrections", description=__doc__)
    parser.add_argument("--draws", type=int, default=3, help="how often people are parted (default: %(default)s)")
    draws = parser.parse_args().draws
    print(machine())
    shipped = Repository(Path("nowhere")).find("digits")
    drawings, (pictures, truth) = load(), normal_forms()
    mnist = read("mnist.npz")
    digits = mnist["x_test"], mnist["y_test"].astype(np.int64)
    before = predicted(shipped.path, pictures)
    right = before[np.arange(len(truth)), truth]
    unsure = shipped.metadata.unsure_below
    rows, gains = [], []
    mnist_before = figures(predicted(shipped.path, digits[0]), digits[1], unsure)
    rows.append(["MNIST's test digits", "before", *mnist_before.cells()])
    for seed in range(draws):
        chosen = draw(drawings, right, seed)
        with tempfile.TemporaryDirectory() as folder:
            path = retrained(drawings, chosen, before.argmax(axis=1), Path(folder))
            after, mnist_after = predicted(path, pictures[chosen.others]), predicted(path, digits[0])
        others = truth[chosen.others]
        was = figures(before[chosen.others], others, unsure)
        now = figures(after, others, unsure)
        gains.append([(was.wrong - now.wrong) / was.total, (now.sure_right - was.sure_right) / was.total])
        rows.append([f"other people, draw {seed + 1}", "before", *was.cells()])
        rows.append([f"other people, draw {seed + 1}", "after", *now.cells()])
        rows.append(["MNIST's test digits", "after", *figures(mnist_after, digits[1], unsure).cells()])
    heads = ["whose digits", f"{CORRECTIONS} corrections", "read", "sure and right", "sure and wrong"]
    table("What corrections are worth to others", heads, rows)
    mean, spread = np.mean(gains, axis=0) * 100, np.std(gains, axis=0, ddof=min(1, draws - 1)) * 100 / np.sqrt(draws)
    print(f"read: {mean[0]:+.2f} ± {spread[0]:.2f} points; sure and right: {mean[1]:+.2f} ± {spread[1]:.2f} points")


if __name__ == "__main__":
    main()

"""`python -m training.evaluate BUNDLE`: what a bundle gets right, and how far its word goes."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from serving import bundle as bundles
from serving.bundle import Bundle
from serving.engines import OpenVINOEngine
from serving.errors import InklingError
from serving.repository import Repository
from training import maps, metrics, report
from training.computed import Pictures, Rows, in_batches
from training.datasets import DataSet, DatasetError
from training.maps import Map
from training.metrics import Bin, Mean, Share
from training.tested import data_for

AGREEMENT = 0.999
"""Trainable and served model agree where at least this share of their labels is the same."""
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)(?:/([0-9]+))?")


class EvaluationError(Exception):
    """A bundle and a data set that do not go together; the message says what would be right."""


@dataclass(frozen=True)
class Calibration:
    """How far confidence can be taken at its word, with the logits divided by `temperature`."""

    temperature: float
    error: float
    """Expected calibration error, 0 to 1."""
    by_chance: float
    """What a perfectly calibrated model stays below in 95 % of such samples."""
    cross_entropy: Mean
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Served:
    """The SavedModel as the server computes it, beside the trainable model."""

    engine: str
    precision: str
    same_label: Share
    largest_difference: float
    """The largest difference of any probability."""
    accuracy: Share

    @property
    def agrees(self) -> bool:
        """Whether what is served can pass for what was trained."""
        return self.same_label.value >= AGREEMENT


@dataclass(frozen=True)
class Misread:
    """A test picture read as something else; truth and answer are class numbers."""

    index: int
    truth: int
    answer: int
    confidence: float
    unsure: bool


@dataclass(frozen=True)
class Evaluation:
    """All that the test part of a data set says about a bundle."""

    bundle: Bundle
    data: DataSet
    same_data: bool
    """Whether the bundle was trained on the training part of this very data set."""
    accuracy: Share
    classes: tuple[Share | None, ...]
    """Accuracy by true class; None for a class that has no picture."""
    confusion: NDArray[np.int64]
    """Counts [C,C]: true class by row, answer by column."""
    misread: tuple[Misread, ...]
    """The most confident first."""
    before: Calibration
    """At temperature 1."""
    after: Calibration
    """At the bundle's temperature, as it is served."""
    sure: Share
    """The share of pictures answered without `unsure`."""
    sure_accuracy: Share | None
    """Accuracy of those; None where there are none."""
    served: Served
    map: Map | None = None
    """Where test pictures lie for the network, as it is served."""

    @property
    def title(self) -> str:
        """Name and version: `digits/1`."""
        return f"{self.bundle.name}/{self.bundle.version}"


def find(wanted: str, models: Path) -> Bundle:
    """Read the bundle at a path (`models/digits/1`) or of a name (`digits`, `digits/1`).

    A name is looked for in `models`, then among the shipped ones; without a version, the newest.
    Raises InklingError where there is none, or none that is whole.
    """
    path = Path(wanted)
    named = _NAME.fullmatch(wanted)
    if named and not (path.name.isdecimal() and path.is_dir()):
        name, version = named.groups()
        return Repository(models).find(name, int(version) if version else None)
    return bundles.read(path)


def evaluate(bundle: Bundle, data: DataSet) -> Evaluation:
    """Let a bundle read the test part of a data set, with a progress bar on a terminal.

    Logits come from the trainable model in float32, probabilities from the SavedModel in the
    precision that the server would choose here.

    Raises EvaluationError where the labels differ or the trainable model cannot be used,
    BundleError where the SavedModel cannot be read.
    """
    if data.labels != bundle.labels:
        raise EvaluationError(
            f"data set {data.name!r} has {_listed(data.labels)}, and {bundle.path} reads "
            f"{_listed(bundle.labels)}: choose, with --data, one that has the model's labels"
        )
    model = _trainable(bundle)
    engine = OpenVINOEngine(bundle.path)
    count = len(data.x_test)
    title = f"{bundle.name}/{bundle.version} on {data.name}"
    mapped = maps.drawn_by_lot(count)
    with tqdm(total=2 * count + len(mapped), desc=title, unit=" pictures", disable=None) as bar:
        logits = in_batches(model, data.x_test, bar.update)
        served = in_batches(engine.predict, data.x_test, bar.update)
        embeddings = in_batches(engine.embed, data.x_test[mapped], bar.update)
    misread = logits.argmax(axis=1) != data.y_test
    drawn = maps.of(embeddings, data.x_test, data.y_test, misread, mapped)
    return replace(judge(bundle, data, logits, served, engine.precision), map=drawn)


def judge(bundle: Bundle, data: DataSet, logits: Rows, served: Rows, precision: str) -> Evaluation:
    """All figures from the test part's logits and served probabilities, both float32[N,C]."""
    truth = data.y_test
    probabilities = metrics.softmax(logits, bundle.metadata.temperature)
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = answers == truth
    sure = confidence >= bundle.metadata.unsure_below
    wrong = np.flatnonzero(~right)
    confusion = metrics.confusion(logits, truth)
    return Evaluation(
        bundle=bundle,
        data=data,
        same_data=data.digest() == bundle.metadata.data_digest,
        accuracy=metrics.accuracy(logits, truth),
        classes=tuple(
            metrics.share(int(row[number]), int(row.sum())) if row.any() else None
            for number, row in enumerate(confusion)
        ),
        confusion=confusion,
        misread=tuple(
            Misread(i, int(truth[i]), int(answers[i]), float(confidence[i]), not sure[i])
            for i in wrong[np.argsort(-confidence[wrong], kind="stable")].tolist()
        ),
        before=_calibration(logits, truth, 1.0),
        after=_calibration(logits, truth, bundle.metadata.temperature),
        sure=metrics.share(int(sure.sum()), len(truth)),
        sure_accuracy=metrics.share(int(right[sure].sum()), int(sure.sum())) if sure.any() else None,
        served=Served(
            engine="OpenVINO",
            precision=precision,
            same_label=metrics.share(int((served.argmax(axis=1) == answers).sum()), len(truth)),
            largest_difference=float(np.abs(served - probabilities).max()),
            accuracy=metrics.accuracy(served, truth),
        ),
    )


def summary(found: Evaluation) -> str:
    """The figures as lines of text."""
    labels, data, served = found.bundle.labels, found.data, found.served
    confusions = report.confusions(found)
    lines = [
        f"{found.title} on the test part of {data.name}, {len(data.y_test):,} pictures",
        "",
        f"accuracy            {found.accuracy} (95 % Wilson interval, {report.span(found.accuracy)})",
        f"errors              {len(found.misread)}",
        f"cross-entropy       {found.after.cross_entropy.value:.4f}"
        f" ({found.before.cross_entropy.value:.4f} at temperature 1)",
        f"calibration error   {found.before.error * 100:.2f} % at temperature 1,"
        f" {found.after.error * 100:.2f} % at {found.after.temperature:.3f}, its own"
        f" (by chance alone up to {found.after.by_chance * 100:.2f} %)",
        f"answered as sure    {found.sure}, of which {found.sure_accuracy or 'none'} right"
        f" (confidence from {found.bundle.metadata.unsure_below:.4f})",
        f"as served           {served.engine}, {served.precision}: same label for"
        f" {served.same_label.value * 100:.2f} %, max |dp| {served.largest_difference:.1e},"
        f" accuracy {served.accuracy}",
        f"                    {report.verdict(served)}",
        "",
        "truth     pictures  errors  accuracy",
    ]
    for number, (label, row, right) in enumerate(zip(labels, found.confusion, found.classes, strict=True)):
        errors = int(row.sum() - row[number])
        lines.append(f"{label:<8}  {row.sum():>8,}  {errors:>6,}  {right or 'no pictures'}")
    if confusions:
        lines += ["", "most frequent confusions, truth -> answer"]
        lines += [f"  {labels[truth]} -> {labels[answer]}  {n}" for truth, answer, n in confusions]
    return "\n".join(lines)


def _calibration(logits: Rows, truth: NDArray[np.int64], temperature: float) -> Calibration:
    probabilities = metrics.softmax(logits, temperature)
    return Calibration(
        temperature=temperature,
        error=metrics.calibration_error(probabilities, truth),
        by_chance=metrics.calibration_error_by_chance(probabilities.max(axis=1)),
        cross_entropy=metrics.mean(metrics.losses(probabilities, truth)),
        bins=metrics.reliability(probabilities, truth),
    )


def _trainable(bundle: Bundle) -> Callable[[Pictures], Rows]:
    # Keras reads TensorFlow's environment when it is imported, which main() sets up first.
    import keras

    path = bundle.path / bundles.KERAS
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, TypeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EvaluationError(f"{path} is no model that Keras can load safely: {reason}") from error
    if model.output_shape != (None, len(bundle.labels)):
        raise EvaluationError(
            f"{path} gives {model.output_shape}, not one logit for each of {len(bundle.labels)} labels"
        )
    return lambda pictures: np.asarray(model(pictures, training=False))


def _listed(labels: tuple[str, ...]) -> str:
    shown = " ".join(labels[:12]) + (" ..." if len(labels) > 12 else "")
    return f"{len(labels)} labels ({shown})"


def main() -> None:
    """Read the arguments, evaluate, write the report; 2 is the exit code where that cannot be."""
    # TensorFlow reports the absence of a graphics card at length, unless told before its import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Measure a model bundle on a test set, and write a report about it.",
    )
    parser.add_argument(
        "bundle",
        nargs="?",
        default="digits",
        help="a path (models/digits/1) or a name (digits, digits/1); default: digits",
    )
    parser.add_argument("--data", help="name of a data set, or a path of pictures (default: the one trained on)")
    parser.add_argument("--out", type=Path, help="folder for the report (default: reports/<name>-<version>)")
    parser.add_argument(
        "--models",
        type=Path,
        default=Path(os.environ.get("INKLING_MODELS", "models")),
        help="where names are looked for (default: $INKLING_MODELS, else ./models)",
    )
    sys.exit(_run(parser.parse_args()))


def _run(arguments: argparse.Namespace) -> int:
    try:
        bundle = find(arguments.bundle, arguments.models)
        found = evaluate(bundle, data_for(bundle, arguments.data))
        print(summary(found))
        out = arguments.out or Path("reports") / f"{bundle.name}-{bundle.version}"
        page = report.write(found, out)
    except KeyboardInterrupt:
        print("\nInterrupted; no report was written.", file=sys.stderr)
        return 130
    except (InklingError, DatasetError, EvaluationError, report.ReportError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    print(f"\nreport              {page}")
    return 0


if __name__ == "__main__":
    main()

"""The report on what was learned: an evaluation as of any bundle or, without a test part, what validation says."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Bundle
from serving.engines import OpenVINOEngine
from training import maps, report
from training.computed import in_batches
from training.datasets import DataSet
from training.evaluate import EvaluationError, evaluate
from training.report import ReportError
from transfer.errors import TransferError
from transfer.learn import Learned

_FEWEST = 2
"""Test pictures of which an evaluation can be made: an interval of a mean needs two."""


def write(learned: Learned, bundle: Bundle, data: DataSet, validation: NDArray[np.int64], folder: Path) -> Path:
    """Write the report on the bundle that was made of `learned`, and return the path of its page.

    `validation` int64[V] are the training pictures that trials read, in their order. Raises TransferError where the
    folder cannot be written to, or the bundle cannot be evaluated.
    """
    try:
        if len(data.x_test) >= _FEWEST:
            return report.write(evaluate(bundle, data), folder)
        return _untested(learned, bundle, data, validation, folder)
    except (EvaluationError, ReportError) as error:
        raise TransferError(f"{bundle.path} is written, but no report: {error}") from error


def _untested(learned: Learned, bundle: Bundle, data: DataSet, validation: NDArray[np.int64], folder: Path) -> Path:
    """Ringed are the pictures that were misread while they were held out: of those it learnt from, all are read."""
    trial = learned.trial
    pictures = validation if trial else np.arange(len(data.x_train))
    misread = ~trial.right if trial else np.zeros(len(pictures), bool)
    x, y = data.x_train[pictures], data.y_train[pictures]
    chosen = maps.drawn_by_lot(len(x))
    engine = OpenVINOEngine(bundle.path)
    seen = maps.of(in_batches(engine.embed, x[chosen]), x, y, misread, chosen)
    return report.write_untested(bundle, trial.accuracy if trial else None, seen, folder)

"""What TensorBoard shows of a run: loss and accuracy as they move, the spread of weights and of activations."""

from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_SECONDS = 2.0
"""Between two points of the curves within an epoch."""
_PICTURES = 32
"""Whose activations are shown: some hundred thousand values a layer."""
_BINS = 30
_SILENT = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Dropout,
    keras.Model,
)
"""Layers whose outputs are the pictures or other layers' outputs, and models within the model."""


class BoardError(Exception):
    """TensorBoard cannot be started; the message says what would be right."""


def launch(folder: Path) -> str:
    """Start TensorBoard on all runs below the folder, in this process and for as long as it lives; its address.

    Raises BoardError where it is not installed or finds no free port.
    """
    try:
        from tensorboard import program
    except ImportError as error:
        raise BoardError("TensorBoard is missing: pip install 'inkling[train]', or pip install tensorboard") from error
    server = program.TensorBoard()
    # Without a port of our choosing, it takes the first that is free from 6006 on.
    server.configure(argv=["tensorboard", "--logdir", str(folder), "--reload_interval", "2"])
    try:
        return str(server.launch())
    except program.TensorBoardServerException as error:
        raise BoardError(f"TensorBoard does not start: {error.msg}") from error


class Board:
    """Writes a run's events into a folder for TensorBoard: training, validation, steps within the epoch.

    The spread of what each layer gives is that for the first of `pictures`, a batch of what the model takes: the same
    ones after every epoch.
    """

    def __init__(self, folder: Path, model: keras.Model, pictures: Any) -> None:
        self._train, self._validation = (
            tf.summary.create_file_writer(str(folder / part)) for part in ("train", "validation")
        )
        self._net = model
        self._pictures = tf.nest.map_structure(lambda batch: batch[:_PICTURES], pictures)
        shown = [layer for layer in model.layers if not isinstance(layer, _SILENT)]
        # By name: Keras takes a single output out of its list.
        self._inside = keras.Model(model.inputs, {layer.name: layer.output for layer in shown})
        self._last = perf_counter(), 0, {"loss": 0.0, "accuracy": 0.0}

    def begin_epoch(self) -> None:
        """The sums of loss and accuracy start anew."""
        self._last = self._last[0], 0, {"loss": 0.0, "accuracy": 0.0}

    def steps(self, done: int) -> None:
        """After so many steps of the epoch: every other second, loss and accuracy of the steps since the last point."""
        then, before, means = self._last
        if (now := perf_counter()) - then < _SECONDS:
            return
        found = {name: float(value) for name, value in self._net.get_metrics_result().items()}
        with self._train.as_default(step=int(self._net.optimizer.iterations)):
            for name in means:
                value = (found[name] * done - means[name] * before) / (done - before)
                tf.summary.scalar(f"steps/{name}", value)
        self._train.flush()
        self._last = now, done, found

    def end_epoch(self, number: int, figures: dict[str, float]) -> None:
        """After epoch `number`, the first being 1: its curves' points, learning rate, and histograms of each layer."""
        with self._validation.as_default(step=number):
            for name in ("loss", "accuracy"):
                tf.summary.scalar(f"epoch/{name}", figures[f"val_{name}"])
        with self._train.as_default(step=number):
            for name in ("loss", "accuracy"):
                tf.summary.scalar(f"epoch/{name}", figures[name])
            tf.summary.scalar("epoch/learning_rate", self._net.optimizer.learning_rate)
            for weight in self._net.trainable_weights:
                _spread(f"weights/{weight.path}", weight)
            for name, outputs in self._inside(self._pictures, training=False).items():
                _spread(f"activations/{name}", tf.cast(outputs, tf.float32))
        self._train.flush()
        self._validation.flush()


def _spread(tag: str, values: Any) -> None:
    """Write a histogram. TensorFlow's own makes 30 numbers of each value, which took longer than an epoch."""
    from tensorboard.plugins.histogram import metadata

    flat = np.asarray(values).ravel()
    counts, edges = np.histogram(flat[np.isfinite(flat)], _BINS)
    table = np.stack([edges[:-1], edges[1:], counts], axis=1).astype(np.float64)
    tf.summary.write(tag, table, metadata=metadata.create_summary_metadata(display_name=None, description=None))

"""A fitted model -> a bundle: calibrated, written beside its place, checked by other eyes, then moved there."""

import datetime
import hashlib
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving import bundle
from serving.bundle import Bundle, Metadata
from serving.engines import OpenVINOEngine, TensorFlowEngine
from serving.quality import ANSWERED
from serving.typical import encoded
from training import metrics
from training.batches import Material, as_people_draw
from training.computed import logits
from training.datasets import DataSet
from training.fit import Fitted
from training.models import embedder
from training.typical import typical

_CHECKED = 1_000
_MOST_APART = 1e-4
_LEAST_SAME = 0.999
_TIE = 0.1


class ExportError(Exception):
    """A bundle that does not compute what the model in memory does; nothing was written."""


def export(fitted: Fitted, data: DataSet, models: Path, name: str) -> Bundle:
    """Write the model as the next version of `models/<name>`.

    The temperature and the threshold under which an answer is unsure come from the validation pictures, drawn
    anew where the recipe trains on such; the figures in the metadata from the test pictures. Raises as `write`.
    """
    model = fitted.model
    sent = logits(model, as_sent(fitted, len(data.labels)))
    calibration = calibrate(sent, fitted.y_validation, fitted.recipe.answered)
    temperature = calibration.temperature
    metadata = Metadata(
        name=name,
        labels=data.labels,
        recipe=fitted.recipe.name,
        symbols=fitted.recipe.symbols,
        temperature=temperature,
        unsure_below=calibration.unsure_below,
        metrics=figures(logits(model, data.x_test), data.y_test, temperature),
        training={
            "recipe": asdict(fitted.recipe),
            "seed": fitted.seed,
            "epochs": fitted.epochs,
            "seconds": round(fitted.seconds),
            "precision": fitted.precision,
            "machine": machine(),
            "members": fitted.members,
            "parameters": model.count_params(),
            "validation": figures(logits(model, fitted.x_validation), fitted.y_validation, temperature),
            "validation_as_sent": figures(sent, fitted.y_validation, temperature),
        },
        data_digest=data.digest(),
        weights_digest=weights_digest(model),
        software=software(),
        created=now(),
        files={},
    )
    looks = encoded(typical(model, data.x_train, data.y_train, len(data.labels)))
    return write(model, metadata, data.x_test, models, lambda final: card(final, data.name), looks, fitted.history)


@dataclass(frozen=True)
class Calibration:
    """What makes confidences mean what they say."""

    temperature: float
    """Divides the logits."""
    unsure_below: float
    """Confidence below which an answer is unsure."""


def calibrate(logits: NDArray[np.float32], truth: NDArray[np.int64], answered: float = ANSWERED) -> Calibration:
    """Temperature and threshold from class scores [N,C] of pictures that the model was not fitted to.

    The threshold leaves the share `answered` of them sure.
    """
    temperature = metrics.fit_temperature(logits, truth)
    confidence = metrics.softmax(logits, temperature).max(axis=1)
    return Calibration(temperature, float(np.quantile(confidence, 1 - answered)))


def write(
    model: keras.Model,
    metadata: Metadata,
    pictures: NDArray[np.uint8],
    models: Path,
    card: Callable[[Metadata], str],
    typical: bytes = b"",
    history: Path | None = None,
) -> Bundle:
    """Write a model, with its metadata but for the check and the files, as the next version of its name.

    `typical` is the sheet of typical pictures (`serving.typical.encoded`), where there are any, `history` a table of
    the run.
    The written files are read back with TensorFlow and with OpenVINO and compared with the model in memory on up to
    1,000 of the pictures uint8[N,28,28], N > 0, before the bundle appears. Raises ExportError where they differ.
    """
    with bundle.staged(models, metadata.name) as directory:
        write_saved_model(model, metadata.temperature, directory)
        keras_file = directory / bundle.KERAS
        keras_file.parent.mkdir()
        model.save(keras_file)
        write_warmup(metadata.name, pictures[:1], directory / bundle.WARMUP)
        if typical:
            (directory / bundle.TYPICAL).write_bytes(typical)
        if history and history.is_file():
            shutil.copyfile(history, directory / bundle.HISTORY)
        shown = pictures[:_CHECKED]
        check = compare(directory, shown, metrics.softmax(logits(model, shown), metadata.temperature))
        final = replace(metadata, metrics={**metadata.metrics, "check": check})
        (directory / bundle.CARD).write_text(card(final), encoding="utf-8")
        bundle.seal(directory, final)
        return bundle.commit(directory)


def software() -> dict[str, str]:
    """Versions of what a model was made and checked with."""
    return {package: version(package) for package in ("tensorflow", "keras", "numpy", "openvino")}


def machine() -> str:
    """Architecture and processors, for people."""
    return f"{platform.machine()}, {_processor()}"


def now() -> str:
    """ISO 8601 date and time, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def as_sent(fitted: Fitted, classes: int) -> NDArray[np.uint8]:
    """The validation pictures as people would send them: drawn anew where the recipe trains on such."""
    x, recipe = fitted.x_validation, fitted.recipe
    if not recipe.redrawn:
        return x
    return as_people_draw(recipe, Material.traced(x, fitted.y_validation, classes), np.random.default_rng(fitted.seed))


def write_saved_model(model: keras.Model, temperature: float, directory: Path) -> None:
    """Write the SavedModel with both signatures; softmax and temperature become part of the graph.

    `tf.saved_model.save` on a plain module, not Keras's `ExportArchive`, which stores every weight twice.
    """
    embedding = embedder(model)
    image = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="image")

    @tf.function(input_signature=[image], jit_compile=False)  # type: ignore[untyped-decorator]
    def predict(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": tf.nn.softmax(model(image, training=False) / temperature)}

    @tf.function(input_signature=[image], jit_compile=False)  # type: ignore[untyped-decorator]
    def embed(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"embedding": embedding(image, training=False)}

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.predict, module.embed = predict, embed
    tf.saved_model.save(module, str(directory), signatures={"serving_default": predict, "embed": embed})


def compare(directory: Path, pictures: NDArray[np.uint8], wanted: NDArray[np.float64]) -> dict[str, Any]:
    """Compare a written SavedModel with the probabilities of the model in memory.

    Both engines in float32 must agree within 1e-4, and the precision that is served must give the same label for
    99.9 % of those whose two likeliest labels are more than 0.1 apart: rounding may decide a tie. Returns what was
    seen; raises ExportError where it is not enough.
    """
    served = OpenVINOEngine(directory)
    apart = {
        "tensorflow": _apart(TensorFlowEngine(directory).predict, pictures, wanted),
        "openvino_f32": _apart(OpenVINOEngine(directory, "f32").predict, pictures, wanted),
    }
    answers = served.predict(pictures)
    agrees = answers.argmax(axis=1) == wanted.argmax(axis=1)
    second, first = np.sort(wanted, axis=1)[:, -2:].T
    same = float(agrees.mean())
    if max(apart.values()) >= _MOST_APART or (agrees | (first - second < _TIE)).mean() < _LEAST_SAME:
        raise ExportError(
            f"the written model computes something else than the one in memory: probabilities apart by {apart}, "
            f"and the same label in {served.precision} for {same:.2%} of {len(pictures)} pictures"
        )
    return {
        "pictures": len(pictures),
        "largest_difference": apart,
        "served_precision": served.precision,
        "served_same_label": same,
        "served_largest_difference": float(np.abs(answers - wanted).max()),
    }


def _apart(
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    pictures: NDArray[np.uint8],
    wanted: NDArray[np.float64],
) -> float:
    return float(np.abs(predict(pictures) - wanted).max())


def figures(logits: NDArray[np.float32], truth: NDArray[np.int64], temperature: float) -> dict[str, Any]:
    """Accuracy with its interval, loss and calibration error, before and after the temperature."""
    before, after = metrics.softmax(logits), metrics.softmax(logits, temperature)
    accuracy = metrics.accuracy(logits, truth)
    return {
        "pictures": len(truth),
        "accuracy": accuracy.value,
        "accuracy_interval": [accuracy.low, accuracy.high],
        "accuracy_text": str(accuracy),
        "loss": metrics.cross_entropy(after, truth),
        "calibration_error_before": metrics.calibration_error(before, truth),
        "calibration_error": metrics.calibration_error(after, truth),
    }


def weights_digest(model: keras.Model) -> str:
    """SHA-256 of all weights in order, in hexadecimal."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def write_warmup(name: str, pictures: NDArray[np.uint8], path: Path) -> None:
    """Write TensorFlow Serving's warm-up requests: one prediction of these pictures (a TFRecord of PredictionLog)."""
    from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

    request = predict_pb2.PredictRequest(
        model_spec=model_pb2.ModelSpec(name=name, signature_name="serving_default"),
        inputs={"image": tf.make_tensor_proto(pictures)},
    )
    log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(log.SerializeToString())


def card(metadata: Metadata, data_name: str) -> str:
    """The model card, for people."""
    found, training = metadata.metrics, metadata.training
    low, high = (f"{bound * 100:.2f}" for bound in found["accuracy_interval"])
    recipe = training["recipe"]
    sent, answered = "drawn anew" if recipe["redrawn"] else "as it is", recipe["answered"]
    trained = (
        f"recipe `{metadata.recipe}`, {training['epochs']} epochs, {training['seconds'] / 60:.0f} minutes "
        f"on {training['machine']}, {training['precision']}, seed {training['seed']}"
    )
    table = f"""| | |
|---|---|
| accuracy, {data_name} test part | {found["accuracy_text"]} of {found["pictures"]:,} (95 % Wilson: {low} to {high} %) |
| cross-entropy | {found["loss"]:.4f} |
| calibration error | {found["calibration_error"]:.4f} ({found["calibration_error_before"]:.4f} uncalibrated) |
| accuracy, validation part | {training["validation"]["accuracy_text"]} of {training["validation"]["pictures"]:,} |
| the same {sent} | {training["validation_as_sent"]["accuracy_text"]} |
| parameters | {training["parameters"]:,} |
| trained | {trained} |
| temperature | {metadata.temperature:.3f}, fitted on the validation part {sent} |
| unsure below | {metadata.unsure_below:.4f}: {answered:.0%} of the validation part {sent} lie above |
| served in | {served(metadata)} |
"""
    limits = f"""\
**Meant for** reading single symbols that people write or draw. **Not for** decisions about people, nor for
text: what is none of the symbols is read as one of them and, most of the time, marked unsure.

Trained on the training part of `{data_name}` alone (digest `{metadata.data_digest[:16]}`). Weights,
epochs, temperature and threshold were chosen on the validation part, not on the test part.
"""
    return whole_card(metadata, table, limits)


def served(metadata: Metadata) -> str:
    """In which precision a model is served, and what that costs, in words."""
    check = metadata.metrics["check"]
    return (
        f"{check['served_precision']}: the same label as float32 for {check['served_same_label']:.2%} "
        f"of {check['pictures']:,}, probabilities apart by at most {check['served_largest_difference']:.1e}"
    )


def whole_card(metadata: Metadata, about: str, limits: str = "") -> str:
    """A model card: what all have in common, around lines of its own."""
    return f"""# {metadata.name}

Reads drawn symbols, {metadata.symbols} in a picture, of {len(metadata.labels)}: {" ".join(metadata.labels)}

{about}
**Input**: `uint8[N,28,28]`, ink 255 on paper 0, the ink's longer side 20 pixels, its centre of mass in the middle;
`serving/ink.py` brings any picture into this form. **Output**: `probabilities float32[N,{len(metadata.labels)}]`.

{limits}Made {metadata.created} with {", ".join(f"{k} {v}" for k, v in metadata.software.items())}.
"""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    return f"{len(names)} x {names[0].split(':')[1].strip()}" if names else platform.processor() or "unknown"

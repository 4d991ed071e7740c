"""What is written computes what was trained, or nothing is written."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from serving import bundle, ink
from serving.bundle import Bundle
from serving.engines import OpenVINOEngine, TensorFlowEngine
from serving.repository import SHIPPED, Repository
from tests.conftest import TINY
from training import export as exporting
from training.datasets import DataSet
from training.export import ExportError, compare, export
from training.fit import fit
from training.metrics import fit_temperature, softmax


def test_the_metadata_says_what_the_check_saw(tiny_bundle: Bundle) -> None:
    check = tiny_bundle.metadata.metrics["check"]
    assert check["pictures"] == 360
    assert max(check["largest_difference"].values()) < 1e-4
    assert check["served_same_label"] >= 0.999
    assert check["served_precision"] in ("f32", "bf16")


def test_the_metadata_says_what_was_trained(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    metadata = tiny_bundle.metadata
    assert metadata.metrics["accuracy"] > 0.9
    assert metadata.data_digest == optdigits.digest()
    assert metadata.training["recipe"]["epochs"] == TINY.epochs
    assert 0 < metadata.unsure_below < 1
    card = (tiny_bundle.path / bundle.CARD).read_text()
    assert metadata.metrics["accuracy_text"] in card


def test_the_trainable_model_and_the_saved_model_are_one(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    model = keras.saving.load_model(tiny_bundle.path / bundle.KERAS, safe_mode=True)
    logits = np.asarray(model(optdigits.x_test, training=False))
    wanted = softmax(logits, tiny_bundle.metadata.temperature)
    served = TensorFlowEngine(tiny_bundle.path).predict(optdigits.x_test)
    assert np.abs(served - wanted).max() < 1e-5
    assert exporting.weights_digest(model) == tiny_bundle.metadata.weights_digest


def test_the_warm_up_request_is_one_that_the_model_answers(tiny_bundle: Bundle) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    (record,) = tf.data.TFRecordDataset(str(tiny_bundle.path / bundle.WARMUP))
    request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
    assert request.model_spec.signature_name == "serving_default"
    picture = tf.make_ndarray(request.inputs["image"])
    assert OpenVINOEngine(tiny_bundle.path).predict(picture).shape == (1, 10)


def test_a_bundle_that_computes_something_else_is_refused(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    wrong = np.full((100, 10), 0.1)
    with pytest.raises(ExportError, match="computes something else"):
        compare(tiny_bundle.path, optdigits.x_test[:100], wrong)


def test_nothing_is_left_of_a_refused_bundle(
    optdigits: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = fit(replace(TINY, epochs=1), optdigits, tmp_path / "run")
    monkeypatch.setattr(exporting, "_MOST_APART", 0.0)
    with pytest.raises(ExportError):
        export(fitted, optdigits, tmp_path / "models", "tiny")
    assert list((tmp_path / "models" / "tiny").iterdir()) == []


def test_the_temperature_does_not_change_the_answer(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    model = keras.saving.load_model(tiny_bundle.path / bundle.KERAS)
    logits = np.asarray(model(optdigits.x_test, training=False))
    temperature = fit_temperature(logits, optdigits.y_test)
    assert (softmax(logits, temperature).argmax(axis=1) == logits.argmax(axis=1)).all()


@pytest.mark.slow
def test_the_shipped_model_reads_mnist_as_its_card_says(mnist: DataSet) -> None:
    shipped = Repository(SHIPPED).find("digits")
    answers = OpenVINOEngine(shipped.path, "f32").predict(mnist.x_test).argmax(axis=1)
    accuracy = float((answers == mnist.y_test).mean())
    assert accuracy == pytest.approx(shipped.metadata.metrics["accuracy"], abs=1e-4)
    assert shipped.metadata.data_digest == mnist.digest()


@pytest.mark.slow
def test_the_eyes_of_the_server_see_mnist_as_it_is(mnist: DataSet) -> None:
    shipped = Repository(SHIPPED).find("digits")
    seen = np.concatenate([ink.from_picture(picture).pictures for picture in mnist.x_test])
    answers = OpenVINOEngine(shipped.path).predict(seen).argmax(axis=1)
    assert float((answers == mnist.y_test).mean()) > shipped.metadata.metrics["accuracy"] - 0.002

"""Keras Applications take the same drawings as every other base."""

from pathlib import Path

import keras
import numpy as np
import openvino
import pytest
import tensorflow as tf
from keras.src.utils import file_utils  # where every application's download can be stopped

from training.datasets import DataSet
from transfer import zoo
from transfer.base import from_model, load
from transfer.errors import TransferError

FEW = {
    "MobileNetV3Small": (3, 3, 576),
    "MobileNetV2": (3, 3, 1280),
    "EfficientNetV2B0": (3, 3, 1280),
    "ResNet50V2": (3, 3, 2048),
    "DenseNet121": (3, 3, 1024),
}


def test_all_names_are_those_of_keras() -> None:
    assert {"MobileNetV3Small", "ConvNeXtTiny", "VGG16", "NASNetMobile"} <= set(zoo.names())
    assert all(callable(getattr(keras.applications, name)) for name in zoo.names())


def test_a_small_network_runs_from_drawing_to_openvino_and_is_cut(optdigits: DataSet, tmp_path: Path) -> None:
    model = zoo.build("MobileNetV3Small", weights=None)
    base = from_model("keras:MobileNetV3Small", model)
    cut = base.cuts[2]
    pictures = optdigits.x_test[:3]
    trunk = base.trunk(cut)
    wanted = np.asarray(trunk(pictures))
    assert wanted.dtype == np.float32
    assert wanted.std() > 0

    trunk.save(tmp_path / "mine.keras")
    again = load(str(tmp_path / "mine.keras"), tmp_path)
    assert again.cuts == base.cuts[:3]
    assert again.digest(cut) == base.digest(cut)
    np.testing.assert_allclose(again.model(pictures), wanted, atol=1e-5)

    tf.saved_model.save(_served(trunk), str(tmp_path / "saved"))
    compiled = openvino.Core().compile_model(tmp_path / "saved", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(compiled(pictures)[0], wanted, atol=1e-3 * np.abs(wanted).max())


def _served(trunk: keras.Model) -> tf.Module:
    module = tf.Module()
    module.weights = [variable.value for variable in trunk.variables]
    module.serve = tf.function(
        lambda image: trunk(image, training=False),
        input_signature=[tf.TensorSpec((None, 28, 28), tf.uint8, name="image")],
    )
    return module


def test_names_are_the_same_whatever_was_built_before() -> None:
    first = [layer.name for layer in zoo.build("MobileNetV3Small", weights=None).layers]
    assert [layer.name for layer in zoo.build("MobileNetV3Small", weights=None).layers] == first
    assert "re_lu" in first


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_a_network_of_each_family_is_flat_and_can_be_cut(name: str, optdigits: DataSet) -> None:
    base = from_model(f"keras:{name}", zoo.build(name, weights=None))
    assert base.model.output.shape[1:] == FEW[name]
    assert not [layer for layer in base.model.layers if isinstance(layer, keras.Model)]
    assert len(base.cuts) >= 15
    assert np.isfinite(base.trunk(base.cuts[1])(optdigits.x_test[:2])).all()


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "DenseNet121"])
def test_drawings_are_scaled_as_the_photographs_were(name: str) -> None:
    function = getattr(keras.applications, name)
    image = keras.Input((28, 28), dtype="uint8")
    scaled = keras.Model(image, zoo._as_trained(image, function))
    grey = np.full((1, 28, 28), 100, np.uint8)
    wanted = zoo.sys.modules[function.__module__].preprocess_input(np.full((1, zoo.SIDE, zoo.SIDE, 3), 100, np.float32))
    np.testing.assert_allclose(scaled(grey), wanted, atol=1e-4)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TransferError, match="no 'MobileNetV3Tiny'; there is: ConvNeXtBase, .*, MobileNetV3Small"):
        zoo.build("MobileNetV3Tiny")


def test_without_a_network_it_is_said_where_the_weights_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure on https://storage.googleapis.com/...")

    monkeypatch.setattr(file_utils, "get_file", unreachable)
    with pytest.raises(TransferError, match=r"no ImageNet weights for MobileNetV3Small: .*~/.keras/models"):
        load("keras:MobileNetV3Small", tmp_path)

"""A base comes from a bundle, a file or Keras Applications, and is cut where no connection jumps over."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from serving.bundle import Bundle
from serving.repository import SHIPPED, Repository
from training.datasets import DataSet
from training.models import EMBEDDING, build
from training.networks import Conv, Network
from transfer.base import Base, from_model, load
from transfer.errors import TransferError

NEWEST = Repository(SHIPPED).versions("digits")[-1]


@pytest.fixture
def pictures(optdigits: DataSet) -> NDArray[np.uint8]:
    return optdigits.x_test[:20]


def small(**options: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build(Network((Conv(4, 3, 2, dropout=0.5), Conv(8, 3, 2)), (16,), **options), 10)  # type: ignore[arg-type]


def saved(model: keras.Model, folder: Path) -> str:
    model.save(folder / "mine.keras")
    return str(folder / "mine.keras")


def residual() -> keras.Model:
    image = keras.Input((28, 28), dtype="uint8", name="image")
    x = layers.Reshape((28, 28, 1), name="channel")(layers.Rescaling(1 / 255, name="rescale")(image))
    x = layers.Conv2D(4, 3, strides=4, padding="same", name="stem")(x)
    for number in (1, 2):
        y = layers.Conv2D(4, 3, padding="same", name=f"block{number}_conv1")(x)
        y = layers.ReLU(name=f"block{number}_relu")(layers.BatchNormalization(name=f"block{number}_norm")(y))
        x = x + layers.Conv2D(4, 3, padding="same", name=f"block{number}_conv2")(y)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(x))


def test_a_bundle_is_cut_behind_each_activation_and_its_class_scores_are_no_cut(tiny_bundle: Bundle) -> None:
    base = load("tiny", tiny_bundle.path.parent.parent)
    assert base.name == "tiny/1"
    assert base.cuts == ("conv1_relu", "conv2_relu", EMBEDDING)
    assert base.blocks[0].layers == ("rescale", "channel", "conv1", "conv1_norm", "conv1_relu")
    assert base.blocks[1].layers == ("conv2", "conv2_norm", "conv2_relu", "flatten")


def test_the_shipped_digits_are_a_base_by_name_and_version(tmp_path: Path) -> None:
    assert load("digits", tmp_path).cuts == load(f"digits/{NEWEST}", tmp_path).cuts
    assert load(f"digits/{NEWEST}", tmp_path).cuts[-2:] == ("conv6_relu", EMBEDDING)


def test_dropout_and_flattening_belong_to_the_block_below_and_the_cut_is_under_them() -> None:
    base = from_model("small", small())
    assert base.blocks[0].layers[-2:] == ("conv1_relu", "conv1_dropout")
    assert base.cuts[0] == "conv1_relu"


def test_a_residual_network_is_cut_between_blocks_only() -> None:
    model = residual()
    base = from_model("residual", model)
    adds = [operation.name for operation in model.operations if operation.name.startswith("add")]
    assert base.cuts == ("stem", adds[0], "pool")
    assert [len(block.layers) for block in base.blocks] == [3, 5, 6]


@pytest.mark.parametrize("model", [small(), small(batch_norm=True), residual()])
def test_a_trunk_computes_what_the_layer_of_the_base_does(model: keras.Model, pictures: NDArray[np.uint8]) -> None:
    base = from_model("any", model)
    for cut in base.cuts:
        (there,) = (operation for operation in model.operations if operation.name == cut)
        wanted = keras.Model(model.input, there.output)(pictures, training=False)
        np.testing.assert_allclose(base.trunk(cut)(pictures), wanted, atol=1e-6)


def test_a_trunk_drops_nothing_out_even_inside_a_model_in_training(pictures: NDArray[np.uint8]) -> None:
    base = from_model("small", small())
    trunk = base.trunk(EMBEDDING)
    image = keras.Input((28, 28), dtype="uint8")
    outer = keras.Model(image, trunk(image, training=False))
    np.testing.assert_array_equal(outer(pictures, training=True), trunk(pictures))


def test_a_trunk_is_frozen_and_leaves_the_base_alone() -> None:
    base = from_model("small", small())
    trunk = base.trunk(EMBEDDING)
    assert not trunk.trainable_weights
    assert len(base.model.trainable_weights) == 8
    assert base.model.get_layer("conv1_dropout").rate == 0.5
    trunk.set_weights([weight * 0 for weight in trunk.get_weights()])
    assert np.asarray(base.model.get_layer("conv1").kernel).any()


def test_the_digest_is_of_what_lies_below_the_cut() -> None:
    base = from_model("one", small())
    same = from_model("other", small())
    assert len({base.digest(cut) for cut in base.cuts}) == 3
    same.model.get_layer("conv2").kernel.assign_add(np.ones((3, 3, 4, 8)))
    assert base.digest("conv1_relu") == same.digest("conv1_relu")
    assert base.digest("conv2_relu") != same.digest("conv2_relu")


def test_the_digest_survives_saving_and_knows_the_strides(tmp_path: Path) -> None:
    base = from_model("one", small())
    assert load(saved(base.model, tmp_path), tmp_path).digest(EMBEDDING) == base.digest(EMBEDDING)
    assert load(saved(base.trunk("conv1_relu"), tmp_path), tmp_path).digest("conv1_relu") == base.digest("conv1_relu")
    wider = build(Network((Conv(4, 3, 1), Conv(8, 3, 2)), (16,)), 10)
    wider.get_layer("conv1").set_weights(base.model.get_layer("conv1").get_weights())
    assert from_model("wider", wider).digest("conv1_relu") != base.digest("conv1_relu")


def test_a_cut_that_is_none_is_refused_with_those_there_are() -> None:
    base = from_model("mine", small())
    for use in (base.trunk, base.digest):
        with pytest.raises(TransferError, match="mine cannot be cut at 'logits'; it can at: conv1_relu, conv2_relu"):
            use("logits")


def test_a_trunk_is_a_base_itself(tmp_path: Path) -> None:
    base = from_model("small", small())
    again = load(saved(base.trunk("conv2_relu"), tmp_path), tmp_path)
    assert again.cuts == ("conv1_relu", "conv2_relu")


def sequential(shape: tuple[int, ...], dtype: str, *first: keras.Layer) -> keras.Model:
    keras.utils.set_random_seed(0)
    flat = [layers.Flatten(name="flat"), layers.Dense(5, "relu", name="low"), layers.Dense(3, "softmax", name="top")]
    return keras.Sequential([keras.Input(shape, dtype=dtype, name="in"), *first, *flat])


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1)])
@pytest.mark.parametrize(
    ("dtype", "first", "seen"),
    [("uint8", (), 1.0), ("float32", (), 1 / 255), ("float32", (layers.Rescaling(1 / 99, name="own"),), 1.0)],
)
def test_a_foreign_network_is_fed_as_it_was_trained(
    shape: tuple[int, ...],
    dtype: str,
    first: tuple[keras.Layer, ...],
    seen: float,
    pictures: NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    model = sequential(shape, dtype, *first)
    base = load(saved(model, tmp_path), tmp_path)
    assert base.cuts == ("low",)
    assert (base.model.input.dtype, base.model.input_shape) == ("uint8", (None, 28, 28))
    given = (pictures.reshape(-1, *shape) * np.float32(seen)).astype(dtype)
    np.testing.assert_allclose(base.model(pictures), model(given), atol=1e-5)


def test_half_precision_is_brought_to_float32(tmp_path: Path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy(before)
    base = load(saved(model, tmp_path), tmp_path)
    assert {layer.compute_dtype for layer in base.trunk(EMBEDDING).layers if layer.weights} == {"float32"}
    np.testing.assert_array_equal(base.model.get_weights()[0], model.get_weights()[0])


class Subclassed(keras.Model):  # type: ignore[misc]
    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x


def two_inputs() -> keras.Model:
    left, right = keras.Input((28, 28)), keras.Input((28, 28))
    return keras.Model((left, right), layers.Add()([left, right]))


def used_twice() -> keras.Model:
    image = keras.Input((28, 28), dtype="uint8")
    dense = layers.Dense(28, name="again")
    return keras.Model(image, dense(dense(image)))


def without_weights() -> keras.Model:
    image = keras.Input((28, 28), dtype="uint8")
    return keras.Model(image, layers.Flatten()(image))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Subclassed(name="mine"), "'mine' is no functional network"),
        (keras.Sequential([layers.Flatten()], name="mine"), "'mine' is no functional network"),
        (two_inputs(), "has 2 inputs and 1 outputs"),
        (used_twice(), "layer 'again' is used 2 times"),
        (without_weights(), "no trained layers below its class scores"),
        (sequential((32, 32, 3), "float32"), r"any takes pictures \(32, 32, 3\)"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_reason(model: keras.Model, words: str) -> None:
    with pytest.raises(TransferError, match=words):
        from_model("any", model)


def test_names_and_files_that_are_no_base_are_refused_in_words(tmp_path: Path) -> None:
    def refused(name: str) -> str:
        with pytest.raises(TransferError) as error:
            load(name, tmp_path)
        return str(error.value)

    (tmp_path / "text.keras").write_text("no network")
    lambdas = sequential((28, 28), "float32", layers.Lambda(lambda x: x, name="code"))
    assert "no model 'none'; there is: digits" in refused("none")
    assert "no version 99; there is" in refused("digits/99")
    assert "'digits/latest' names no base" in refused("digits/latest")
    assert "missing.keras is missing" in refused(str(tmp_path / "missing.keras"))
    assert "text.keras cannot be read" in refused(str(tmp_path / "text.keras"))
    assert "no lambdas" in refused(saved(lambdas, tmp_path))
    assert "keras.applications has no 'MobileNet9'; there is: ConvNeXtBase" in refused("keras:MobileNet9")


def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny" / "1").mkdir(parents=True)
    with pytest.raises(TransferError, match="is missing; this is no Inkling bundle"):
        load("tiny", tmp_path)


def test_an_ensemble_is_cut_at_its_embedding(tmp_path: Path) -> None:
    image = keras.Input((28, 28), dtype="uint8", name="image")
    towers = [from_model("one", small()).trunk(EMBEDDING) for _ in range(2)]
    for number, tower in enumerate(towers, 1):
        tower.name = f"member{number}"
    both = layers.Concatenate(name=EMBEDDING)([tower(image) for tower in towers])
    base: Base = load(saved(keras.Model(image, layers.Dense(3, name="logits")(both)), tmp_path), tmp_path)
    assert base.cuts == (EMBEDDING,)
    assert base.trunk(EMBEDDING).output.shape == (None, 32)

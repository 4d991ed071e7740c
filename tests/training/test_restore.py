"""Weights come back by name and shape, and it is told what did not."""

import keras
import numpy as np
import pytest
from keras import layers

from training.models import build
from training.networks import Conv, Network
from training.restore import RestoreError, Skipped, restore

NETWORK = Network((Conv(4, 3, 2), Conv(8, 3, 2)), (16,))


def network(classes: int = 10, dense: int = 16, *, convs: int = 2, batch_norm: bool = False) -> keras.Model:
    return build(Network(NETWORK.convs[:convs], (dense,), batch_norm=batch_norm), classes)


def first_weights(model: keras.Model, layer: str) -> np.ndarray:
    return np.asarray(model.get_layer(layer).get_weights()[0])


def test_another_number_of_classes_costs_the_head_alone() -> None:
    trained, changed = network(), network(classes=15)
    before = first_weights(changed, "logits")
    restored = restore(changed, trained)
    assert restored.loaded == ("conv1", "conv2", "dense1_linear")
    assert restored.skipped == (
        Skipped("logits", (("kernel", (16, 10)), ("bias", (10,))), (("kernel", (16, 15)), ("bias", (15,)))),
    )
    assert (restored.new, restored.unused) == ((), ())
    np.testing.assert_array_equal(first_weights(changed, "conv2"), first_weights(trained, "conv2"))
    np.testing.assert_array_equal(first_weights(changed, "logits"), before)


def test_the_report_is_a_readable_line_and_details() -> None:
    text = str(restore(network(classes=15, batch_norm=False), network()))
    assert text.splitlines() == [
        "layers: 3 restored, 1 of another shape, 0 new, 0 unused",
        "  of another shape: logits, kernel[16,10] bias[10] there, kernel[16,15] bias[15] here",
    ]


def test_added_and_removed_layers_are_named() -> None:
    restored = restore(network(convs=1), network())
    assert restored.loaded == ("conv1", "logits")
    assert [each.name for each in restored.skipped] == ["dense1_linear"]
    assert restored.unused == ("conv2",)
    restored = restore(network(), network(convs=1))
    assert restored.new == ("conv2",)
    assert "  new: conv2" in str(restored)


def test_a_layer_is_taken_over_whole_or_not_at_all() -> None:
    # Batch normalisation takes the bias away: the kernel alone would fit.
    with_bias = network()
    normalised = network(batch_norm=True)
    before = first_weights(normalised, "conv1")
    restored = restore(normalised, with_bias)
    assert "conv1" in [each.name for each in restored.skipped]
    np.testing.assert_array_equal(first_weights(normalised, "conv1"), before)


def test_weights_of_one_shape_and_another_meaning_are_not_taken_over() -> None:
    def normalised(**without: bool) -> keras.Model:
        image = keras.Input((4,))
        x = layers.BatchNormalization(name="norm", **without)(layers.Dense(4, name="below")(image))
        return keras.Model(image, x)

    restored = restore(normalised(center=False), normalised(scale=False))
    assert restored.loaded == ("below",)
    assert [each.name for each in restored.skipped] == ["norm"]


def members(*names: str) -> keras.Model:
    image = keras.Input((28, 28), dtype="uint8", name="image")
    towers = []
    for name in names:
        whole = network()
        towers.append(keras.Model(whole.input, whole.get_layer("embedding").output, name=name)(image))
    return keras.Model(image, layers.Concatenate(name="both")(towers))


def test_layers_of_models_inside_are_found_by_the_names_of_both() -> None:
    trained, changed = members("member1", "member2"), members("member2", "member3")
    restored = restore(changed, trained)
    assert restored.loaded == ("member2/conv1", "member2/conv2", "member2/dense1_linear")
    assert restored.new == ("member3/conv1", "member3/conv2", "member3/dense1_linear")
    np.testing.assert_array_equal(
        first_weights(changed.get_layer("member2"), "conv1"), first_weights(trained.get_layer("member2"), "conv1")
    )


def unnamed(*units: int) -> keras.Model:
    keras.utils.clear_session()
    return keras.Sequential([keras.Input((6,)), *(layers.Dense(each) for each in units)])


def test_names_that_keras_counted_are_refused_where_the_network_has_changed() -> None:
    with pytest.raises(RestoreError, match="layers dense, dense_1 are in both networks, under names that Keras"):
        restore(unnamed(6, 6, 3), unnamed(6, 3))


def test_names_that_keras_counted_are_good_where_nothing_has_changed() -> None:
    assert restore(unnamed(6, 3), unnamed(6, 3)).loaded == ("dense", "dense_1")


def test_models_that_keras_counted_are_not_mixed_up() -> None:
    with pytest.raises(RestoreError, match="functional_1/conv1"):
        restore(members("functional_1", "functional_2"), members("functional", "functional_1"))


def test_a_refusal_changes_nothing() -> None:
    changed = unnamed(6, 6, 3)
    before = changed.get_weights()
    with pytest.raises(RestoreError):
        restore(changed, unnamed(6, 3))
    for now, then in zip(changed.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_nothing_to_take_over_is_an_error_that_names_the_layers_of_both() -> None:
    other = keras.Sequential([keras.Input((6,)), layers.Dense(2, name="mine")])
    with pytest.raises(RestoreError, match="here are mine, there are conv1, conv2"):
        restore(other, network())

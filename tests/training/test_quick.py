"""Layers that train faster compute what Keras's own do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from training import quick
from training.models import build
from training.networks import Conv, Network
from training.recipes import named

Floats = NDArray[np.float32]


def _pictures(count: int = 16) -> Floats:
    return np.random.default_rng(1).normal(3, 2, (count, 6, 5, 8)).astype(np.float32)


def _normalised(layer: keras.layers.Layer, x: Floats) -> list[Floats]:
    """Output, gradients with respect to input, scale and offset, and the moving statistics after the step."""
    layer.build(x.shape)
    layer.gamma.assign(np.linspace(0.5, 2, 8))
    layer.beta.assign(np.linspace(-1, 1, 8))
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        result = layer(given, training=True)
        loss = tf.reduce_sum(tf.cast(result, tf.float32) ** 3)
    slopes = tape.gradient(loss, [given, layer.gamma.value, layer.beta.value])
    return [np.asarray(each) for each in (result, *slopes, layer.moving_mean, layer.moving_variance)]


def test_normalising_in_one_operation_gives_what_keras_gives() -> None:
    both = [
        _normalised(kind.BatchNormalization(momentum=0.9, dtype="float32"), _pictures())
        for kind in (quick, keras.layers)
    ]
    for ours, theirs in zip(*both, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


def test_normalising_in_bfloat16_differs_by_no_more_than_bfloat16_does() -> None:
    x = _pictures(64)
    exact, *_, mean, variance = _normalised(keras.layers.BatchNormalization(dtype="float32"), x)
    rough, *_, rough_mean, rough_variance = _normalised(quick.BatchNormalization(dtype="mixed_bfloat16"), x)
    assert np.abs(rough.astype(np.float32) - exact).max() < 0.06
    assert np.allclose(rough_mean, mean, atol=1e-4)
    assert np.allclose(rough_variance, variance, rtol=1e-3)


@pytest.mark.parametrize("shape", [(40, 12, 12, 7), (1_001, 3)])
def test_dropout_drops_its_share_anew_each_time_and_keeps_the_mean(shape: tuple[int, ...]) -> None:
    layer = quick.Dropout(0.2, dtype="float32")
    ones = tf.ones(shape)
    first, second = (layer(ones, training=True).numpy() for _ in range(2))
    assert (first == 0).mean() == pytest.approx(0.2, abs=0.03)
    assert first.max() == pytest.approx(1.25, abs=0.005)
    assert 0.3 < ((first == 0) != (second == 0)).mean() < 0.34 + 0.03
    assert (layer(ones, training=False).numpy() == 1).all()
    assert (quick.Dropout(0.0)(ones, training=True).numpy() == 1).all()


def test_weights_learnt_with_the_quick_layers_are_those_of_keras_s() -> None:
    network = Network((Conv(8, 3, dropout=0.2), Conv(8, 3, 2)), (16,), batch_norm=True, dropout=0.3)
    x = np.random.default_rng(0).integers(0, 256, (8, 28, 28), np.uint8)
    learnt = build(network, 10, for_training=True)
    for _ in range(3):
        learnt(x, training=True)
    plain = build(network, 10)
    plain.set_weights(learnt.get_weights())
    assert [weight.shape for weight in plain.weights] == [weight.shape for weight in learnt.weights]
    assert np.allclose(plain(x, training=False), learnt(x, training=False), atol=1e-4)
    assert {type(layer).__module__.split(".")[0] for layer in plain.layers} == {"keras"}


def test_the_shipped_network_is_trained_with_the_quick_layers() -> None:
    layers = build(named("digits").network, 10, for_training=True).layers
    assert sum(isinstance(layer, quick.BatchNormalization) for layer in layers) == 7
    assert sum(isinstance(layer, quick.Dropout) for layer in layers) == 3

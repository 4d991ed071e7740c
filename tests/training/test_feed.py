"""Batches in the graph are those that the generator gives."""

from dataclasses import replace

import numpy as np
import tensorflow as tf

from tests.conftest import TINY
from training import batches
from training.batches import Material
from training.datasets import DataSet
from training.distort import Distortion
from training.feed import Feed, gathered, generated

RECIPE = replace(TINY, distortion=Distortion(), batch_size=32)


def taken(feed: Feed, seed: int, count: int) -> list[tuple[tf.Tensor, tf.Tensor]]:
    source = feed.begin(1.0, np.random.default_rng(seed))
    return [feed.take(source, tf.constant(number)) for number in range(count)]


def test_the_same_seed_gives_the_same_batches_with_and_without_a_generator(optdigits: DataSet) -> None:
    x, y = optdigits.x_train[:200], optdigits.y_train[:200]
    material, wanted = Material(x, y, 10), np.eye(10, dtype=np.float32)
    one = tf.data.Dataset.from_tensor_slices((x, wanted[y])).element_spec
    beside = generated(lambda strength, rng: batches.epoch(RECIPE, material, strength, rng), one, 32)
    within = gathered(x, wanted[y], 32)
    for seed in (0, 1):
        for (pictures, targets), (others, wishes) in zip(taken(within, seed, 6), taken(beside, seed, 6), strict=True):
            assert (pictures.numpy() == others.numpy()).all()
            assert (targets.numpy() == wishes.numpy()).all()
    assert (taken(within, 0, 1)[0][0].numpy() != taken(within, 1, 1)[0][0].numpy()).any()

"""Networks have the size that their description says, take raw pixels and give logits."""

import numpy as np
import pytest

from training.book.rows import OUTSIDE
from training.models import EMBEDDING, build
from training.networks import Conv, Network
from training.recipes import RECIPES, RecipeError, named

_FIVE = 784 * 200 + 200 + 200 * 100 + 100 + 100 * 60 + 60 + 60 * 30 + 30 + 30 * 10 + 10
_THIRTY = 784 * 30 + 30 + 30 * 10 + 10
_DNN = 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10
# Normalisation takes the hidden biases' place with four numbers for each output.
_NORMALISED = _DNN + 3 * (300 + 100)
PARAMETERS = {
    "lecture-softmax": 784 * 10 + 10,
    "lecture-sigmoid": _FIVE,
    "lecture-relu": _FIVE,
    "lecture-decay": _FIVE,
    "lecture-dropout": _FIVE,
    # By hand: convolutions k*k*in*out + out, dense 7*7*out*200 + 200, logits 2,010.
    "lecture-conv": 104 + 520 + 1_548 + 117_800 + 2_010,
    "lecture-conv-dropout": 222 + 1_812 + 4_632 + 235_400 + 2_010,
    "lecture-conv-batchnorm": (864 + 28_800 + 49_152 + 627_200) + 4 * (24 + 48 + 64 + 200) + 2_010,
    "dense30-squared": _THIRTY,
    "dense30": _THIRTY,
    "dense30-10k": _THIRTY,
    "dense512": 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10,
    # The lecture's own count.
    "filters16": 23_466,
    # 24x24 after 5x5 without a border, 12x12 after pooling.
    "filters32": (25 * 32 + 32) + (12 * 12 * 32 * 10 + 10),
    "filters32-dense": (25 * 32 + 32) + (12 * 12 * 32 * 128 + 128) + 1_290,
    # 8x8 after the second convolution, 4x4 after pooling.
    "two-convs": (25 * 32 + 32) + (25 * 32 * 32 + 32) + 2 * (512 * 512 + 512) + 5_130,
    "dnn": _DNN,
    "dnn-leaky": _DNN,
    "dnn-elu": _DNN,
    "dnn-norm": _NORMALISED,
    "dnn-norm-l1": _NORMALISED,
    "dnn-norm-clip": _NORMALISED,
    "dense256": 784 * 256 + 256 + 256 * 10 + 10,
    "ensemble": 121_982,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_lecture_s_networks_have_the_lecture_s_parameters(name: str) -> None:
    assert build(named(name).network, 10).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_takes_raw_pixels_and_gives_float32_logits(name: str) -> None:
    model = build(named(name).network, 10)
    logits = model(np.full((3, 28, 28), 255, np.uint8))
    assert logits.shape == (3, 10)
    assert logits.dtype.name == "float32"
    assert model.get_layer(EMBEDDING).output.shape[1:] == model.get_layer("logits").input.shape[1:]


def test_every_recipe_says_where_it_is_from_and_what_it_claims() -> None:
    for recipe in RECIPES.values():
        assert recipe.about
        assert recipe.claim
        assert recipe.claim.source
        assert recipe.claim.text


def test_every_lecture_s_network_is_counted_by_hand() -> None:
    assert PARAMETERS.keys() == RECIPES.keys() - OUTSIDE


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="no recipe 'diggits'; known are: lecture-softmax"):
        named("diggits")


def test_a_network_without_a_hidden_layer_is_built_too() -> None:
    model = build(Network((Conv(4, 3, 2),)), 3)
    assert model.get_layer(EMBEDDING).output.shape == (None, 14 * 14 * 4)

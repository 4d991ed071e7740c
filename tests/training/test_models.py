"""Networks have the size that their description says, take raw pixels and give logits."""

import numpy as np
import pytest

from training.models import EMBEDDING, Conv, Network, build
from training.recipes import RECIPES, RecipeError, named

PARAMETERS = {
    # By hand: convolutions k*k*in*out + out, dense 7*7*out*200 + 200, logits 2,010.
    "lecture-conv": 104 + 520 + 1_548 + 117_800 + 2_010,
    "lecture-conv-dropout": 222 + 1_812 + 4_632 + 235_400 + 2_010,
    "lecture-conv-batchnorm": (864 + 28_800 + 49_152 + 627_200) + 4 * (24 + 48 + 64 + 200) + 2_010,
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
    assert model.get_layer(EMBEDDING).output.shape[-1] == named(name).network.dense[-1]


def test_every_recipe_says_where_it_is_from_and_how_it_is_run() -> None:
    for recipe in RECIPES.values():
        assert "Claim:" in recipe.about
        assert f"python -m training {recipe.name}" in recipe.about


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="no recipe 'diggits'; known are: lecture-conv"):
        named("diggits")


def test_a_network_without_a_hidden_layer_is_built_too() -> None:
    model = build(Network((Conv(4, 3, 2),)), 3)
    assert model.get_layer(EMBEDDING).output.shape == (None, 14 * 14 * 4)

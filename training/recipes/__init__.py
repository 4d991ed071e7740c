"""Recipes by name: one frozen value for each published result, grouped by its source."""

from training.recipes import (
    best,
    internals,
    numerical_analysis,
    optimising,
    shipped,
    without_a_phd,
)
from training.recipes.recipe import Claim, Optimizer, Recipe, RecipeError

__all__ = ["RECIPES", "Claim", "Optimizer", "Recipe", "RecipeError", "named"]

RECIPES = {
    recipe.name: recipe
    for recipe in (
        *without_a_phd.RECIPES,
        *numerical_analysis.RECIPES,
        *internals.RECIPES,
        *optimising.RECIPES,
        *best.RECIPES,
        *shipped.RECIPES,
    )
}


def named(name: str) -> Recipe:
    """Return the recipe of that name; raises RecipeError with the list of known ones."""
    if name not in RECIPES:
        raise RecipeError(f"no recipe {name!r}; known are: {', '.join(RECIPES)}")
    return RECIPES[name]

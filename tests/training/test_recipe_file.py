"""Recipes as files: written and read back as they are, and a word for everything that is wrong in one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from serving import bundle
from tests.conftest import TINY
from tests.training.command import exit_code
from training.recipe_file import named, read, write
from training.recipes import RECIPES, RecipeError


@pytest.mark.parametrize("recipe", [*RECIPES.values(), TINY], ids=lambda recipe: recipe.name)
def test_a_recipe_is_read_back_as_it_was_written(recipe: object, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    write(recipe, path)  # type: ignore[arg-type]
    assert read(path) == recipe


def test_a_file_holds_what_differs_from_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    write(replace(TINY, pictures=500), path)
    told = json.loads(path.read_text())
    assert told["pictures"] == 500
    assert told["network"]["convs"][0] == {"filters": 8, "kernel": 5, "stride": 2}
    assert "loss" not in told


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"peek_rate": 0.1}, "the file has no field 'peek_rate'; did you mean 'peak_rate'?"),
        ({"batch_size": 1.5}, "batch_size is 1.5; it should be a whole number"),
        ({"batch_size": True}, "batch_size is true; it should be a whole number"),
        ({"peak_rate": "fast"}, 'peak_rate is "fast"; it should be a number'),
        ({"optimizer": "adamw"}, 'optimizer is "adamw"; it should be one of "adam", '),
        ({"network": [1]}, r"network is \[1\]; it should be an object with fields"),
        ({"network": {"convs": [{"filters": 8}]}}, r"network.convs\[0\] lacks kernel"),
        ({"network": {"dense": ["many"]}}, r'network.dense\[0\] is "many"; it should be a whole number'),
        ({"clip": "none"}, 'clip is "none"; it should be a number'),
    ],
)
def test_what_is_wrong_in_a_file_is_named(given: dict[str, object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "about": "", "network": {}, **given}))
    with pytest.raises(RecipeError, match=f"mine.json: {words}"):
        read(path)


def test_a_missing_file_and_one_that_is_no_json_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none.json cannot be read: No such file"):
        named(str(tmp_path / "none.json"))
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(RecipeError, match=r"bad.json is no JSON: Expecting"):
        named(str(tmp_path / "bad.json"))
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(RecipeError, match=r"list.json: the file is \[\]; it should be an object with fields"):
        named(str(tmp_path / "list.json"))


def test_a_file_is_trained_like_any_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    write(replace(TINY, name="mine", epochs=1), Path("some.json"))
    assert exit_code(monkeypatch, "some.json") == 0
    assert bundle.read(Path("models/mine/1")).metadata.recipe == "mine"
    assert Path("runs/mine/history.csv").exists()

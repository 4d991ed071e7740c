"""A study writes its four files whole or not at all, and trains nothing twice."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from training.datasets import DataSet
from training.identity import digest
from training.networks import Network
from training.recipes import Recipe
from training.studies import study as studies
from training.studies import trained
from training.studies.learning import variant
from training.studies.measures import TEST
from training.studies.study import FILES, Findings, Material, Study, StudyError, keep, make
from training.studies.trained import shrunk, train

RECIPES = variant("small", Network(dense=(8,))), variant("large", Network(dense=(16,)))


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(file, format="PNG")
    return file.getvalue()


def find(material: Material) -> Findings:
    errors = {recipe.name: TEST.of(material.trained[recipe][0]) for recipe in RECIPES}
    text = f"Of {len(material.data.x_test)} digits: {errors}."
    return Findings(picture(), ("", "misread"), tuple((name, f"{each:.1f}") for name, each in errors.items()), text)


STUDY = Study("two-sizes", "Which is better?", find, RECIPES, seeds=2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make(STUDY, folder, quick=True)
    return folder


def test_the_four_files_tell_what_was_found(runs: Path) -> None:
    folder = runs / "studies-quick" / "two-sizes"
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    with Image.open(folder / "figure.png") as figure:
        assert figure.size == (40, 30)
    table = json.loads((folder / "table.json").read_text())
    assert table["head"] == ["", "misread"]
    assert [row[0] for row in table["rows"]] == ["small", "large"]
    assert all(0 < float(row[1]) < 100 for row in table["rows"])
    assert (folder / "text.txt").read_text().startswith("Of 360 digits: ")
    made = json.loads((folder / "made.json").read_text())
    assert made["seeds"] == 2
    assert made["seconds"] > 0
    assert len(made["digest"]) == 64


def test_what_is_trained_is_not_trained_again(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (runs / "studies-quick" / "two-sizes" / "table.json").read_bytes()
    monkeypatch.setattr(trained, "fit", lambda *_, **__: pytest.fail("trained again"))
    capsys.readouterr()
    folder = make(STUDY, runs, quick=True)
    assert (folder / "table.json").read_bytes() == before
    assert "two-sizes: 100%" in capsys.readouterr().err


def test_interrupted_it_keeps_the_networks_that_are_done_and_the_results_of_before(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (runs / "studies-quick" / "two-sizes" / "made.json").read_bytes()
    fit = trained.fit
    asked: list[Recipe] = []

    def interrupted(recipe: Recipe, *arguments: object, **options: object) -> object:
        asked.append(recipe)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return fit(recipe, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trained, "fit", interrupted)
    more = replace(STUDY, recipes=(variant("other", Network(dense=(5,))),), find=lambda _: pytest.fail("too early"))
    place = runs / "studies-quick"
    kept = set((place / ".trained").iterdir())
    with pytest.raises(KeyboardInterrupt):
        make(more, runs, quick=True)
    assert len(set((place / ".trained").iterdir()) - kept) == 1
    assert (place / "two-sizes" / "made.json").read_bytes() == before
    assert sorted(path.name for path in place.iterdir()) == [".trained", "two-sizes"]


def test_a_result_that_cannot_be_written_leaves_the_one_of_before(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = runs / "studies-quick" / "two-sizes"
    before = {name: (folder / name).read_bytes() for name in FILES}
    monkeypatch.setattr(studies, "_json", lambda _: pytest.fail("the disk is full"))
    with pytest.raises(pytest.fail.Exception):
        make(STUDY, runs, quick=True)
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert sorted(path.name for path in folder.parent.iterdir()) == [".trained", "two-sizes"]


def test_a_trained_network_comes_back_as_it_was(optdigits: DataSet, tmp_path: Path) -> None:
    from training.computed import logits

    network = train(shrunk(RECIPES[0]), 3, optdigits, "content", tmp_path)
    assert logits(network.model(), optdigits.x_test) == pytest.approx(network.logits, abs=1e-5)
    assert len(network.history["val_loss"]) == 2
    assert 0 < network.misread.mean() < 1


def test_keeping_copies_the_four_files_and_wants_them_made(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"make the study first: python -m training.studies two-sizes"):
        keep(STUDY, tmp_path, tmp_path / "kept")
    made = tmp_path / "studies" / "two-sizes"
    made.mkdir(parents=True)
    for name in FILES:
        (made / name).write_text(name)
    folder = keep(STUDY, tmp_path, tmp_path / "kept")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: name for name in FILES}


def test_a_digest_follows_what_decides_and_nothing_else() -> None:
    recipe = RECIPES[0]
    assert digest(replace(recipe, name="renamed", about="told otherwise")) == digest(recipe)
    assert digest(replace(recipe, peak_rate=0.5)) != digest(recipe)
    assert digest(replace(recipe, network=Network(dense=(9,)))) != digest(recipe)
    beside = replace(recipe, beside=(RECIPES[1],))
    assert digest(replace(recipe, beside=(replace(RECIPES[1], about="told otherwise"),))) == digest(beside)
    assert digest(replace(recipe, beside=(replace(RECIPES[1], peak_rate=0.5),))) != digest(beside)

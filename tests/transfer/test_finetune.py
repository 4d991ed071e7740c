"""Fitting a strategy: what is frozen stays as it is, to the bit, and what is trained reads better."""

from pathlib import Path

import keras
import numpy as np
import pytest

from serving.bundle import Bundle
from serving.engines import OpenVINOEngine
from training.datasets import DataSet
from transfer import base as bases
from transfer import finetune, ladder
from transfer.base import Base
from transfer.bottleneck import Cache, EngineExtractor
from transfer.finetune import Learner
from transfer.ladder import Strategy


@pytest.fixture(scope="module")
def base(tiny_bundle: Bundle) -> Base:
    return bases.load("tiny", tiny_bundle.path.parent.parent)


@pytest.fixture
def learner(base: Base, optdigits: DataSet, tmp_path: Path) -> Learner:
    """Five digits turned upside down, twelve pictures of each."""
    x, y = optdigits.x_train[:, ::-1, ::-1], optdigits.y_train
    chosen = np.concatenate([np.flatnonzero(y == label)[:12] for label in range(5)])
    return Learner(base, np.ascontiguousarray(x[chosen]), y[chosen], 5, Cache(tmp_path), copies=2)


def weights_of(model: keras.Model, names: set[str]) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.name in names and layer.weights}


def everything(learner: Learner) -> np.ndarray:
    return np.arange(len(learner.x))


@pytest.mark.parametrize(("name", "unfrozen"), [("linear", 0), ("hidden", 0), ("top1", 1), ("all", 2)])
def test_frozen_weights_are_those_of_the_base_to_the_bit(
    learner: Learner, base: Base, name: str, unfrozen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "_STEPS", (20, 20))
    strategy = Strategy(name, "conv2_relu", "hidden" if name == "hidden" else "linear", unfrozen)
    model = learner.model(learner.fit(strategy, everything(learner)))
    blocks = base.blocks_below("conv2_relu")
    frozen = {layer for block in blocks[: len(blocks) - unfrozen] for layer in block.layers}
    trained = {layer for block in blocks[len(blocks) - unfrozen :] for layer in block.layers}
    before, after = (weights_of(each, frozen | trained) for each in (base.model, model))
    assert after.keys() == before.keys()
    for layer, weights in after.items():
        same = all(np.array_equal(new, old) for new, old in zip(weights, before[layer], strict=True))
        # Batch normalisation keeps the base's statistics even where its block is trained.
        assert same == (layer in frozen or layer.endswith("_norm")), layer


def test_the_network_computes_what_the_head_on_cached_outputs_did(learner: Learner) -> None:
    fit = learner.fit(Strategy("linear", "conv2_relu"), everything(learner))
    whole = learner.model(fit).predict(learner.x, verbose=0)
    np.testing.assert_allclose(whole, learner.scores(fit, everything(learner)), atol=1e-3)


def test_a_few_pictures_are_enough_and_training_layers_does_not_forget_them(
    learner: Learner, optdigits: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "_STEPS", (60, 60))
    known = optdigits.y_test < 5
    x, y = optdigits.x_test[known][:, ::-1, ::-1], optdigits.y_test[known]
    for name, unfrozen in (("linear", 0), ("top1", 1)):
        model = learner.model(learner.fit(Strategy(name, "conv2_relu", unfrozen=unfrozen), everything(learner)))
        assert (model.predict(x, verbose=0).argmax(axis=1) == y).mean() > 0.8, name


def test_a_second_strategy_on_the_same_cut_computes_nothing_anew(learner: Learner, base: Base, tmp_path: Path) -> None:
    learner.outputs("conv2_relu")
    again = Learner(base, learner.x, learner.y, 5, Cache(tmp_path), copies=2).outputs("conv2_relu")
    assert (again.found, again.computed) == (len(learner.x) * 3, 0)


def test_more_copies_compute_only_the_new_ones(learner: Learner, base: Base, tmp_path: Path) -> None:
    learner.outputs("conv2_relu")
    more = Learner(base, learner.x, learner.y, 5, Cache(tmp_path), copies=3).outputs("conv2_relu")
    assert (more.found, more.computed) == (len(learner.x) * 3, len(learner.x))


def test_another_engine_computes_the_same_embeddings(learner: Learner, tiny_bundle: Bundle, tmp_path: Path) -> None:
    embedder = EngineExtractor(OpenVINOEngine(tiny_bundle.path, "f32"), tiny_bundle)
    other = Learner(learner.base, learner.x, learner.y, 5, Cache(tmp_path / "other"), copies=2, embedder=embedder)
    every = np.arange(3 * len(learner.x))
    there, here = (each.outputs("embedding").rows(every) for each in (other, learner))
    np.testing.assert_allclose(there, here, atol=1e-4)
    strategy = ladder.on_embedding(learner.base, 12)[-1]
    assert strategy == Strategy("linear", "embedding")
    trial, _ = other.try_out(strategy)
    assert trial.accuracy.value > 0.5


def test_what_comes_from_the_base_is_told(learner: Learner) -> None:
    learner.model(learner.fit(Strategy("linear", "conv2_relu"), everything(learner)))
    assert learner.restored is not None
    assert set(learner.restored.loaded) == {"conv1", "conv1_norm", "conv2", "conv2_norm"}
    assert "logits" not in learner.restored.loaded


def test_every_picture_is_read_once_by_a_fit_that_has_not_seen_it(learner: Learner) -> None:
    assert sorted(learner.validation.tolist()) == list(range(len(learner.x)))
    for fold in learner.folds:
        assert set(learner.y[fold].tolist()) == set(range(5))


def test_no_copy_of_a_validation_picture_is_learned_from(learner: Learner) -> None:
    fold = learner.folds[0]
    rows = learner.with_copies(np.setdiff1d(everything(learner), fold))
    assert not set((rows % len(learner.x)).tolist()) & set(fold.tolist())
    assert len(rows) == 3 * (len(learner.x) - len(fold))


def test_from_scratch_nothing_comes_from_the_base(
    learner: Learner, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "_STEPS", (5, 5))
    strategy = ladder.tuned(base, "conv2_relu", scratch=True)[-1]
    model = learner.model(learner.fit(strategy, everything(learner)))
    assert not np.array_equal(model.get_layer("conv1").kernel, base.model.get_layer("conv1").kernel)
    assert all(layer.trainable for layer in model.layers if layer.weights)

"""Training learns, resumes where it was interrupted, and never looks at the test part."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import TINY
from training import metrics
from training.datasets import DataSet, DatasetError, split_validation
from training.distort import Distortion
from training.fit import FitError, Fitted, fit
from training.networks import Network
from training.recipes import Claim

SHORT = replace(TINY, epochs=4, distortion=Distortion())


def accuracy(fitted: Fitted, data: DataSet) -> float:
    logits = np.asarray(fitted.model(data.x_test, training=False))
    return float((logits.argmax(axis=1) == data.y_test).mean())


def history(folder: Path) -> list[str]:
    lines = (folder / "history.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,")
    return [line.split(",")[0] for line in lines[1:]]


RUN = """
import pathlib, signal, sys
# A shell that starts the tests in the background makes them, and this, deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.training.test_fit import SHORT
from training.datasets import load
from training.fit import fit
fit(SHORT, load("optdigits"), pathlib.Path(sys.argv[1]))
"""


def run_and_interrupt(folder: Path) -> str:
    """Press Ctrl-C in the middle of the epoch after the first one saved; what the run said at its end."""
    process = subprocess.Popen([sys.executable, "-c", RUN, str(folder)], stderr=subprocess.PIPE, text=True)
    while not (folder / "state.npz").exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)[1]


def test_ctrl_c_loses_at_most_the_epoch_under_way(optdigits: DataSet, tmp_path: Path) -> None:
    whole = fit(SHORT, optdigits, tmp_path / "whole")
    folder = tmp_path / "cut"
    assert "KeyboardInterrupt" in run_and_interrupt(folder)
    with np.load(folder / "state.npz") as state:
        done = int(state["progress"][0])
    assert 1 <= done < SHORT.epochs

    with pytest.raises(FitError, match=f"interrupted after epoch {done}; .*--resume.*--restart"):
        fit(SHORT, optdigits, folder)
    resumed = fit(SHORT, optdigits, folder, start="resume")

    assert history(folder) == history(tmp_path / "whole") == ["0", "1", "2", "3"]
    assert resumed.epochs == SHORT.epochs
    assert abs(accuracy(resumed, optdigits) - accuracy(whole, optdigits)) < 0.02
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.abs(ours - theirs).max() < 0.05


def test_a_run_can_only_be_resumed_as_it_was_begun(optdigits: DataSet, tmp_path: Path) -> None:
    with pytest.raises(FitError, match="nothing to resume: .*state.npz is missing"):
        fit(SHORT, optdigits, tmp_path, start="resume")
    fit(replace(SHORT, epochs=1), optdigits, tmp_path)
    with pytest.raises(FitError, match="another recipe, seed or number of epochs"):
        fit(SHORT, optdigits, tmp_path, start="resume")


def test_training_stops_when_validation_no_longer_improves(optdigits: DataSet, tmp_path: Path) -> None:
    stuck = replace(SHORT, peak_rate=1e-9, final_rate=1e-9, average=0.0, epochs=30, patience=2)
    fitted = fit(stuck, optdigits, tmp_path)
    assert fitted.epochs < 30


def test_a_network_without_hidden_layers_is_trained_too(optdigits: DataSet, tmp_path: Path) -> None:
    fitted = fit(replace(SHORT, network=Network()), optdigits, tmp_path)
    assert accuracy(fitted, optdigits) > 0.8


def test_a_run_goes_on_when_only_words_about_its_recipe_have_changed(optdigits: DataSet, tmp_path: Path) -> None:
    fit(replace(SHORT, epochs=1), optdigits, tmp_path)
    reworded = replace(SHORT, epochs=1, about="Other words.", claim=Claim("Tests", "90 %", 0.9))
    assert fit(reworded, optdigits, tmp_path, start="resume").epochs == 1


@pytest.mark.parametrize(("chosen_by", "column"), [("accuracy", 3), ("loss", 4)])
def test_the_epoch_whose_weights_are_kept_is_chosen_by_loss_or_by_accuracy(
    optdigits: DataSet, tmp_path: Path, chosen_by: Literal["accuracy", "loss"], column: int
) -> None:
    # The rate grows until nothing is left of what was learnt.
    hasty = replace(SHORT, epochs=6, schedule="exponential", final_rate=1.0, average=0.0, chosen_by=chosen_by)
    fitted = fit(hasty, optdigits, tmp_path, precision="float32")
    logits = np.asarray(fitted.model(fitted.x_validation, training=False))
    found = {
        "accuracy": metrics.accuracy(logits, fitted.y_validation).value,
        "loss": metrics.cross_entropy(metrics.softmax(logits), fitted.y_validation),
    }[chosen_by]
    seen = [float(line.split(",")[column]) for line in fitted.history.read_text().splitlines()[1:]]
    best = max(seen) if chosen_by == "accuracy" else min(seen)
    assert found == pytest.approx(best, rel=1e-3)
    assert seen[-1] != best, "the last epoch is to be told from the best"


def test_random_labels_stay_at_chance(optdigits: DataSet, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shuffled = replace(optdigits, y_train=rng.permutation(optdigits.y_train), y_test=rng.permutation(optdigits.y_test))
    fitted = fit(SHORT, shuffled, tmp_path)
    assert accuracy(fitted, shuffled) < 0.2


def test_the_split_is_always_the_same(optdigits: DataSet) -> None:
    x, y = optdigits.x_train, optdigits.y_train
    first, again = (split_validation(x, y, 300) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len(first[0]) == len(x) - 300


def test_held_out_pictures_are_not_trained_on(optdigits: DataSet) -> None:
    numbered = np.arange(len(optdigits.x_train))
    kept, _, held, _ = split_validation(numbered, optdigits.y_train, 300)
    assert sorted([*kept, *held]) == numbered.tolist()
    with pytest.raises(DatasetError, match="cannot be held out"):
        split_validation(numbered, optdigits.y_train, len(numbered))


def shown(folder: Path, part: str) -> dict[str, dict[str, list[int]]]:
    """Names of curves and of histograms -> the steps that they have a point at."""
    events = EventAccumulator(str(folder / "tensorboard" / part), {"tensors": 0})
    events.Reload()
    kinds: dict[str, dict[str, list[int]]] = {"scalars": {}, "histograms": {}}
    for tag in events.Tags()["tensors"]:
        plugin = events.SummaryMetadata(tag).plugin_data.plugin_name
        kinds[plugin][tag] = [event.step for event in events.Tensors(tag)]
    return kinds


def test_tensorboard_shows_curves_and_the_spread_of_weights_and_activations(optdigits: DataSet, tmp_path: Path) -> None:
    fit(replace(SHORT, epochs=2), optdigits, tmp_path)
    fit(replace(SHORT, epochs=2), optdigits, tmp_path, start="restart")
    train = shown(tmp_path, "train")
    assert shown(tmp_path, "validation")["scalars"] == {"epoch/loss": [1, 2], "epoch/accuracy": [1, 2]}
    assert train["scalars"]["epoch/loss"] == train["scalars"]["epoch/learning_rate"] == [1, 2]
    assert {"weights/conv1/kernel", "activations/conv1_relu", "activations/logits"} <= set(train["histograms"])
    assert all(steps == [1, 2] for steps in train["histograms"].values())


def test_too_few_pictures_for_a_batch_are_said_to_be(optdigits: DataSet, tmp_path: Path) -> None:
    with pytest.raises(FitError, match="49 pictures to learn from do not fill a batch of 50; give more"):
        fit(replace(SHORT, pictures=49), optdigits, tmp_path)


@pytest.mark.slow
def test_mnist_is_learnt_by_the_lecture_s_network(mnist: DataSet, tmp_path: Path) -> None:
    from training.recipes import named

    fitted = fit(replace(named("lecture-conv"), epochs=2), mnist, tmp_path)
    assert accuracy(fitted, mnist) > 0.96


_TWICE = """
from dataclasses import replace
from pathlib import Path
import sys
from tests.conftest import TINY
from training.datasets import load
from training.export import weights_digest
from training.fit import fit

for number in "12":
    fitted = fit(replace(TINY, epochs=2), load("optdigits"), Path(sys.argv[1]) / number, deterministic=True)
    print("digest", weights_digest(fitted.model))
"""


def test_a_deterministic_run_is_repeatable_to_the_bit(tmp_path: Path) -> None:
    # In a process of its own: TensorFlow cannot go back to being fast.
    done = subprocess.run([sys.executable, "-c", _TWICE, str(tmp_path)], capture_output=True, text=True, check=True)
    first, second = (line for line in done.stdout.splitlines() if line.startswith("digest"))
    assert first == second

"""KerasTuner over a recipe: its oracles choose the values, `training.fit` trains, validation pictures judge.

Nothing here looks at the test part. A search lives in one folder, in KerasTuner's own form, with each trial's run in
a folder of its own; it goes on where it was interrupted, in the middle of a trial too.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras_tuner
import numpy as np
from keras_tuner.engine.base_tuner import BaseTuner
from scipy.special import log_softmax

from serving import files
from training.datasets import DataSet
from training.fit import Fitted, fit
from training.identity import digest
from training.recipes import Recipe
from training.space import Choice, Dimension, applied

Method = Literal["random", "hyperband", "bayesian", "grid"]

_LOSS = "validation_loss"
_ACCURACY = "validation_accuracy"
_IDENTITY = "search.json"
_WAIT = 0.2
"""Seconds before an oracle is asked again that had to wait for other workers."""


class SearchError(Exception):
    """A search that cannot start, go on or end well; the message says what would be right."""


@dataclass(frozen=True)
class Plan:
    """All that decides what a search finds, but for the number of trials, which may grow."""

    recipe: Recipe
    space: tuple[Dimension, ...]
    method: Method
    epochs: int
    """Of a trial; with `hyperband`, of the longest ones."""
    pictures: int | None
    """To learn from in a trial; None: as many as the recipe says."""
    seed: int

    def told(self) -> dict[str, Any]:
        """The plan as JSON, by which a folder is known to belong to it."""
        return {
            "recipe": digest(self.recipe),
            "space": [str(dimension) for dimension in self.space],
            **{name: value for name, value in asdict(self).items() if name not in ("recipe", "space")},
        }


@dataclass(frozen=True)
class Trial:
    """The values tried, and how they did on the validation pictures."""

    values: dict[str, Any]
    loss: float
    """Mean cross-entropy, in nats, without penalties: comparable whatever the recipe's own loss is."""
    accuracy: float


def claim(plan: Plan, folder: Path) -> None:
    """Note in the folder whose it is; raises SearchError where it belongs to another search."""
    folder.mkdir(parents=True, exist_ok=True)
    path, told = folder / _IDENTITY, plan.told()
    if not path.exists():
        # Several workers may begin at once: each writes the same, whole.
        files.replace(path, json.dumps(told, indent=2) + "\n")
        return
    noted = json.loads(path.read_text(encoding="utf-8"))
    if different := [name for name in told if noted.get(name) != told[name]]:
        raise SearchError(
            f"{folder} holds a search with another {', '.join(different)}; go on with the same, or begin anew with "
            "--restart or another --runs"
        )


def search(plan: Plan, trials: int, data: Callable[[], DataSet], folder: Path, tell: Callable[[Trial], None]) -> None:
    """Try values until there were so many trials, going on with what `folder` holds; `tell` hears of each.

    As KerasTuner's environment variables say, this process is its chief, who hands out trials, or one of its workers.
    Raises what a trial raises: the others would, too. KeyboardInterrupt passes through.
    """
    tuner = _tuner(plan, trials, data, folder, tell)
    # KerasTuner writes this after the first trial only, without which an interrupted first trial would be lost.
    tuner.save()
    try:
        tuner.search()
    except _Failed as failed:
        raise failed.error from failed


def found(plan: Plan, folder: Path) -> list[Trial]:
    """The trials that were finished, the best first."""
    trials = []
    for path in sorted(folder.glob("trial_*/trial.json")):
        noted = json.loads(path.read_text(encoding="utf-8"))
        if noted["status"] == "COMPLETED":
            values, metrics = noted["hyperparameters"]["values"], noted["metrics"]["metrics"]
            loss, accuracy = (metrics[name]["observations"][0]["value"][0] for name in (_LOSS, _ACCURACY))
            trials.append(Trial(_of_space(plan, values), loss, accuracy))
    return sorted(trials, key=lambda trial: trial.loss)


def _tuner(
    plan: Plan, trials: int, data: Callable[[], DataSet], folder: Path, tell: Callable[[Trial], None]
) -> "_Tuner":
    shared = {
        "objective": keras_tuner.Objective(_LOSS, "min"),
        "hyperparameters": _hyperparameters(plan.space),
        # KerasTuner takes 0 for none given.
        "seed": plan.seed + 1,
        "max_consecutive_failed_trials": trials,
    }
    oracles = keras_tuner.oracles
    if plan.method == "hyperband":
        oracle = oracles.HyperbandOracle(**shared, max_epochs=plan.epochs)
        oracle.max_trials = trials
    else:
        oracle = {
            "random": oracles.RandomSearchOracle,
            "bayesian": oracles.BayesianOptimizationOracle,
            "grid": oracles.GridSearchOracle,
        }[plan.method](**shared, max_trials=trials)
    oracle.verbose = 0
    return _Tuner(plan, data, tell, oracle=oracle, directory=str(folder.parent), project_name=folder.name)


class _Failed(keras_tuner.errors.FatalError):  # type: ignore[misc]
    """What KerasTuner lets pass; it keeps all other exceptions to itself."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class _Tuner(BaseTuner):  # type: ignore[misc]  # KerasTuner carries no types
    def __init__(self, plan: Plan, data: Callable[[], DataSet], tell: Callable[[Trial], None], **options: Any) -> None:
        self._plan = plan
        self._data = data
        self._tell = tell
        self._again = False
        super().__init__(**options)

    def pre_create_trial(self) -> None:
        if self._again:
            time.sleep(_WAIT)
        self._again = True

    def run_trial(self, trial: Any) -> dict[str, float]:
        self._again = False
        plan, values = self._plan, trial.hyperparameters.values
        recipe = applied(plan.recipe, _of_space(plan, values))
        folder = Path(self.get_trial_dir(trial.trial_id))
        try:
            fitted = fit(
                replace(recipe, pictures=plan.pictures or recipe.pictures),
                self._data(),
                folder,
                seed=plan.seed,
                epochs=values.get("tuner/epochs", plan.epochs),
                start="resume" if (folder / "state.npz").exists() else "new",
            )
        except Exception as error:
            raise _Failed(error) from error
        done = _judged(_of_space(plan, values), fitted)
        self._tell(done)
        return {_LOSS: done.loss, _ACCURACY: done.accuracy}


def _judged(values: dict[str, Any], fitted: Fitted) -> Trial:
    logits = fitted.model.predict(fitted.x_validation, batch_size=500, verbose=0)
    rows = np.arange(len(logits))
    return Trial(
        values,
        float(-log_softmax(logits, axis=1)[rows, fitted.y_validation].mean()),
        float((logits.argmax(axis=1) == fitted.y_validation).mean()),
    )


def _of_space(plan: Plan, values: dict[str, Any]) -> dict[str, Any]:
    """Without what Hyperband notes among the values for itself."""
    return {dimension.field: values[dimension.field] for dimension in plan.space}


def _hyperparameters(space: Sequence[Dimension]) -> keras_tuner.HyperParameters:
    found = keras_tuner.HyperParameters()
    for dimension in space:
        if isinstance(dimension, Choice):
            found.Choice(dimension.field, list(dimension.values))
        else:
            add = found.Int if dimension.whole else found.Float
            sampling = "log" if dimension.logarithmic else "linear"
            add(dimension.field, dimension.low, dimension.high, sampling=sampling)
    return found

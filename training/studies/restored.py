"""A checkpoint saved, and restored by name into a network that has changed since."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training import computed
from training.datasets import DataSet
from training.fit import optimizer
from training.models import build
from training.networks import Network
from training.progress import pace
from training.restore import Restored, restore
from training.studies import figures
from training.studies.full import CONV
from training.studies.learning import variant
from training.studies.measures import TEST, Difference, Value, difference
from training.studies.study import Findings, Material, Study
from training.studies.trained import Trained

_CHANGED = replace(CONV.network, dense=(96,))
_DIGITS = 500
_EPOCHS = 4
_SEEDS = 3

ABOUT = f"""A network trained on 55,000 digits is saved and read back, then restored by name into one whose dense
layer has {_CHANGED.dense[0]} units instead of {CONV.network.dense[0]}: layers of the same name and shape are taken
over, the others begin anew. Both it and a network that is all new learn from {_DIGITS} digits for {_EPOCHS} epochs."""


def saved_and_read(model: keras.Model, folder: Path) -> keras.Model:
    """The network, once written to a `.keras` file and read from it."""
    file = folder / "checkpoint.keras"
    model.save(file)
    return keras.models.load_model(file, compile=False)


def _learning(model: keras.Model, network: Network, data: DataSet, seed: int) -> list[float]:
    """Error on test digits in per cent: before learning from a few digits, then after each epoch of it."""
    recipe = variant("a few digits", network, batch_size=25, epochs=1)
    keras.utils.set_random_seed(seed)
    model.compile(optimizer(recipe, _DIGITS, _EPOCHS), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = [_error(model, data)]
    for _ in range(_EPOCHS):
        model.fit(data.x_train[:_DIGITS], data.y_train[:_DIGITS], batch_size=recipe.batch_size, verbose=0)
        found.append(_error(model, data))
    return found


def _error(model: keras.Model, data: DataSet) -> float:
    return 100 * float((computed.logits(model, data.x_test).argmax(axis=1) != data.y_test).mean())


def tell(same: bool, told: Restored, restored: NDArray[np.float64], new: NDArray[np.float64]) -> str:
    """A paragraph from whether the file gives the same logits, and the errors by seed and epoch, [seeds, epochs]."""
    file = "the same logits to the bit" if same else "other logits than it had"
    other = ", ".join(each.name for each in told.skipped) or "none"
    text = (
        f"Read back from its file, the network gives {file}. Restored by name into the changed one: "
        f"{', '.join(told.loaded)}; of another shape, so begun anew: {other}. "
    )
    values = _value(restored[:, -1]), _value(new[:, -1])
    found: Difference = difference(values[1], values[0])
    by = f"{TEST.apart(abs(found.by))} (95 % interval ± {found.half:.2f})"
    after = (
        f"After {restored.shape[1] - 1} epochs it misreads {values[0].text(TEST)}, one that is all new "
        f"{values[1].text(TEST)}: "
    )
    if not found.sure:
        return text + after + f"these runs cannot tell the two apart, they differ by {by}."
    return text + after + f"what was restored {'helps' if found.by > 0 else 'harms'}, by {by}."


def _value(errors: NDArray[np.float64]) -> Value:
    return Value(float(errors.mean()), float(errors.std(ddof=1) / np.sqrt(len(errors))), tuple(errors.tolist()))


def _find(material: Material) -> Findings:
    data = material.data
    restored, new = [], []
    for one in tqdm(material.trained[CONV], desc="learning on", unit="network", mininterval=pace()):
        again, same = _checkpoint(one, data)
        keras.utils.set_random_seed(one.seed)
        changed = build(_CHANGED, len(data.labels))
        new.append(_learning(keras.models.clone_model(changed), _CHANGED, data, one.seed))
        told = restore(changed, again)
        restored.append(_learning(changed, _CHANGED, data, one.seed))
    lines = {"restored": np.array(restored), "all new": np.array(new)}
    return Findings(
        figure=figures.by_epoch({label: list(rows) for label, rows in lines.items()}, TEST.name, " %", first=0),
        head=(TEST.name, "before", *(f"epoch {epoch}" for epoch in range(1, _EPOCHS + 1))),
        rows=tuple((label, *(_value(column).text(TEST) for column in rows.T)) for label, rows in lines.items()),
        text=tell(same, told, lines["restored"], lines["all new"]),
    )


def _checkpoint(one: Trained, data: DataSet) -> tuple[keras.Model, bool]:
    """The network from its checkpoint, and whether it gives the logits that it gave."""
    model = one.model()
    with TemporaryDirectory() as folder:
        again = saved_and_read(model, Path(folder))
    pictures = data.x_test[:1_000]
    return again, bool(np.array_equal(computed.logits(model, pictures), computed.logits(again, pictures)))


STUDY = Study("restored", ABOUT, _find, (CONV,), _SEEDS)

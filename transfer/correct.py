"""`--correct`: the next version of a model, which has learnt from corrections of its answers."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.bundle import KERAS, TYPICAL, Metadata, begin_after
from training import export
from training.batches import Material, epoch
from training.computed import logits
from training.datasets import DIGITS, DataSet, fractions, load
from training.export import ExportError
from training.own import Own
from training.recipes import named
from transfer import base as bases
from transfer import residual
from transfer.errors import TransferError
from transfer.progress import Progress

Pictures = NDArray[np.uint8]

FOLDS = 3
"""Parts of the corrections, each of which is read by what was fitted to the others."""
FORGETS = 0.001
"""Share of the test pictures that a corrected model may read less than before."""
_KNOWN = 5_000
"""Pictures of MNIST as it is, and as many as people would draw them, that keep a model of digits from forgetting."""


def run(own: Own, name: str, models: Path, seed: int, progress: Progress) -> int:
    """Write the next version of `name`; 0, or 1 where the corrections do not help, and nothing is written.

    Raises TransferError for what cannot be done.
    """
    begun = perf_counter()
    progress.at("loading the model", 0.35)
    bundle = bases.find(name, models)
    labels = bundle.labels
    if unknown := [label for label in own.data.labels if label not in labels]:
        raise TransferError(f"{name} has no class {unknown[0]!r}; corrections must be of: {', '.join(labels)}")
    numbers = np.array([labels.index(label) for label in own.data.labels])
    x, y = own.data.x_train, numbers[own.data.y_train]
    mnist = _mnist() if labels == DIGITS else None
    if mnist is None:
        progress.warn("the pictures that it was trained with are not here, so that it may forget some")
    progress.at("looking at what it knows", 0.4)
    known = _known(mnist, seed) if mnist else x[:0]
    before = bases.read_keras(bundle.path / KERAS)
    part = residual.parted(before, known if len(known) else x)
    lessons = residual.gathered(part, x, y, known, seed)
    progress.at("learning", 0.6)
    order = np.argsort(fractions(x, "folds"))
    read, reads = residual.held_back(lessons, [order[fold::FOLDS] for fold in range(min(FOLDS, len(x)))])
    words = f"of {len(x)} corrected drawings {read} were read before, and {reads} of them while they were held back"
    print(words)
    if reads <= read:
        return _nothing(f"{words}: they do not help with others; collect more", progress)
    model = residual.joined(part, residual.fit(lessons, np.arange(len(x))))
    progress.at("checking that nothing is forgotten", 0.75)
    figures: dict[str, Any] = {"part": "none", "pictures": 0}
    if mnist:
        temperature = bundle.metadata.temperature
        figures = export.figures(logits(model, mnist.x_test), mnist.y_test, temperature)
        known_before = export.figures(logits(before, mnist.x_test), mnist.y_test, temperature)
        said = f"MNIST's test digits: {known_before['accuracy']:.2%} before, {figures['accuracy']:.2%} now"
        print(said)
        words = f"{words}; {said}"
        if figures["accuracy"] < known_before["accuracy"] - FORGETS:
            return _nothing(f"{words}: it would forget too much", progress)
    progress.at("writing and checking the model", 0.85)
    facts = {"corrections": len(x), "corrected": f"{bundle.name}/{bundle.version}", "read_held_back": [read, reads]}
    metadata = replace(
        bundle.metadata,
        metrics=figures,
        training={**bundle.metadata.training, **facts, "parameters": model.count_params()},
        data_digest=_digest(bundle.metadata, own.data),
        weights_digest=export.weights_digest(model),
        software=export.software(),
        created=export.now(),
        files={},
    )
    # The shipped model's numbers go on.
    begin_after(models, name, bundle.version)
    looks = bundle.path / TYPICAL
    try:
        written = export.write(
            model,
            metadata,
            mnist.x_test if mnist else x,
            models,
            lambda final: _card(final, facts, words),
            looks.read_bytes() if looks.is_file() else b"",
        )
    except ExportError as error:
        raise TransferError(str(error)) from error
    print(f"{written.path}: in {perf_counter() - begun:.1f} s")
    progress.done(written.name, written.version, words)
    return 0


def _nothing(problem: str, progress: Progress) -> int:
    print(f"{problem}; no model was written")
    progress.failed(f"{problem}; no model was written")
    return 1


def _mnist() -> DataSet | None:
    """MNIST, where it lies on this machine: nothing is fetched for this."""
    folder = os.environ.get("INKLING_DATA")
    kept = Path(folder) if folder else Path.home() / ".keras" / "datasets"
    return load("mnist") if (kept / "mnist.npz").is_file() else None


def _known(mnist: DataSet, seed: int) -> Pictures:
    """Digits of MNIST's training part as they are, and others as `training` shows them: drawn anew, and no digits."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(mnist.x_train))[: 2 * _KNOWN]
    again = chosen[_KNOWN:]
    material = Material.traced(mnist.x_train[again], mnist.y_train[again], len(DIGITS))
    recipe = named("digits")
    drawn = [pictures for pictures, _ in epoch(recipe, material, recipe.last_distortion, rng)]
    return np.concatenate([mnist.x_train[chosen[:_KNOWN]], *drawn])


def _digest(metadata: Metadata, data: DataSet) -> str:
    return hashlib.sha256(f"{metadata.data_digest} {data.digest()}".encode()).hexdigest()


def _card(final: Metadata, facts: dict[str, Any], words: str) -> str:
    about = f"""Made of `{facts["corrected"]}` with {facts["corrections"]:,} corrections of its answers: {words}.

Temperature {final.temperature:.3f} and threshold {final.unsure_below:.4f} are those of the model that it is made of.
It is served in {export.served(final)}.
"""
    return export.whole_card(final, about)

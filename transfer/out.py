"""What was learned -> a bundle like any other, its card telling where it comes from."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from serving.bundle import Bundle, Metadata
from serving.typical import encoded
from training import export
from training.computed import Rows
from training.datasets import DataSet
from training.typical import typical
from transfer.base import Base
from transfer.learn import Learned


def write(
    learned: Learned, tested: Rows | None, base: Base, data: DataSet, models: Path, name: str, facts: dict[str, Any]
) -> Bundle:
    """Write the network as the next version of `models/<name>`; `facts` are kept in its metadata.

    `tested` float32[N,C] are its logits for the test pictures, if there are any.

    Figures come from the test pictures or, where there are none, from the validation pictures of the trial that was
    chosen. Raises ExportError where the written files compute something else than the model in memory.
    """
    temperature = learned.calibration.temperature
    trial = learned.trial
    metrics: dict[str, Any] = {"part": "none", "pictures": 0}
    if tested is not None:
        metrics = {"part": "test", **export.figures(tested, data.y_test, temperature)}
    elif trial:
        read = trial.accuracy
        metrics = {
            "part": "validation",
            "pictures": read.total,
            "accuracy": read.value,
            "accuracy_interval": [read.low, read.high],
            "accuracy_text": str(read),
        }
    metadata = Metadata(
        name=name,
        labels=data.labels,
        recipe=f"transfer from {base.name}",
        symbols="one",
        temperature=temperature,
        unsure_below=learned.calibration.unsure_below,
        metrics=metrics,
        training={
            "base": base.name,
            "base_weights": base.digest(base.cuts[-1]),
            "strategy": asdict(learned.strategy),
            "trials": [
                {
                    "strategy": str(each.strategy),
                    "layers_frozen": each.frozen,
                    "trainable": each.parameters,
                    "accuracy": each.accuracy.value,
                    "accuracy_interval": [each.accuracy.low, each.accuracy.high],
                    "pictures": each.accuracy.total,
                    "loss": float(each.losses.mean()),
                    "seconds": round(each.seconds, 2),
                    "chosen": each is learned.trial,
                }
                for each in learned.trials
            ],
            "pictures": len(data.x_train),
            "machine": export.machine(),
            "parameters": learned.model.count_params(),
            **facts,
        },
        data_digest=data.digest(),
        weights_digest=export.weights_digest(learned.model),
        software=export.software(),
        created=export.now(),
        files={},
    )
    shown = data.x_test if len(data.x_test) else data.x_train
    looks = encoded(typical(learned.model, data.x_train, data.y_train, len(data.labels)))
    return export.write(learned.model, metadata, shown, models, lambda final: card(final, learned, data), looks)


def card(metadata: Metadata, learned: Learned, data: DataSet) -> str:
    """The model card, for people."""
    found, training = metadata.metrics, metadata.training
    measured = (
        f"{found['accuracy_text']} of {found['pictures']:,} {found['part']} pictures"
        if found["pictures"]
        else "not known: one picture a class leaves none to measure with"
    )
    rows = "\n".join(
        f"| {each.strategy}{' **(chosen)**' if each is learned.trial else ''} | {each.frozen} | {each.parameters:,} "
        f"| {each.accuracy} | {each.losses.mean():.3f} | {each.seconds:.1f} |"
        for each in learned.trials
    )
    tried = (
        f"""
## What was tried

Validation pictures: {learned.trials[0].accuracy.total:,} of the {len(data.x_train):,}, the same for all. The simplest
strategy whose loss (-ln of the true class's probability) is within one standard error of the best one's was chosen, and
fitted to all of them.

| strategy | layers frozen | trainable | validation accuracy | loss | seconds |
|---|---|---|---|---|---|
{rows}
"""
        if learned.trials
        else ""
    )
    about = f"""| | |
|---|---|
| accuracy | {measured} |
| made from | base `{training["base"]}` (weights {training["base_weights"][:16]}), strategy {learned.strategy} |
| pictures | {len(data.x_train):,} of `{data.name}` (digest {metadata.data_digest[:16]}) |
| parameters | {training["parameters"]:,} |
| temperature | {metadata.temperature:.3f} |
| unsure below | {metadata.unsure_below:.4f} |
| served in | {export.served(metadata)} |
{tried}"""
    return export.whole_card(metadata, about)

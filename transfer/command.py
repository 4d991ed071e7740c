"""What the command does, once its data are read."""

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from serving import engines
from serving.config import TFSERVING
from serving.engines import OpenVINOEngine
from serving.errors import InklingError
from serving.repository import is_name
from training import metrics
from training.computed import Rows, logits
from training.datasets import DataSet
from training.export import ExportError
from training.own import Own
from transfer import base as bases
from transfer import ladder, out
from transfer.bottleneck import DEFAULT_LIMIT, Cache, CacheError, EngineExtractor, default_folder
from transfer.distribute import workers
from transfer.errors import TransferError
from transfer.finetune import Learner, default_copies
from transfer.learn import Learned, alike_in_words, learn, no_better_than_chance
from transfer.progress import Progress


@dataclass(frozen=True)
class Options:
    """What a person chose; None leaves the choice to what suits the data."""

    base: str
    name: str | None
    models: Path
    strategy: str = "auto"
    freeze: str | None = None
    unfreeze: int | None = None
    drop: int | None = None
    copies: int | None = None
    min_accuracy: float = 0.0
    cache_limit: float | None = None
    """GiB."""
    seed: int = 0
    report: Path | None = None
    engine: str | None = None
    """What computes the embeddings of the base, a bundle, in place of TensorFlow here."""
    tfserving: str = TFSERVING


def run(own: Own, options: Options, progress: Progress) -> int:
    """Learn, say what was seen, write the bundle; 0, or 1 where it reads too little for a bundle to be written.

    Of several machines that learn together, the first writes.

    Raises TransferError for what cannot be done.
    """
    begun = perf_counter()
    data = own.data
    name = options.name or data.name
    if not is_name(name):
        raise TransferError(f"{name!r} is no name of a model; give one of letters, digits, '.', '_' and '-' by --name")
    _check(options)
    progress.at("loading the base", 0.35)
    # Machines can be joined only before TensorFlow computes anything.
    together = workers()
    base = bases.load(options.base, options.models)
    counts = np.bincount(data.y_train, minlength=len(data.labels))
    copies = default_copies(len(data.x_train)) if options.copies is None else options.copies
    limit = DEFAULT_LIMIT if options.cache_limit is None else round(options.cache_limit * 2**30)
    cache = Cache(default_folder(), limit)
    try:
        learner = Learner(
            base,
            data.x_train,
            data.y_train,
            len(data.labels),
            cache,
            copies=copies,
            seed=options.seed,
            together=together,
            embedder=_embedder(options),
        )
        learned = learn(learner, _wanted(options, learner, int(counts.min())), progress.at)
        if learned.trials:
            print(learned.table())
        for warning in alike_in_words(learned.alike, data.labels):
            print(f"inkling-transfer: {warning}", file=sys.stderr)
            progress.warn(warning)
        tested = logits(learned.model, data.x_test) if len(data.x_test) else None
        if problem := _too_little(learned, tested, data, options.min_accuracy):
            print(f"inkling-transfer: {problem}; no model was written", file=sys.stderr)
            progress.failed(f"{problem}; no model was written")
            return 1
        if not together.chief:
            return 0
        print(learner.restored or "nothing was taken over from the base", file=sys.stderr)
        progress.at("writing and checking the model", 0.8)
        facts = {"seed": options.seed, "copies": copies, "seconds": round(perf_counter() - begun, 1)}
        bundle = out.write(learned, tested, base, data, options.models, name, facts)
    except (CacheError, ExportError, InklingError) as error:
        raise TransferError(str(error)) from error
    read = bundle.metadata.metrics
    measured = f"{read['accuracy_text']} of the {read['part']} part read" if read["pictures"] else "not measured"
    print(f"{bundle.path}: {measured}, in {perf_counter() - begun:.1f} s")
    progress.done(bundle.name, bundle.version, measured)
    if options.report:
        # Its libraries take a second to import.
        from transfer import report

        validation = learner.validation if learned.trials else np.arange(len(data.x_train))
        print(f"report: {report.write(learned, bundle, data, validation, options.report)}")
    return 0


def _check(options: Options) -> None:
    if options.copies is not None and not 0 <= options.copies <= 1000:
        raise TransferError(f"{options.copies} copies cannot be made; give 0 to 1000")
    if options.cache_limit is not None and options.cache_limit < 0:
        raise TransferError(f"a cache cannot hold {options.cache_limit:g} GiB; give 0 or more")
    if options.strategy == "auto" and not (options.freeze, options.unfreeze, options.drop) == (None, None, None):
        raise TransferError("--freeze, --unfreeze and --drop say more of one strategy: name it, --strategy linear")
    if options.engine and options.strategy != "auto":
        raise TransferError("--engine computes embeddings, on which heads are compared: leave --strategy out")
    if options.freeze is not None and options.unfreeze is not None:
        raise TransferError("--freeze and --unfreeze say the same in two ways; give one of them")


def _embedder(options: Options) -> EngineExtractor | None:
    if options.engine is None:
        return None
    bundle = bases.find(options.base, options.models)
    # Cached outputs of all engines are the same only in full precision.
    if options.engine == "openvino":
        return EngineExtractor(OpenVINOEngine(bundle.path, "f32"), bundle)
    return EngineExtractor(engines.load(options.engine, bundle.path, options.tfserving), bundle)


def _wanted(options: Options, learner: Learner, fewest: int) -> list[ladder.Strategy]:
    if options.engine:
        return ladder.on_embedding(learner.base, fewest)
    if options.strategy == "auto":
        return ladder.plan(learner.base, fewest)
    chosen = ladder.named(
        options.strategy,
        learner.base,
        freeze=options.freeze,
        unfreeze=options.unfreeze,
        drop=options.drop,
    )
    return [chosen]


def _too_little(learned: Learned, tested: Rows | None, data: DataSet, wanted: float) -> str | None:
    """Why the network is not worth a bundle, if it is not; `tested` are its logits for the test pictures."""
    if tested is not None:
        read, part = metrics.accuracy(tested, data.y_test), "test"
    elif learned.trial:
        read, part = learned.trial.accuracy, "validation"
    else:
        return None
    if no_better_than_chance(read, np.bincount(data.y_train)):
        return (
            f"{read} of {read.total} {part} pictures read is no better than always answering one class; "
            "are the labels right, and do the classes look different?"
        )
    if read.value < wanted:
        return f"{read} of the {part} pictures read is less than the {wanted:.2%} that --min-accuracy asks for"
    return None

"""`python -m transfer DATA --name NAME`: a new symbol set from a few pictures, on a trained base."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from serving.config import TFSERVING, address
from serving.engines import LIBRARIES
from transfer.progress import Progress
from transfer.starting import prepare

STANDBY = "--standby"
"""The only argument of a process that waits for those of its run."""


def main() -> None:
    """Read the arguments, learn, write the bundle; 1 is the exit code of what reads no better than chance."""
    # TensorFlow reports the absence of a graphics card at length, and reads this before its import only.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        prog="inkling-transfer",
        description="Learn a new set of symbols from pictures, on the lower layers of a trained network.",
    )
    parser.add_argument(
        "data", type=Path, help="a folder with one folder of pictures a class, an .npz, a .csv, or MNIST's IDX files"
    )
    parser.add_argument("--name", help="name of the new model (default: the data's)")
    parser.add_argument(
        "--base",
        default="digits+symbols",
        help="a bundle (digits, digits/3), a .keras file, keras:NAME of Keras Applications, or several of these side "
        "by side (default: digits+symbols)",
    )
    parser.add_argument("--test", type=Path, help="pictures to test on (default: a fifth of the data)")
    parser.add_argument("--held-out", type=float, default=0.2, metavar="SHARE", help="to test on (default: 0.2)")
    parser.add_argument(
        "--strategy", default="auto", help="auto, means, linear, hidden, top1, top2, all or scratch (default: auto)"
    )
    parser.add_argument("--freeze", metavar="LAYER", help="train all layers above this one")
    parser.add_argument("--unfreeze", type=int, metavar="N", help="train the base's top N blocks")
    parser.add_argument("--drop", type=int, metavar="N", help="leave the base's top N blocks out")
    parser.add_argument("--copies", type=int, metavar="K", help="distorted copies of each picture (default: up to 24)")
    parser.add_argument(
        "--correct",
        action="store_true",
        help="DATA are corrections of the answers of the model --name: write its next version, which learnt from them",
    )
    parser.add_argument("--min-accuracy", type=float, default=0.0, metavar="SHARE", help="write no worse bundle")
    parser.add_argument("--cache-limit", type=float, metavar="GIB", help="size of the cache of outputs (default: 5)")
    parser.add_argument(
        "--engine",
        choices=LIBRARIES,
        help="let this compute the base's embeddings, as one bundle offers them",
    )
    parser.add_argument(
        "--tfserving", type=address, default=TFSERVING, metavar="HOST:PORT", help="where --engine tfserving asks"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--progress",
        metavar="FILE",
        help="append a line of JSON for each step, and one for the end; - is stdout",
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=Path(os.environ.get("INKLING_MODELS", "models")),
        help="folder for the bundle, and of bases (default: $INKLING_MODELS, else ./models)",
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="folder for a report with pictures (default: none is made)"
    )
    # Whoever stops it politely is to find nothing half-written either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = parser.parse_args(_awaited() if sys.argv[1:] == [STANDBY] else None)
    with _progress_file(arguments.progress) as file:
        code = _run(arguments, Progress(file))
    sys.exit(code)


@contextmanager
def _progress_file(name: str | None) -> Iterator[TextIO | None]:
    if name in (None, "-"):
        yield sys.stdout if name else None
        return
    with Path(str(name)).open("a", encoding="utf-8") as file:
        yield file


def _awaited() -> list[str]:
    """Get everything ready, then wait for the arguments: a line of JSON on stdin, a list of texts; none is the end.

    Half of the time that a few drawings take goes into importing TensorFlow.
    """
    prepare()
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    arguments: list[str] = json.loads(line)
    return arguments


def _run(arguments: argparse.Namespace, progress: Progress) -> int:
    from training.datasets import DatasetError
    from training.own import own
    from transfer.errors import TransferError

    try:
        progress.at("reading the pictures", 0.0)
        # Before TensorFlow is imported: a mistyped path is told at once.
        found = own(arguments.data, test=arguments.test, held_out=0 if arguments.correct else arguments.held_out)
        for warning in found.warnings:
            print(f"inkling-transfer: {warning}", file=sys.stderr)
            progress.warn(warning)
        progress.at("starting TensorFlow", 0.05)
        prepare()
        if arguments.correct:
            from transfer import correct

            return correct.run(found, arguments.name or "digits", arguments.models, arguments.seed, progress)
        from transfer.command import Options, run

        options = Options(**{name: value for name, value in vars(arguments).items() if name in Options.__annotations__})
        return run(found, options, progress)
    except KeyboardInterrupt:
        progress.failed("interrupted; no model was written")
        print("\nInterrupted; no model was written. Outputs of frozen layers are kept.", file=sys.stderr)
        return 130
    except (DatasetError, TransferError) as error:
        progress.failed(str(error))
        print(f"inkling-transfer: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        problem = f"the model cannot be written: {error.strerror}"
        progress.failed(problem)
        print(f"inkling-transfer: {problem} ({error.filename})", file=sys.stderr)
        return 2


if __name__ == "__main__":
    main()

"""`python -m training RECIPE`: train a recipe and write it as a bundle; `pairs`: pre-train a base for transfer."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

# Keras is imported where something is trained: it takes seconds.
from training import recipe_file, recipes
from training.recipes.classic import CLASSIC
from training.recipes.pairs import PAIRS


def main() -> None:
    """Read the arguments, train, export; 130 is the exit code after Ctrl-C."""
    # TensorFlow reports the absence of a graphics card at length, and reads this before its import only.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(prog="inkling-train", description="Train a recipe and write it as a model bundle.")
    parser.add_argument("recipe", nargs="?", help="name of a recipe, or its .json file, or pairs; --list shows them")
    parser.add_argument("--list", action="store_true", help="show the recipes, what they claim and what was measured")
    parser.add_argument(
        "--models",
        type=Path,
        default=Path(os.environ.get("INKLING_MODELS", "models")),
        help="folder for the bundle (default: $INKLING_MODELS, else ./models)",
    )
    parser.add_argument("--name", help="name of the model (default: the recipe's)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for logs and checkpoints")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--members",
        type=int,
        help="networks in one bundle, whose logits are averaged (default: the recipe's, mostly 1)",
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--resume", dest="start", action="store_const", const="resume", help="go on with an interrupted run"
    )
    start.add_argument(
        "--restart", dest="start", action="store_const", const="restart", help="throw an interrupted run away"
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16"),
        help="default: mixed_bfloat16 where the processor has it, which is faster at equal accuracy",
    )
    parser.add_argument("--board", action="store_true", help="show the run as it goes on: TensorBoard beside it")
    parser.add_argument("--deterministic", action="store_true", help="repeatable to the bit, slower")
    arguments = parser.parse_args()
    if arguments.list:
        sys.exit(_list())
    if arguments.members is not None and arguments.members < 1:
        parser.error("--members must be 1 or more")
    if not arguments.recipe:
        parser.error(f"name a recipe: {', '.join((*recipes.RECIPES, *CLASSIC))}; or {PAIRS.name}")
    if arguments.recipe == PAIRS.name and (arguments.name or arguments.members or arguments.deterministic):
        parser.error("pairs gives no bundle but a base in --runs: --name, --members and --deterministic do not apply")
    if arguments.recipe in CLASSIC and (arguments.name or arguments.members or arguments.epochs):
        parser.error(
            f"{arguments.recipe} is no network and gives no bundle: --name, --members and --epochs do not apply"
        )
    try:
        recipe = None if arguments.recipe in (PAIRS.name, *CLASSIC) else recipe_file.named(arguments.recipe)
    except recipes.RecipeError as error:
        print(f"inkling-train: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(_train(arguments, recipe))


def _list() -> int:
    from training.book.listing import lines
    from training.book.results import ResultsError

    try:
        print("\n".join(lines()))
    except ResultsError as error:
        print(f"inkling-train: {error}", file=sys.stderr)
        return 2
    print(f"{PAIRS.name}\n    " + PAIRS.about.strip().replace("\n", "\n    "))
    return 0


def _train(arguments: argparse.Namespace, recipe: recipes.Recipe | None) -> int:
    from serving.errors import InklingError
    from training import board, datasets
    from training.book.measure import of_fitted
    from training.book.results import ResultsError, add
    from training.ensemble import combine, fit_members
    from training.export import ExportError, export
    from training.fit import FitError

    folder = arguments.runs / (recipe.name if recipe else arguments.recipe)
    try:
        if arguments.board:
            print(f"TensorBoard, while this runs: {board.launch(arguments.runs)}", flush=True)
        if not recipe:
            return (_pretrain if arguments.recipe == PAIRS.name else _classic)(arguments, folder)
        if arguments.members:
            recipe = replace(recipe, members=arguments.members)
        data = datasets.load(recipe.dataset)
        members = fit_members(
            recipe,
            data,
            folder,
            seed=arguments.seed,
            epochs=arguments.epochs,
            start=arguments.start or "new",
            precision=arguments.precision,
            deterministic=arguments.deterministic,
        )
        bundle = export(combine(recipe, members), data, arguments.models, arguments.name or recipe.name)
        print(f"{bundle.path}: {bundle.metadata.metrics['accuracy_text']} of the test part read")
        # Results in the book are those of its own recipes, as they are.
        if recipe == recipes.RECIPES.get(recipe.name) and not arguments.epochs:
            print(f"The result is in {add(of_fitted(recipe, members, data, arguments.seed))}")
    except KeyboardInterrupt:
        print(
            f"\nInterrupted; whole epochs are kept in {folder}. Go on with the same command and --resume.",
            file=sys.stderr,
        )
        return 130
    except (board.BoardError, datasets.DatasetError, FitError, ExportError, ResultsError, InklingError) as error:
        print(f"inkling-train: {error}", file=sys.stderr)
        return 2
    return 0


def _classic(arguments: argparse.Namespace, folder: Path) -> int:
    from training.book.measure import of_classic
    from training.book.results import add
    from training.classic import run
    from training.metrics import share

    entry = CLASSIC[arguments.recipe]
    found = run(entry, folder, arguments.seed)
    kept = add(of_classic(entry, found, arguments.seed))
    print(f"{found.right:,} of {found.tested:,} read, {share(found.right, found.tested)}; {found.picture}")
    print(f"The result is in {kept}. There is no bundle: the server runs networks, and {entry.name} is none.")
    return 0


def _pretrain(arguments: argparse.Namespace, folder: Path) -> int:
    from training import datasets, pairs

    trained = pairs.pretrain(
        PAIRS,
        datasets.load(PAIRS.dataset),
        folder,
        seed=arguments.seed,
        epochs=arguments.epochs,
        start=arguments.start or "new",
        precision=arguments.precision,
    )
    print(f"{folder / pairs.TRUNK}: {trained.accuracy} of the test part's pairs judged rightly")
    return 0


if __name__ == "__main__":
    main()

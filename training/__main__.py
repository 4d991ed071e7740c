"""`python -m training RECIPE`: train a recipe and write it as a bundle; `pairs`: pre-train a base for transfer."""

import argparse
import os
import sys
from pathlib import Path

_PAIRS = "pairs"


def main() -> None:
    """Read the arguments, train, export; 130 is the exit code after Ctrl-C."""
    # TensorFlow reports the absence of a graphics card at length, and reads this before its import only.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from training import recipes

    parser = argparse.ArgumentParser(prog="inkling-train", description="Train a recipe and write it as a model bundle.")
    parser.add_argument("recipe", nargs="?", help="name of a recipe, or pairs; --list shows them")
    parser.add_argument("--list", action="store_true", help="show the recipes and stop")
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
        default=1,
        help="networks in one bundle, of seeds SEED, SEED+1 ...; their logits are averaged",
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
    parser.add_argument("--deterministic", action="store_true", help="repeatable to the bit, slower")
    arguments = parser.parse_args()
    if arguments.list:
        from training.pairs import PAIRS

        for recipe in (*recipes.RECIPES.values(), PAIRS):
            print(f"{recipe.name}\n    " + recipe.about.strip().replace("\n", "\n    "))
        return
    if arguments.members < 1:
        parser.error("--members must be 1 or more")
    if not arguments.recipe:
        parser.error(f"name a recipe: {', '.join(recipes.RECIPES)}; or pairs")
    if arguments.recipe == _PAIRS and (arguments.name or arguments.members > 1 or arguments.deterministic):
        parser.error("pairs gives no bundle but a base in --runs: --name, --members and --deterministic do not apply")
    sys.exit(_train(arguments))


def _train(arguments: argparse.Namespace) -> int:
    from serving.errors import InklingError
    from training import datasets, recipes
    from training.ensemble import combine
    from training.export import ExportError, export
    from training.fit import FitError, fit

    folder = arguments.runs / arguments.recipe
    try:
        if arguments.recipe == _PAIRS:
            return _pretrain(arguments, folder)
        recipe = recipes.named(arguments.recipe)
        data = datasets.load(recipe.dataset)
        members = []
        for number in range(arguments.members):
            place = folder / f"member{number + 1}" if arguments.members > 1 else folder
            begun = arguments.start != "resume" or number == 0 or place.exists()
            members.append(
                fit(
                    recipe,
                    data,
                    place,
                    seed=arguments.seed + number,
                    epochs=arguments.epochs,
                    start=arguments.start if arguments.start and begun else "new",
                    precision=arguments.precision,
                    deterministic=arguments.deterministic,
                )
            )
        fitted = combine(members) if len(members) > 1 else members[0]
        bundle = export(fitted, data, arguments.models, arguments.name or recipe.name)
    except KeyboardInterrupt:
        print(
            f"\nInterrupted; whole epochs are kept in {folder}. Go on with the same command and --resume.",
            file=sys.stderr,
        )
        return 130
    except (recipes.RecipeError, datasets.DatasetError, FitError, ExportError, InklingError) as error:
        print(f"inkling-train: {error}", file=sys.stderr)
        return 2
    print(f"{bundle.path}: {bundle.metadata.metrics['accuracy_text']} of the test part read")
    return 0


def _pretrain(arguments: argparse.Namespace, folder: Path) -> int:
    from training import datasets, pairs

    trained = pairs.pretrain(
        pairs.PAIRS,
        datasets.load(pairs.PAIRS.dataset),
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

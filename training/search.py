"""`python -m training.search RECIPE`: search a recipe's hyperparameters; write the best as a recipe to train.

On several machines, or in several processes, KerasTuner's own variables say who is who: all run the same command in
the same folder with KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT of the one whose KERASTUNER_TUNER_ID is `chief`,
who trains nothing, hands out trials and writes the recipe.
"""

import argparse
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from training.recipes import Recipe
    from training.tuning import Plan, Trial

_SHOWN = 5


def main() -> None:
    """Read the arguments, search, write the recipe; 130 is the exit code after Ctrl-C."""
    # TensorFlow reports the absence of a graphics card at length, and reads this before its import only.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        from training.tuning import Method
    except ImportError as error:
        if error.name != "keras_tuner":
            raise
        sys.exit("training.search: KerasTuner is missing: pip install 'inkling[train]', or pip install keras-tuner")
    parser = argparse.ArgumentParser(
        prog="python -m training.search",
        description="Search a recipe's hyperparameters, judged on validation pictures.",
    )
    parser.add_argument("recipe", help="name of a recipe, or a recipe's .json file")
    parser.add_argument("--trials", type=int, default=20, help="at most so many (default: 20)")
    parser.add_argument("--method", choices=get_args(Method), default="random", help="(default: random)")
    parser.add_argument(
        "--tune",
        action="append",
        metavar="FIELD=WHAT",
        help="search over this field: peak_rate=0.0003..0.03, batch_size=32,64,128, network.dropout=0..0.5; may be "
        "repeated (default: rate, batch, dropout and weight decay around the recipe's own)",
    )
    parser.add_argument("--epochs", type=int, help="of a trial; with hyperband, of the longest (default: the recipe's)")
    parser.add_argument("--pictures", type=int, help="to learn from in a trial (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for the search, which goes on there")
    parser.add_argument("--restart", action="store_true", help="throw away what an earlier search has found")
    arguments = parser.parse_args()
    for name in ("trials", "epochs", "pictures"):
        if (number := getattr(arguments, name)) is not None and number < 1:
            parser.error(f"--{name} must be 1 or more")
    sys.exit(_search(arguments))


def _search(arguments: argparse.Namespace) -> int:
    from training import datasets, recipe_file, recipes
    from training.fit import FitError
    from training.space import parse, usual
    from training.tuning import Plan, SearchError, claim, found, search

    try:
        is_worker = _role() == "worker"
        recipe = recipe_file.named(arguments.recipe)
        space = tuple(parse(text, recipe) for text in arguments.tune or ()) or usual(recipe)
        epochs = arguments.epochs or recipe.epochs
        plan = Plan(recipe, space, arguments.method, epochs, arguments.pictures, arguments.seed)
        folder = arguments.runs / "search" / f"{recipe.name}-{arguments.method}"
        if arguments.restart and not is_worker:
            shutil.rmtree(folder, ignore_errors=True)
        claim(plan, folder)
        print(f"{', '.join(map(str, space))}; {epochs} epochs each; in {folder}", flush=True)
        data = datasets.load(recipe.dataset)
        search(plan, arguments.trials, lambda: data, folder, lambda trial: print(_line(trial), flush=True))
        if is_worker:
            return 0
        trials = found(plan, folder)
        if not trials:
            raise SearchError(f"no trial in {folder} was finished")
        path = folder / "recipe.json"
        recipe_file.write(_best(plan, trials), path)
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on where it was.", file=sys.stderr)
        return 130
    except (recipes.RecipeError, datasets.DatasetError, FitError, SearchError) as error:
        print(f"training.search: {error}", file=sys.stderr)
        return 2
    print(f"\nThe best of {len(trials)} trials, by the validation pictures' loss:")
    print("\n".join(map(_line, trials[:_SHOWN])))
    print(f"\nTrain it as it should be, on all pictures: python -m training {path}")
    return 0


def _role() -> str:
    """`alone`, `chief` or `worker`, as KerasTuner's variables say; raises SearchError where some are missing."""
    from training.tuning import SearchError

    names = [f"KERASTUNER_{name}" for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID")]
    missing = [name for name in names if not os.environ.get(name)]
    if "KERASTUNER_ORACLE_IP" in missing:
        return "alone"
    if missing:
        raise SearchError(f"KERASTUNER_ORACLE_IP is set, so {' and '.join(missing)} should be, too")
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def _best(plan: "Plan", trials: "list[Trial]") -> "Recipe":
    from training.space import applied

    best = trials[0]
    changed = ", ".join(f"{name} {_short(value)}" for name, value in best.values.items())
    learnt = f"{plan.pictures:,} pictures" if plan.pictures else "all pictures"
    return replace(
        applied(plan.recipe, best.values),
        name=f"{plan.recipe.name}-{plan.method}",
        claim=None,
        about=f"{plan.recipe.name} with {changed}: the best of {len(trials)} trials of {plan.method} search, "
        f"{plan.epochs} epochs of {learnt} each, by the loss of {plan.recipe.validation:,} pictures held out "
        f"({best.loss:.4f}; {best.accuracy:.2%} read).",
    )


def _line(trial: "Trial") -> str:
    values = ", ".join(f"{name} {_short(value)}" for name, value in trial.values.items())
    return f"validation loss {trial.loss:.4f}, {trial.accuracy:.2%} read: {values}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()

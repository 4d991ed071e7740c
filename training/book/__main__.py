"""`python -m training.book`: measure what has no result yet, the cheapest first, and write the book's pages."""

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    """Read the arguments, measure, write; 130 is the exit code after Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        prog="python -m training.book",
        description="Train the recipes that have no result yet, the cheapest first, and write the book's pages.",
    )
    parser.add_argument("--seeds", type=int, default=1, help="results wanted for each recipe, of seeds 0, 1 ... (1)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these recipes; default: all that take minutes")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list-missing", action="store_true", help="show what has no result yet, and stop")
    what.add_argument("--page", action="store_true", help="write the pages only")
    parser.add_argument("--runs", type=Path, default=Path("runs/book"), help="folder for the page and interrupted runs")
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        parser.error("--seeds must be 1 or more")
    sys.exit(_book(arguments))


def _book(arguments: argparse.Namespace) -> int:
    from training.book import make
    from training.book.results import ResultsError
    from training.book.studies import StudyError
    from training.datasets import DatasetError
    from training.recipes import RecipeError

    try:
        wanted = make.wanted(arguments.only)
        if arguments.list_missing:
            make.tell(make.missing(wanted, arguments.seeds))
            return 0
        if not arguments.page:
            make.measure_all(make.missing(wanted, arguments.seeds), arguments.runs)
        print("\n".join(map(str, make.write(arguments.runs))))
    except KeyboardInterrupt:
        print("\nInterrupted; what is done is kept. The same command goes on.", file=sys.stderr)
        return 130
    except (RecipeError, DatasetError, ResultsError, StudyError, OSError) as error:
        print(f"book: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    main()

"""`python -m training.studies NAME`: train what is compared, and write a figure, a table and a paragraph."""

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    """Read the arguments, make the studies; 130 is the exit code after Ctrl-C."""
    # TensorFlow reports the absence of a graphics card at length, and reads this before its import only.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(
        prog="python -m training.studies",
        description="Make a study: a figure, a table, a paragraph saying what is seen.",
    )
    parser.add_argument("study", nargs="*", help="names of studies; --list shows them")
    parser.add_argument("--all", action="store_true", help="every study")
    parser.add_argument("--list", action="store_true", help="show the studies and stop")
    parser.add_argument("--keep", action="store_true", help="copy what was made into the book; nothing is made anew")
    parser.add_argument("--quick", action="store_true", help="see that it runs: few digits, two epochs, figures void")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for results and trained networks")
    arguments = parser.parse_args()
    from training.studies.catalogue import STUDIES

    if arguments.list:
        for study in STUDIES.values():
            print(f"{study.name}\n    " + study.about.strip().replace("\n", "\n    "))
        return
    if arguments.all:
        arguments.study = list(STUDIES)
    if not arguments.study:
        parser.error(f"name a study: {', '.join(STUDIES)}; or --all")
    if arguments.keep and arguments.quick:
        parser.error("--quick measures nothing that would be worth keeping")
    sys.exit(_make(arguments))


def _make(arguments: argparse.Namespace) -> int:
    from training.datasets import DatasetError
    from training.studies.catalogue import named
    from training.studies.study import StudyError, keep, make

    try:
        for study in [named(name) for name in arguments.study]:
            if arguments.keep:
                print(keep(study, arguments.runs))
            else:
                folder = make(study, arguments.runs, quick=arguments.quick)
                print(f"{folder}\n{(folder / 'text.txt').read_text(encoding='utf-8')}")
    except KeyboardInterrupt:
        print("\nInterrupted; networks that are trained are kept: the same command goes on.", file=sys.stderr)
        return 130
    except (StudyError, DatasetError) as error:
        print(f"python -m training.studies: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    main()

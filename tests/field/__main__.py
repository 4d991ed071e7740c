"""`python -m tests.field`: read what people draw and photograph, print tables, write a page of what went wrong."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from serving import engines
from serving.errors import InklingError
from serving.recognizer import Recognizer
from tests.bench.report import cores, machine, table
from tests.field import page, runner, timing
from tests.field.drawn import MissingDataError
from tests.field.tables import Table, tables
from tests.field.ways import WAYS
from training.evaluate import EvaluationError, find


def main() -> None:
    """Read the arguments and measure; exit code 1 where a picture got no answer, 2 where nothing can be measured."""
    parser = argparse.ArgumentParser(prog="make field", description=__doc__)
    parser.add_argument("bundle", nargs="?", default="digits", help="a path or a name (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one picture in ten")
    parser.add_argument("--only", nargs="+", metavar="WAY", help=f"only these: {', '.join(WAYS)}")
    parser.add_argument("--symbols", choices=("auto", "one", "many"), default="auto", help="as the server's own option")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes (default here: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("reports/field"), help="the page's folder (default: %(default)s)"
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=Path(os.environ.get("INKLING_MODELS", "models")),
        help="where names are looked for (default: $INKLING_MODELS, else ./models)",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.only or ()) - set(WAYS):
        parser.error(f"no way of input {', '.join(map(repr, sorted(unknown)))}; known are: {', '.join(WAYS)}")
    if arguments.jobs < 1:
        parser.error("--jobs must be a whole number from 1 on")
    try:
        answered = measure(arguments.bundle, arguments.models, arguments.only or tuple(WAYS), arguments)
    except KeyboardInterrupt:
        print("\nInterrupted; no page was written.", file=sys.stderr)
        sys.exit(130)
    except (InklingError, EvaluationError, MissingDataError, OSError) as error:
        print(f"make field: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(not answered)


def measure(name: str, models: Path, only: Sequence[str], arguments: argparse.Namespace) -> bool:
    """Run the benchmark, print its tables, write its page; whether every picture got an answer."""
    bundle = find(name, models)
    many = (bundle.metadata.symbols if arguments.symbols == "auto" else arguments.symbols) == "many"
    seconds = 0.2 if arguments.quick else 1.0
    plan = {way: chosen for way, chosen in runner.numbers(arguments.quick).items() if way in only}
    started = perf_counter()
    outcomes = runner.run(bundle.path, many, plan, arguments.jobs)
    took = perf_counter() - started
    print(f"{bundle.name}, version {bundle.version}: {len(outcomes):,} pictures in {took:.0f} s; {machine()}.")
    made = tables(outcomes)
    if len(only) == len(WAYS):
        recognizer = Recognizer(bundle, engines.load("openvino", bundle.path))
        made.append(Table("Time on one core", timing.HEADS, timing.rows(recognizer, many, seconds)))
    for each in made:
        table(each.title, each.heads, each.rows, each.note)
    faults = [each for each in outcomes if each.fault]
    for each in faults:
        print(f"\nFAILED: {each.way!r}, number {each.number}: {each.fault}")
    print(f"\npage: {page.write(page.Run(bundle, machine(), outcomes, made), arguments.out)}")
    return not faults


if __name__ == "__main__":
    main()

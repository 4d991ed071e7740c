"""`python -m serving.feedback`: take corrections out of their file, or remove one."""

import argparse
import sys
from pathlib import Path

from serving.config import Config
from serving.errors import InklingError, NotFoundError
from serving.feedback.export import export
from serving.feedback.store import Feedback


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.feedback", description="Take corrections out of the file that the server keeps."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    exporting = commands.add_parser("export", help="write the folder of pictures that training and transfer read")
    exporting.add_argument("file", type=Path, metavar="FILE", help="what the server was given by --feedback")
    exporting.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    exporting.add_argument("--model", help="only what was said of this model's answers (default: of all)")
    deleting = commands.add_parser("delete", help="remove a correction; the server may run meanwhile")
    deleting.add_argument("file", type=Path, metavar="FILE", help="what the server was given by --feedback")
    deleting.add_argument("id", metavar="ID", help="what the server answered when it took the correction")
    arguments = parser.parse_args()
    try:
        _do(arguments)
    except InklingError as error:
        sys.exit(f"{parser.prog}: {error}")


def _do(arguments: argparse.Namespace) -> None:
    if not arguments.file.is_file():
        raise NotFoundError(f"there is no file {arguments.file}; it is what the server was given by --feedback")
    store = Feedback(arguments.file, Config().feedback_bytes)
    if arguments.command == "delete":
        store.remove(arguments.id)
        print(f"{arguments.id} is removed")
        return
    done = export(store.all(arguments.model), arguments.folder)
    if done.several:
        print(f"left out: {done.several:,} of several symbols at once, without a box of one", file=sys.stderr)
    counts = ", ".join(f"{label}: {count:,}" for label, count in sorted(done.pictures.items()))
    total = done.pictures.total()
    print(f"{arguments.folder}: {total:,} picture{'s' * (total != 1)}{f' ({counts})' * bool(counts)}")


if __name__ == "__main__":
    main()

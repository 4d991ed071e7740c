"""`python -m tests.fuzz`: send faulty requests to a server of our own, print what it answered, fail where it failed."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.conftest import started_server, workers_of
from tests.fuzz.run import cases, send, table

KEPT = Path("build/fuzz")


def main() -> None:
    """Read the arguments and send."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="requests (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="other requests for another number (default: %(default)s)")
    arguments = parser.parse_args()
    with started_server("--workers", "2") as server, ThreadPoolExecutor(4) as pool:
        before = workers_of(server.process)
        outcomes = list(pool.map(partial(send, server.port), cases(arguments.count, arguments.seed)))
        died = before - workers_of(server.process)
    print(f"{arguments.count:,} requests, seed {arguments.seed}; status 0 is no answer\n\n{table(outcomes)}\n")
    faults = [outcome for outcome in outcomes if outcome.fault]
    for outcome in faults:
        KEPT.mkdir(parents=True, exist_ok=True)
        file = KEPT / f"{arguments.seed}-{outcome.case.number}"
        file.write_bytes(outcome.case.wire)
        print(f"{file}: {outcome.case.kind}: {outcome.fault}", file=sys.stderr)
    if died:
        print(f"{len(died)} workers died", file=sys.stderr)
    if faults or died:
        sys.exit(1)
    print("No error of the server, no answer missing, no worker died.")


if __name__ == "__main__":
    main()

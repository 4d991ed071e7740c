"""`python -m tests.bench`: measure, and print Markdown tables."""

import argparse
import os
import shutil
import signal
import sys

from tests.bench import protocols, sections
from tests.bench.load import CLIENTS, usual_client
from tests.bench.report import machine
from tests.bench.servers import WrongAnswerError

BUSY = 0.7
"""Load average of the last minute from which on figures mean little."""


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of a run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs; medians are printed (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one run of one second, to see that it works")
    parser.add_argument("--client", choices=CLIENTS, default=usual_client(), help="default here: %(default)s")
    parser.add_argument("--sweep", action="store_true", help="measure the server's own settings instead")
    arguments = parser.parse_args()
    if arguments.seconds < 1 or arguments.runs < 1:
        parser.error("--seconds and --runs must be whole numbers from 1 on")
    if arguments.client == "wrk" and not shutil.which("wrk"):
        parser.error("wrk is not installed; install it, or take --client asyncio")
    seconds, runs = (1, 1) if arguments.quick else (arguments.seconds, arguments.runs)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # An end from outside, too, must unwind: the servers are ended on the way.
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    measured = f"medians of {runs} runs of {seconds} s" if runs > 1 else f"one run of {seconds} s"
    print(f"{machine()}; load by {arguments.client} on the same machine; {measured}.", flush=True)
    if os.getloadavg()[0] > BUSY:
        print(f"The machine was busy (load {os.getloadavg()[0]:.1f} before the start): these figures are too low.")
    plan = sections.Plan(CLIENTS[arguments.client], seconds, runs)
    try:
        if arguments.sweep:
            sections.sweep(plan)
        else:
            for section in (*sections.ALL, *protocols.ALL):
                section(plan)
    except WrongAnswerError as error:
        sys.exit(f"make bench: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()

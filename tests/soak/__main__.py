"""`python -m tests.soak`: too much load, or a fault under load. Prints tables, and fails where a request is lost."""

import argparse
import os
import signal
import sys
from importlib import import_module

from tests.bench.report import machine, progress
from tests.soak import faults, full, overload
from tests.soak.load import Load

FAULTS = {
    "worker-killed": faults.worker_killed,
    "engine-killed": faults.engine_killed,
    "clock-set-back": faults.clock_set_back,
    "disk-full": full.disk_full,
}
_MEASURED = 5.0
"""Seconds for which the sustainable rate is measured."""


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("overload", "versions", *FAULTS), default="overload")
    parser.add_argument("--seconds", type=float, help="length (default: 600 of overload, 30 of a fault)")
    parser.add_argument("--rate", type=float, help="requests/s (default: twice what is sustainable; of a fault, half)")
    arguments, rest = parser.parse_known_args()
    if arguments.what == "versions":
        # It has arguments of its own.
        sys.argv = [sys.argv[0], *sys.argv[2:]]
        import_module("tests.soak.versions").main()
        return
    if rest:
        parser.error(f"unknown: {' '.join(rest)}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    print(f"{machine()}; load from one process on the same machine; load average {os.getloadavg()[0]:.1f}.", flush=True)
    if not (_overload if arguments.what == "overload" else _fault)(arguments):
        sys.exit("an accepted request was lost")


def _overload(arguments: argparse.Namespace) -> bool:
    seconds = arguments.seconds or 600.0
    with faults.serving() as server:
        rate = arguments.rate or 2 * _sustainable(server.port)
        progress(f"{rate:,.0f} requests/s for {seconds:.0f} s")
        course = overload.overload(server, rate, seconds)
    return overload.report(course, seconds)


def _fault(arguments: argparse.Namespace) -> bool:
    rate = arguments.rate
    if not rate:
        with faults.serving() as server:
            rate = _sustainable(server.port) / 2
    progress(f"{arguments.what} at {rate:,.0f} requests/s")
    return FAULTS[arguments.what](rate, arguments.seconds or 30.0)


def _sustainable(port: int) -> float:
    rate = Load(port).sustainable(_MEASURED)
    print(f"Sustainable: {rate:,.0f} mixed requests/s over 8 connections that wait for their answers.", flush=True)
    return rate


if __name__ == "__main__":
    main()

"""`python -m tests.bench.peers`: install the peers, start each beside ours, load both by turns, print one table."""

import argparse
import http.client
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from statistics import median
from time import sleep

import orjson

from serving.config import Config
from serving.engines import OpenVINOEngine, Pictures
from serving.loaded import PREFERRED
from serving.repository import Repository
from tests.bench.load import HOST, Load, middle, with_wrk
from tests.bench.peers.catalogue import INKLING, OURS, PEERS, Peer
from tests.bench.peers.install import NotInstalledError, programs
from tests.bench.report import machine, ms, progress, table
from tests.bench.sections import MANY, WARM_UP
from tests.bench.servers import ROOT, Server, WrongAnswerError, started
from training.datasets import load

DIGITS = 200
_LEAST_ALIKE = 0.98
"""Share of the labels that `/predict`, which centres what it is sent anew, has as the network alone has them."""
_PAUSE = 0.5
_PATIENCE = 30
HEADS = (
    *("server", f"requests/s, {MANY} conn.", "p50", "p99", "p50, 1 conn.", "CPU, ms", "start, s"),
    *("memory, MB", "Inkling's requests/s by theirs", "their CPU by Inkling's", "labels as the network's"),
)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of a run (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs; medians are printed (default: %(default)s)")
    parser.add_argument("--only", default="", help="measure those whose names begin with this")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk is not installed")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    print(
        f"{machine()}; wrk on the same machine; medians of {arguments.runs} runs of {arguments.seconds} s.", flush=True
    )
    print(f"Load average before the start: {os.getloadavg()[0]:.1f}.", flush=True)
    bundle = Repository(Config().models).find(PREFERRED).path
    digits = load("optdigits").x_test[:DIGITS]
    wanted = [str(OpenVINOEngine(bundle).predict(digit[None]).argmax()) for digit in digits]
    comparison = _Comparison(bundle, digits, wanted, arguments.seconds, arguments.runs)
    rows = [comparison.row(p) for p in (*OURS, *PEERS) if p.name.lower().startswith(arguments.only.lower())]
    tuned = "; ".join(f"{peer.name}: {peer.tuned}" for peer in PEERS)
    table(
        f"Beside other servers: the same network, {PREFERRED}/{bundle.name}, one 28x28 digit as JSON numbers",
        HEADS,
        rows,
        f"Latencies in ms. Each was loaded by turns with `/predict`; the ratios are medians of the runs', "
        f"above 1 where Inkling is ahead. CPU "
        f"is the cores' time that all processes of a server took for a request, of which others on the machine take "
        f"nothing away. Memory "
        f"is that of all its processes, what they share counted once. {tuned}.",
    )


class _Comparison:
    def __init__(self, bundle: Path, digits: Pictures, wanted: Sequence[str], seconds: int, runs: int) -> None:
        self._bundle = bundle
        self._digits = digits
        self._wanted = wanted
        self._seconds = seconds
        self._runs = runs

    def row(self, peer: Peer) -> list[str]:
        """Measure one peer beside ours; where that fails, say why."""
        progress(peer.name)
        try:
            return self._measured(peer)
        except (NotInstalledError, WrongAnswerError) as error:
            return [f"{peer.name}: {str(error).splitlines()[0][:150]}", *[""] * (len(HEADS) - 1)]

    def _measured(self, peer: Peer) -> list[str]:
        with ExitStack() as stack:
            ours = stack.enter_context(self._running(INKLING))
            theirs = ours if peer in OURS else stack.enter_context(self._running(peer))
            alike = self._alike(peer, theirs.port)
            loads: dict[str, list[Load]] = {"ours": [], "theirs": [], "alone": []}
            self._load(INKLING, ours, MANY, WARM_UP)
            self._load(peer, theirs, MANY, WARM_UP)
            cpu: dict[str, list[float]] = {"ours": [], "theirs": []}
            for _ in range(self._runs):
                for who, asked, server in (("ours", INKLING, ours), ("theirs", peer, theirs)):
                    before = server.computed()
                    loads[who].append(self._load(asked, server, MANY, self._seconds))
                    cpu[who].append((server.computed() - before) / loads[who][-1].requests * 1e3)
                loads["alone"].append(self._load(peer, theirs, 1, self._seconds))
            memory = theirs.memory_of_all()
        load, alone = middle(loads["theirs"]), middle(loads["alone"])
        ratio = median(our.rate / their.rate for our, their in zip(loads["ours"], loads["theirs"], strict=True))
        cost = median(their / our for our, their in zip(cpu["ours"], cpu["theirs"], strict=True))
        ratios = ["", ""] if peer is INKLING else [f"{ratio:.2f}", f"{cost:.2f}"]
        errors = f" ({load.errors} errors)" if load.errors else ""
        return [
            *(peer.name, f"{load.rate:,.0f}{errors}", ms(load.p50), ms(load.p99), ms(alone.p50)),
            *(ms(median(cpu["theirs"])), f"{theirs.seconds:.1f}", f"{memory:.0f}", *ratios),
            f"{alike} of {len(self._wanted)}",
        ]

    def _running(self, peer: Peer) -> AbstractContextManager[Server]:
        if peer.environment:
            folder = programs(peer.environment, peer.packages)
            variables = {**peer.variables, "PYTHONPATH": str(ROOT), "INKLING_BUNDLE": str(self._bundle)}
            command = [str(folder / peer.command[0]), *peer.command[1:]]
        else:
            command, variables = [sys.executable, *peer.command[1:]], {}
        return started(command, lambda port: self._label(peer, port, self._digits[:1]), variables)

    def _load(self, peer: Peer, server: Server, connections: int, seconds: int) -> Load:
        sleep(_PAUSE)
        found = with_wrk(server.port, peer.ask(self._digits[:1]), connections, seconds)
        if not found.requests:
            raise WrongAnswerError(f"{found.errors} errors, and not one answer in {seconds} s")
        return found

    def _alike(self, peer: Peer, port: int) -> int:
        """How many of the digits it reads as the network alone does; raises WrongAnswerError where too few."""
        found = [self._label(peer, port, digit[None]) for digit in self._digits]
        alike = sum(label == wanted for label, wanted in zip(found, self._wanted, strict=True))
        if alike < len(found) * (_LEAST_ALIKE if peer is INKLING else 1):
            raise WrongAnswerError(f"only {alike} of {len(found)} labels are those of the network")
        return alike

    def _label(self, peer: Peer, port: int, digit: Pictures) -> str:
        request = peer.ask(digit)
        with closing(http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)) as connection:
            connection.request("POST", request.path, request.body, {"Content-Type": request.kind})
            response = connection.getresponse()
            body = response.read()
        if response.status != 200:
            raise ConnectionError(f"{peer.name}: {response.status} {body[:200].decode(errors='replace')}")
        return peer.label(orjson.loads(body))


if __name__ == "__main__":
    main()

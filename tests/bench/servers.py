"""Servers as processes of their own: started, asked, weighed, and always ended."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from math import nan
from pathlib import Path
from time import perf_counter, sleep

from tests.bench.cases import Case
from tests.bench.load import HOST

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 120
"""Seconds that a server may take to start."""


class WrongAnswerError(Exception):
    """A server that reads the seven as something else, or did not start, has no speed worth knowing."""


@dataclass(frozen=True)
class Server:
    """A running server, and the seconds from its start to its first correct answer."""

    port: int
    seconds: float
    pid: int

    def memory(self) -> tuple[float, float]:
        """Resident and proportional memory of the larger worker in MB; NaN without Linux's /proc."""
        return max(map(_memory, _children(self.pid)), default=(nan, nan))

    def memory_of_all(self) -> float:
        """Memory of all its processes in MB, what they share counted once; NaN without Linux's /proc."""
        return sum(_memory(pid)[1] for pid in _family(self.pid)) if Path("/proc").is_dir() else nan

    def computed(self) -> float:
        """Seconds of a core that all its processes have taken so far; NaN without Linux's /proc."""
        return sum(map(_computed, _family(self.pid))) if Path("/proc").is_dir() else nan


def running(arguments: Sequence[str], case: Case) -> AbstractContextManager[Server]:
    """Start `python -m ARGUMENTS`, `{port}` among them filled in, and wait until it answers `case` correctly."""
    return started([sys.executable, "-m", *arguments], lambda port: check(port, case))


@contextmanager
def started(
    command: Sequence[str], ready: Callable[[int], object], variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a command and wait until `ready` no longer fails for its port; end it, and all that it started.

    `{port}`, and where more are needed `{second}` and `{third}`, are filled into command and variables.
    """
    ports = _free_ports("port", "second", "third")
    port = ports["port"]
    command = [_filled(word, ports) for word in command]
    environment = os.environ | {name: _filled(value, ports) for name, value in (variables or {}).items()}
    with tempfile.TemporaryFile() as log:
        began = perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
            # A Ctrl-C is for us alone; the group is what we end.
            start_new_session=True,
        )
        try:
            if not _wait(process, lambda: ready(port), began + _PATIENCE):
                log.seek(0)
                raise WrongAnswerError(f"{' '.join(command)} did not start:\n{log.read().decode()}")
            yield Server(port, perf_counter() - began, process.pid)
        finally:
            _end(process)


def _free_ports(*names: str) -> dict[str, int]:
    with ExitStack() as stack:
        taken = {name: stack.enter_context(closing(socket.create_server((HOST, 0)))) for name in names}
        return {name: server.getsockname()[1] for name, server in taken.items()}


def _filled(word: str, ports: Mapping[str, int]) -> str:
    for name, port in ports.items():
        word = word.replace(f"{{{name}}}", str(port))
    return word


def _wait(process: subprocess.Popen[bytes], ask: Callable[[], object], end: float) -> bool:
    while process.poll() is None and perf_counter() < end:
        with suppress(OSError, http.client.HTTPException):
            ask()
            return True
        sleep(0.005)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def check(port: int, case: Case) -> None:
    """Raise WrongAnswerError unless the server answers the case with its sevens."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)) as connection:
        request = case.request
        headers = {"Content-Type": request.kind} if request.body else {}
        connection.request("POST" if request.body else "GET", request.path, request.body or None, headers)
        response = connection.getresponse()
        answer = response.read()
    if response.status != 200 or len(re.findall(rb'"text": *"7"', answer)) != case.sevens:
        raise WrongAnswerError(f"{case.name}: expected a 7, got {response.status} {answer[:300].decode()}")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _family(pid: int) -> list[int]:
    return [pid, *(member for child in _children(pid) for member in _family(child))]


def _computed(pid: int) -> float:
    # The fields from the third on follow the name, which may hold anything: user and system time are 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[float, float]:
    sizes = dict(re.findall(r"^(\w+): +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    return int(sizes["Rss"]) * 1024 / 1e6, int(sizes["Pss"]) * 1024 / 1e6

"""Load on a local server: `wrk` where it is installed, or a client of our own on asyncio.

Both keep their connections open as far as the server does, and send the next request when the answer has come.
Where a server stalls, wrk also counts the answers that it would have asked for meanwhile; our own does not.
"""

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter

HOST = "127.0.0.1"
_PATIENCE = 30
"""Seconds that an answer may take."""


@dataclass(frozen=True)
class Request:
    """One HTTP request; a POST where there is a body."""

    path: str
    kind: str = ""
    """Content-Type of the body."""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Load:
    """What came of sending one request over and over."""

    requests: int
    """Answered with a status below 400."""
    errors: int
    """Answered otherwise, or not at all."""
    seconds: float
    p50: float
    """Median latency in ms."""
    p99: float

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def middle(loads: Sequence[Load]) -> Load:
    """The median of several runs, value by value; their errors are added up."""
    return Load(
        requests=round(median(load.requests for load in loads)),
        errors=sum(load.errors for load in loads),
        seconds=median(load.seconds for load in loads),
        p50=median(load.p50 for load in loads),
        p99=median(load.p99 for load in loads),
    )


Client = Callable[[int, Request, int, float], Load]
"""Port, request, connections, seconds -> load."""


def with_asyncio(port: int, request: Request, connections: int, seconds: float) -> Load:
    """Send the request over and over from this process."""
    return asyncio.run(_send_from_all(port, request, connections, seconds))


async def _send_from_all(port: int, request: Request, connections: int, seconds: float) -> Load:
    sender = _Sender(port, _on_the_wire(request))
    started = perf_counter()
    tasks = [asyncio.create_task(sender.send_until(started + seconds)) for _ in range(connections)]
    _, stuck = await asyncio.wait(tasks, timeout=seconds + _PATIENCE)
    took = perf_counter() - started
    for task in stuck:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    latencies = sorted(sender.latencies)
    p50, p99 = (latencies[ceil(len(latencies) * share) - 1] * 1e3 if latencies else 0.0 for share in (0.5, 0.99))
    return Load(len(latencies), sender.errors + len(stuck), took, p50, p99)


def _on_the_wire(request: Request) -> bytes:
    head = [f"{'POST' if request.body else 'GET'} {request.path} HTTP/1.1", f"Host: {HOST}"]
    if request.body:
        head += [f"Content-Type: {request.kind}", f"Content-Length: {len(request.body)}"]
    return "\r\n".join([*head, "", ""]).encode() + request.body


class _Sender:
    """Sends one request and counts what comes back; shared by all connections of a run."""

    def __init__(self, port: int, wire: bytes) -> None:
        self._port = port
        self._wire = wire
        self.latencies: list[float] = []
        self.errors = 0

    async def send_until(self, end: float) -> None:
        while perf_counter() < end:
            try:
                await self._send_on_one_connection(end)
            except (OSError, EOFError, ValueError):
                self.errors += 1
                # A server that is gone would be asked a hundred thousand times.
                await asyncio.sleep(0.01)

    async def _send_on_one_connection(self, end: float) -> None:
        sent = perf_counter()
        reader, writer = await asyncio.open_connection(HOST, self._port, limit=1 << 20)
        try:
            lasts = True
            while lasts and sent < end:
                writer.write(self._wire)
                status, lasts = await _read_answer(reader)
                answered = perf_counter()
                if status < 400:
                    self.latencies.append(answered - sent)
                else:
                    self.errors += 1
                sent = answered
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status, and whether the connection lasts; raises ValueError where an answer does not say its length."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = re.search(rb"\r\ncontent-length: *(\d+)", head)
    if not length:
        raise ValueError("an answer without Content-Length")
    await reader.readexactly(int(length[1]))
    return int(head[9:12]), b"\r\nconnection: close" not in head


def with_wrk(port: int, request: Request, connections: int, seconds: float) -> Load:
    """Send the request over and over with wrk, which counts in whole seconds."""
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "body")
        body.write_bytes(request.body)
        script = Path(folder, "load.lua")
        script.write_text(_WRK_POST % (request.kind, body) if request.body else "")
        with script.open("a") as file:
            file.write(_WRK_DONE)
        duration = max(1, round(seconds))
        command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={duration}s"]
        command += [f"--timeout={_PATIENCE}s", f"--script={script}", f"http://{HOST}:{port}{request.path}"]
        wrk = subprocess.run(command, capture_output=True, text=True, timeout=duration + 2 * _PATIENCE)
    if "unable to connect" in wrk.stdout + wrk.stderr:
        return Load(0, connections, duration, 0.0, 0.0)
    wrk.check_returncode()
    return Load(**json.loads(wrk.stdout.rpartition("LOAD ")[2]))


_WRK_POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "%s"
local file = io.open("%s", "rb")
wrk.body = file:read("*a")
file:close()
"""

_WRK_DONE = """
done = function(summary, latency)
   local e = summary.errors
   io.write(string.format(
      'LOAD {"requests": %d, "errors": %d, "seconds": %f, "p50": %f, "p99": %f}',
      summary.requests - e.status, e.status + e.connect + e.read + e.write + e.timeout,
      summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""

CLIENTS: dict[str, Client] = {"wrk": with_wrk, "asyncio": with_asyncio}


def usual_client() -> str:
    """Name of the better client that is here."""
    return "wrk" if shutil.which("wrk") else "asyncio"

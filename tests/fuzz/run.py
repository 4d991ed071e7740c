"""Send requests one by one, and judge what comes back."""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz.requests import KINDS

_PATIENCE = 30.0
_ROOTS = tuple(
    str(path) for path in (Path(__file__).resolve().parents[2], Path.home(), Path(json.__file__).parent.parent)
)
_INNER = re.compile(rb'Traceback|File \\?"|site-packages|Werkzeug/|gunicorn|Python/|\.py\b', re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """One request; the same number and seed always make the same one."""

    kind: str
    number: int
    wire: bytes


@dataclass(frozen=True)
class Outcome:
    """The status of the answer, 0 where there was none, and what is wrong with it, if anything."""

    case: Case
    status: int
    fault: str = ""


def cases(count: int, seed: int) -> Iterator[Case]:
    """As many requests, of all kinds by turns."""
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield Case(kind, number, KINDS[kind](Random(f"{seed} {number}")))  # noqa: S311  # the same ones every time


def send(port: int, case: Case) -> Outcome:
    """Send one request over a connection of its own, end the sending, and read all that is answered."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
            # The server may have answered, and closed, before all was sent.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(case.wire)
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 20):
                answer += part
    except TimeoutError:
        return Outcome(case, 0, f"no answer, or no end of it, within {_PATIENCE:g} s")
    except OSError as error:
        if not answer:
            return Outcome(case, 0, f"no answer: {error}")
    return _judged(case, answer)


def _judged(case: Case, answer: bytes) -> Outcome:
    status = re.match(rb"(?:HTTP/1\.1 100 Continue\r\n\r\n)?HTTP/1\.[01] (\d{3}) ", answer)
    if not status:
        return Outcome(case, 0, f"no answer but {answer[:80]!r}")
    head, _, body = answer[status.start(1) :].partition(b"\r\n\r\n")
    code = int(status[1])
    fault = ""
    if code >= 500 and code not in (503, 504):
        fault = "an error of the server"
    elif code == 503 and b"\r\nretry-after:" not in head.lower():
        fault = "503 without Retry-After"
    elif code >= 400 and body and not _is_error(body):
        fault = "an error that is not told in JSON"
    elif b"text/html" not in head and (
        _INNER.search(answer) or any(root.encode() in answer for root in _ROOTS if root != "/")
    ):
        fault = "an answer that tells about the server's inside"
    return Outcome(case, code, fault and f"{fault}: {answer[:300]!r}")


def _is_error(body: bytes) -> bool:
    try:
        # Behind it may be the answer to what followed the request.
        value, _ = json.JSONDecoder().raw_decode(body.decode())
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("error"), str)


def table(outcomes: list[Outcome]) -> str:
    """Answers by kind and status, as Markdown."""
    statuses = sorted({outcome.status for outcome in outcomes})
    counts = Counter((outcome.case.kind, outcome.status) for outcome in outcomes)
    lines = [f"| kind | {' | '.join(map(str, statuses))} |", f"|---|{'---|' * len(statuses)}"]
    for kind in KINDS:
        lines.append(f"| {kind} | {' | '.join(str(counts[kind, status] or '') for status in statuses)} |")
    return "\n".join(lines)

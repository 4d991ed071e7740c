"""The process that learns: `python -m transfer`, started beforehand, told what to do when a job comes.

It imports TensorFlow, which takes half of the time of a small job, and waits. While it waits it costs memory only. It
belongs to no worker: what it learns it goes on with when the worker that started it ends, and a worker that comes later
finds out by a locked file whether it still lives. One that waits ends with the worker that holds its stdin.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from serving.files import locked, taken

_NICENESS = 10
"""Requests come first."""
_PATIENCE = 3.0
"""Seconds that a process is given to end by itself."""


class Standby:
    """A process that waits; `life` is the name of its locked file in `folder`, beside which its output is kept."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.life = secrets.token_hex(8)
        path = folder / self.life
        with locked(path) as alive, path.with_suffix(".log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [sys.executable, "-m", "transfer", "--standby"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[alive.fileno()],
                start_new_session=True,
            )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)

    @property
    def group(self) -> int:
        """Number of its process group."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it lives, to be told something."""
        return self._process.poll() is None

    def begin(self, arguments: Sequence[str]) -> None:
        """Let it do what `python -m transfer` with these arguments does; raises OSError where it has ended."""
        if self._process.stdin:
            self._process.stdin.write(json.dumps(list(arguments)).encode() + b"\n")
            self._process.stdin.close()

    def reap(self) -> None:
        """Once it has ended, let the system forget it."""
        self._process.poll()

    def dismiss(self) -> None:
        """Let it end, if it has not been told anything."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        self._process.wait()


def lives(path: Path) -> bool:
    """Whether a process holds the lock on the file."""
    try:
        with path.open() as file:
            return not taken(file)
    except FileNotFoundError:
        return False


def stop(group: int, path: Path) -> None:
    """End a process group whose life that file is: politely, then by force. Does nothing where it has ended."""
    deadline = time.monotonic() + _PATIENCE
    sent = signal.SIGTERM
    while lives(path):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, sent)
        while lives(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        sent = signal.SIGKILL


def last_words(path: Path) -> str:
    """The last line that a process printed to the log beside its file, for people who look for what went wrong."""
    try:
        text = path.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")

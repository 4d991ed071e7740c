"""What the tests share: a small trained bundle, the application's client, a real server process."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from training.datasets import DataSet, load
from training.distort import Distortion
from training.networks import Conv, Network
from training.recipes import Recipe

TINY = Recipe(
    name="tiny",
    about="For the tests: a few seconds on scikit-learn's digits.",
    network=Network((Conv(8, 5, 2), Conv(16, 3, 2)), (32,), batch_norm=True),
    dataset="optdigits",
    validation=237,
    epochs=15,
    batch_size=50,
    average=0.9,
    distortion=Distortion(rotation=5, shift=1),
)


@pytest.fixture(scope="session")
def optdigits() -> DataSet:
    """Real handwriting that is always there: scikit-learn's digits, through `serving.ink`."""
    return load("optdigits")


@pytest.fixture(scope="session")
def tiny_bundle(optdigits: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small network, trained once a test run and exported as a user's would be."""
    from training.export import export
    from training.fit import fit

    folder = tmp_path_factory.mktemp("tiny")
    return export(fit(TINY, optdigits, folder / "run"), optdigits, folder / "models", "tiny")


@pytest.fixture(scope="session")
def mnist() -> DataSet:
    """Full MNIST, from `INKLING_DATA`."""
    if not os.environ.get("INKLING_DATA"):
        pytest.skip("full MNIST is not here: set INKLING_DATA to a folder with mnist.npz")
    return load("mnist")


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A client of the application with the shipped models."""
    return create_app(Config(models=tmp_path)).test_client()


@dataclass(frozen=True)
class Started:
    """A server process of our own."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_server(
    *arguments: str,
    cwd: Path | None = None,
    ready: str = "/readyz",
    expected: str | None = None,
    log: Path | None = None,
) -> Iterator[str]:
    """Start `python -m serving` as a user would and give its address, when `ready` answers; stop it at the end.

    It must not complain of errors, but for lines that match `expected`. All that it prints goes to `log`.
    """
    with started_server(*arguments, cwd=cwd, ready=ready, expected=expected, log=log) as server:
        yield server.address


def workers_of(process: subprocess.Popen[bytes]) -> set[int]:
    """Process ids of a server's workers; skips the test where the system does not tell."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("which processes are whose is read from /proc, which this system has not")
    return {int(child) for child in children.read_text().split()}


@contextmanager
def started_server(
    *arguments: str,
    cwd: Path | None = None,
    ready: str = "/readyz",
    expected: str | None = None,
    log: Path | None = None,
) -> Iterator[Started]:
    """The same, with the process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        printed = log or Path(folder) / "log"
        with printed.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "serving", "--port", str(port), *arguments], stdout=file, stderr=file, cwd=cwd
            )
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}{ready}", process, printed)
            yield Started(port, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            lines = printed.read_text(encoding="utf-8").splitlines()
            output = "\n".join(line for line in lines if not expected or not re.search(expected, line))
            assert not re.search(r"Traceback|\[ERROR\]|\"level\":\"ERROR\"", output), output


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise AssertionError(f"the server ended: {log.read_text(encoding='utf-8')}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server was not ready within 30 seconds")


@pytest.fixture(scope="session")
def live_server() -> Iterator[str]:
    """The address of a real server process with the shipped models."""
    with running_server() as address:
        yield address

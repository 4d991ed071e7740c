"""The wheel alone, in an empty environment and an empty folder, serves the shipped model."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SEVEN = {"strokes": [[[10, 10], [60, 10], [30, 90]]]}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # By way of the source archive, so that what is missing there is missed here too.
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def commands(wheel: Path) -> Iterator[Path]:
    """The folder of commands of an environment that holds the wheel and what it asks for."""
    # Not pytest's own temporary folder: that one keeps the last three, of half a gigabyte each.
    with tempfile.TemporaryDirectory(prefix="inkling-") as place:
        venv.create(place, with_pip=True)
        commands = Path(place) / "bin"
        constraints = ROOT / "constraints.txt"
        run(commands / "python", "-m", "pip", "install", "--constraint", constraints, wheel)
        yield commands


def run(*command: str | Path, **settings: Any) -> str:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def environment() -> dict[str, str]:
    """Nothing of the checkout, nor of whoever runs the tests, may help the wheel along."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INKLING", "COV_"))}


@contextlib.contextmanager
def served(command: Path, folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        (folder.parent / "log").open("w+") as log,
        subprocess.Popen(
            [command, "--port", str(port)], cwd=folder, env=environment(), stdout=log, stderr=log
        ) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 30
            while not ready(address):
                log.seek(0)
                assert server.poll() is None, log.read()
                assert time.monotonic() < deadline, log.read()
                time.sleep(0.05)
            yield address
        finally:
            server.terminate()


def ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:  # refused, answered 503, or too slow
        return False


def test_the_wheel_holds_the_packages_and_the_shipped_models_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"serving", "training", "transfer"}
    shipped = ROOT / "models"
    for path in shipped.rglob("*"):
        # Whoever has trained here has a `.last_version`, which is nobody else's.
        if path.is_file() and not path.name.startswith("."):
            assert f"serving/shipped/{path.relative_to(shipped).as_posix()}" in names
    for resource in ("templates/index.html", "static/pad.js", "static/pad.css"):
        assert f"serving/{resource}" in names


def test_the_server_of_the_wheel_reads_a_digit_in_an_empty_folder(commands: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with served(commands / "inkling-serve", folder) as address:
        question = urllib.request.Request(
            f"{address}/predict",
            data=json.dumps(SEVEN).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(question, timeout=10) as answer:
            assert json.load(answer)["text"] == "7"
        with urllib.request.urlopen(f"{address}/", timeout=10) as page:
            assert b"<html" in page.read()
    assert not list(folder.iterdir())


def test_the_environment_of_the_wheel_is_the_slim_one(commands: Path) -> None:
    found = run(
        commands / "python",
        "-c",
        "import importlib.util as u; print([n for n in ('tensorflow', 'keras', 'matplotlib') if u.find_spec(n)])",
    )
    assert found.strip() == "[]"

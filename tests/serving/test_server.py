"""The server as people run it: a process of its own, over a socket."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from serving.bundle import Bundle
from tests.conftest import running_server
from tests.drawings import FORMS, SEVEN

JSON = {"Content-Type": "application/json"}
STROKES = json.dumps({"strokes": SEVEN})


def connected(address: str) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(urllib.parse.urlparse(address).netloc, timeout=60))


@pytest.fixture
def connection(live_server: str) -> Iterator[http.client.HTTPConnection]:
    with connected(live_server) as connection:
        yield connection


def ask(connection: http.client.HTTPConnection, body: bytes | str, headers: dict[str, str]) -> dict[str, object]:
    connection.request("POST", "/predict", body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200, answer
    return dict(answer)


def test_strokes_and_pictures_over_one_connection(connection: http.client.HTTPConnection) -> None:
    for _ in range(20):
        assert ask(connection, STROKES, JSON)["text"] == "7"
        assert ask(connection, FORMS["black on white"], {"Content-Type": "image/png"})["text"] == "7"


def test_many_clients_at_once_get_their_own_answers(live_server: str) -> None:
    one = [[[0, 0], [1, 40]]]

    def client(number: int) -> list[str]:
        strokes, wanted = ((SEVEN, "7"), (one, "1"))[number % 2]
        with connected(live_server) as own:
            texts = [str(ask(own, json.dumps({"strokes": strokes}), JSON)["text"]) for _ in range(25)]
        return [text for text in texts if text != wanted]

    with ThreadPoolExecutor(12) as pool:
        assert [wrong for wrongs in pool.map(client, range(12)) for wrong in wrongs] == []


def test_the_curl_line_that_it_prints_works_when_pasted(tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "serving", "--port", str(port), "--models", str(tmp_path), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        printed = process.stdout.readline() + process.stdout.readline()
        curl = re.search(r"curl .*", printed)
        assert curl, printed
        answer = subprocess.run(["bash", "-c", curl[0]], capture_output=True, text=True, check=True, timeout=30)
        process.terminate()
    assert f"http://127.0.0.1:{port}/" in printed
    assert json.loads(answer.stdout)["text"] == "7"
    assert process.returncode == 0


def test_a_folder_of_one_s_own_models_is_served_beside_the_shipped_ones(tiny_bundle: Bundle) -> None:
    models = str(tiny_bundle.path.parents[1])
    with running_server("--models", models, "--workers", "1") as address, connected(address) as connection:
        for model in ("tiny", "digits"):
            answer = ask(connection, json.dumps({"strokes": SEVEN, "model": model}), JSON)
            assert answer["model"] == model
        assert ask(connection, STROKES, JSON)["model"] == "digits"


def test_the_tensorflow_engine_serves_too() -> None:
    with running_server("--engine", "tensorflow", "--workers", "1") as address, connected(address) as connection:
        assert ask(connection, STROKES, JSON)["text"] == "7"


def test_an_engine_that_is_not_installed_is_named() -> None:
    code = "import sys; sys.modules['tensorflow'] = None; from serving.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "--engine", "tensorflow"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "the engine tensorflow needs tensorflow, which is not installed" in done.stderr


def test_kept_connections_are_closed_now_and_then_so_that_no_worker_rests(live_server: str) -> None:
    closed = 0
    with connected(live_server) as connection:
        for _ in range(250):
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            response.read()
            closed += response.getheader("Connection") == "close"
    assert 1 <= closed <= 5

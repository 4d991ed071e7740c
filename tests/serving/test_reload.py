"""Real servers whose folder of models changes while they run."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from serving.bundle import Bundle
from tests.conftest import running_server
from tests.drawings import SEVEN
from tests.serving.version_folders import add, damage
from tests.soak.versions import soak

_PATIENCE = 30
_FAST = ("--poll-seconds", "0.2", "--workers", "2")
TOKEN = "correct-horse-battery"  # noqa: S105  # no secret


def ask(address: str, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    """Over a connection of its own, so that any worker may answer."""
    with closing(HTTPConnection(address.removeprefix("http://"), timeout=_PATIENCE)) as connection:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def predicted(address: str, **options: object) -> tuple[int, object]:
    status, answer = ask(address, "POST", "/predict", {"strokes": SEVEN, **options})
    return status, answer.get("version", answer.get("error"))


def wait_for(answer: object, look: Callable[[], object]) -> None:
    """Until forty answers in a row, of whichever worker, are this one."""
    end = time.monotonic() + _PATIENCE
    row = 0
    while row < 40:
        found = look()
        row = row + 1 if found == answer else 0
        assert time.monotonic() < end, f"still {found}, not {answer}"
        if not row:
            time.sleep(0.05)


def test_all_workers_follow_versions_and_labels(tiny_bundle: Bundle, tmp_path: Path) -> None:
    add(tiny_bundle, tmp_path, 1)
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with running_server(*_FAST, "--models", str(tmp_path), "--admin-token-file", str(token)) as address:
        assert predicted(address, model="tiny") == (200, 1)
        damage(add(tiny_bundle, tmp_path, 3))
        add(tiny_bundle, tmp_path, 2)
        wait_for((200, 2), lambda: predicted(address, model="tiny"))
        answer = json.dumps(ask(address, "GET", "/v1/models/tiny")[1])
        assert '"version": "3", "state": "END", "status": {"error_code": "DATA_LOSS"' in answer
        assert '"version": "2", "state": "AVAILABLE"' in answer
        assert ask(address, "PUT", "/admin/models/tiny/labels/stable", {"version": 1})[0] == 200
        wait_for((200, 1), lambda: predicted(address, model="tiny", version="stable"))
        assert predicted(address, model="tiny") == (200, 2)
        # By now no worker is behind.
        assert {predicted(address, model="tiny") for _ in range(60)} == {(200, 2)}


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_server_without_models_says_so_and_picks_the_first_up(
    folder: str, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The installed package without the shipped models: the server is another process.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import serving.repository, pathlib\nserving.repository.SHIPPED = pathlib.Path('/nowhere')\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{Path.cwd()}")
    models = tmp_path / "models"
    if folder == "empty":
        models.mkdir()
    with running_server(*_FAST, "--models", str(models), ready="/healthz") as address:
        for status, answer in (ask(address, "GET", "/readyz"), ask(address, "POST", "/predict", {"strokes": SEVEN})):
            assert (status, "there is no model yet" in str(answer["error"])) == (503, True)
        assert ask(address, "GET", "/models") == (200, {"models": []})
        add(tiny_bundle, models, 1)
        wait_for((200, 1), lambda: predicted(address))
        assert ask(address, "GET", "/readyz")[0] == 200


def test_under_load_no_request_fails_while_versions_come_break_and_go() -> None:
    quiet, coming, breaking, afterwards = soak(seconds=1.5, every=0.5, rate=60, poll=0.1)
    for phase in (quiet, coming, breaking, afterwards):
        assert phase.answers
        assert phase.failed == 0, phase.name
    assert max(answer.version for answer in breaking.answers) > 1
    assert {answer.version for answer in afterwards.answers} == set(afterwards.arrived)

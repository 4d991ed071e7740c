"""Teaching over HTTP: what is refused, in which words; and, with TensorFlow, that what was taught is read."""

import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from serving.app import create_app
from serving.bundle import Bundle
from serving.config import Config
from serving.repository import Repository
from serving.teach import process, runner, sets
from serving.teach.jobs import MOST_WAITING, Job, Jobs, State
from serving.teach.process import Standby
from serving.teach.runner import Runner
from serving.together import Elsewhere, Turn
from tests.conftest import running_server
from tests.drawings import FORMS, SEVEN
from training.datasets import DataSet

TOKEN = "correct-horse-battery"  # noqa: S105  # no secret
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SEVENS = [{"strokes": [[[x * scale, y] for x, y in SEVEN[0]]]} for scale in (1, 2)]
ONES = [{"strokes": [[[0, 0], [lean, 80]]]} for lean in (1, 5)]
LESSON = {"name": "runes", "classes": {"ka": SEVENS, "kha": ONES}}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    config = Config(models=tmp_path / "models", teach=tmp_path / "jobs", admin_token=TOKEN)
    client = create_app(config).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


def teach(client: FlaskClient, data: bytes | dict[str, Any], name: str = "runes") -> TestResponse:
    if isinstance(data, dict):
        return client.post("/teach", json=data)
    return client.post(f"/teach?name={name}", data=data, content_type="application/zip")


def zipped(files: dict[str, bytes], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def pictures(*labels: str) -> dict[str, bytes]:
    forms = list(FORMS.values())
    return {f"{label}/{number}.png": forms[number] for label in labels for number in range(2)}


def folder_of(client: FlaskClient) -> Path:
    jobs: Jobs = client.application.extensions["inkling_jobs"]
    return jobs.folder


def test_drawings_wait_in_the_order_in_which_they_came(client: FlaskClient) -> None:
    answers = [teach(client, {**LESSON, "name": name}) for name in ("runes", "more")]
    assert [answer.status_code for answer in answers] == [202, 202]
    first, second = (answer.get_json() for answer in answers)
    assert (first["state"], first["position"], second["position"]) == ("queued", 0, 1)
    jobs = client.get("/teach").get_json()["jobs"]
    assert [job["id"] for job in jobs] == [second["id"], first["id"]]
    one = client.get(f"/teach/{first['id']}", headers={"Authorization": ""}).get_json()
    assert (one["name"], one["classes"], one["drawings"], one["step"]) == ("runes", 2, 4, "waiting")
    place = folder_of(client) / first["id"] / "pictures"
    assert sorted(path.relative_to(place).as_posix() for path in place.rglob("*.png")) == [
        *("ka/1.png", "ka/2.png", "kha/1.png", "kha/2.png")
    ]


@pytest.mark.parametrize("root", ["", "my symbols/"])
def test_a_zip_of_folders_is_a_lesson(client: FlaskClient, root: str) -> None:
    files = {f"{root}{name}": data for name, data in pictures("ಕ", "ಖ").items()}
    beside = {"__MACOSX/._x.png": b"", f"{root}ಕ/.hidden.png": b"", f"{root}ಕ/notes.txt": b"none"}
    answer = teach(client, zipped({**files, **beside}, compression=zipfile.ZIP_DEFLATED))
    assert answer.status_code == 202, answer.text
    (job,) = client.get("/teach").get_json()["jobs"]
    assert (job["classes"], job["drawings"]) == (2, 4)


def test_a_zip_that_does_not_say_that_its_names_are_utf_8_is_read_all_the_same(client: FlaskClient) -> None:
    data = bytearray(zipped(pictures("ಕ", "ಖ")))
    # The flag is in the head of each file, and in the directory.
    for mark, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        start = data.find(mark)
        while start >= 0:
            data[start + offset] &= ~0x08
            start = data.find(mark, start + 4)
    assert teach(client, bytes(data)).status_code == 202
    job = client.get("/teach").get_json()["jobs"][0]
    assert sorted(path.name for path in (folder_of(client) / job["id"] / "pictures").iterdir()) == ["ಕ", "ಖ"]


def bomb() -> bytes:
    return zipped({f"a/{n}.png": b"\0" * 3_900_000 for n in range(20)}, compression=zipfile.ZIP_DEFLATED)


def lying() -> bytes:
    """A zip whose directory says that a large file is small."""
    data = zipped({**pictures("a", "b"), "a/9.png": b"\0" * 3_000_000}, compression=zipfile.ZIP_DEFLATED)
    size = (3_000_000).to_bytes(4, "little")
    return data.replace(size, (100).to_bytes(4, "little"))


def encrypted() -> bytes:
    data = bytearray(zipped(pictures("a", "b")))
    data[data.find(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("lesson", "status", "words"),
    [
        ({"name": "runes", "classes": {}}, 422, "there is no class"),
        ({"name": "runes", "classes": {"ka": SEVENS}}, 422, "there is one class; a model tells classes apart"),
        ({"name": "runes", "classes": {"ka": SEVENS, "kha": ONES[:1]}}, 422, "too few drawings of 'kha'"),
        ({"name": "runes", "classes": {"ka": SEVENS, "Ka": ONES}}, 422, "nearly the same name"),
        ({"name": "runes", "classes": {"ka": SEVENS, "../x": ONES}}, 422, "cannot be called '../x'"),
        ({"name": "runes", "classes": {"ka": SEVENS, ".": ONES}}, 422, "cannot be called '.'"),
        ({"name": "runes", "classes": {"ka": SEVENS, "": ONES}}, 422, "cannot be called ''"),
        ({"name": "runes", "classes": {"ka": SEVENS, "a\nb": ONES}}, 422, "cannot be called"),
        ({"name": "runes", "classes": {"ka": SEVENS, "kha": [*ONES, {"strokes": []}]}}, 422, "'kha', drawing 3: the"),
        ({"name": "runes", "classes": {"ka": SEVENS, "kha": [*ONES, 7]}}, 400, "'kha', drawing 3: a drawing must"),
        ({"name": "runes", "classes": {"ka": SEVENS, "kha": 7}}, 400, "'classes' must be an object of lists"),
        ({"name": "runes", "classes": [SEVENS, ONES]}, 400, "'classes' must be an object of lists"),
        ({"name": "runes", "classes": {str(n): ONES for n in range(201)}}, 413, "201 classes are too many"),
        ({"name": "runes", "classes": {"ka": ONES, "kha": ONES * 2500}}, 413, "5,002 drawings are too many"),
        ({"name": "digits", "classes": {"ka": SEVENS, "kha": ONES}}, 400, "'digits' is a model that comes"),
        ({"name": "../x", "classes": {"ka": SEVENS, "kha": ONES}}, 400, "'name' must be the new model's name"),
        ({"classes": {"ka": SEVENS, "kha": ONES}}, 400, "'name' must be"),
        ({"name": "digits", "corrections": 1}, 400, 'send {"name": "digits", "corrections": true} alone'),
        ({"name": "digits", "corrections": True}, 422, "this server takes no corrections"),
        (zipped(pictures("a")), 422, "there is one class"),
        (zipped({}), 422, "there is no class"),
        (zipped({"1.png": b""}), 400, "1.png is in no class's folder"),
        (zipped({"x/y/z/1.png": b""}), 400, "is in no class's folder"),
        (zipped({**pictures("a", "b"), "../../etc/1.png": b"x"}), 400, "in no class's folder"),
        (zipped({**pictures("a", ".."), "../1.png": FORMS["JPEG"]}), 422, "cannot be called '..'"),
        (zipped({**pictures("a", "b"), "a/9.png": b"not a picture"}), 400, "class 'a', 9.png: this is not an image"),
        (zipped({f"a/{n}.txt": b"" for n in range(sets.MOST_ENTRIES + 1)}), 413, "entries; at most"),
        (b"PK no zip", 400, "zip"),
        (zipped(pictures("a", "b"))[:-30], 400, "zip"),
        (bomb(), 413, "unpacked, the zip has 78,000,000 bytes"),
        (lying(), 400, "Bad CRC-32 for file 'a/9.png'"),
        (encrypted(), 400, "is encrypted"),
    ],
)
def test_a_bad_set_is_refused_with_words_that_help(
    client: FlaskClient, lesson: dict[str, Any] | bytes, status: int, words: str
) -> None:
    refused = teach(client, lesson)
    assert refused.status_code == status, refused.text
    assert words in refused.json["error"]  # type: ignore[index]
    assert client.get("/teach").get_json() == {"jobs": []}
    assert not list(folder_of(client).glob(".new-*"))


def test_nobody_teaches_without_the_token(client: FlaskClient) -> None:
    job = teach(client, LESSON).get_json()
    without = {"headers": {"Authorization": ""}}
    for answer in (
        client.post("/teach", json=LESSON, **without),  # type: ignore[arg-type]
        client.get("/teach", **without),  # type: ignore[arg-type]
        client.delete(f"/teach/{job['id']}", **without),  # type: ignore[arg-type]
    ):
        assert answer.status_code == 401
    assert len(client.get("/teach").get_json()["jobs"]) == 1


@pytest.mark.parametrize("settings", [{}, {"teach": "jobs"}, {"admin_token": TOKEN}])
def test_it_is_off_unless_a_folder_and_a_token_are_given(tmp_path: Path, settings: dict[str, Any]) -> None:
    settings = {name: tmp_path / value if name == "teach" else value for name, value in settings.items()}
    client = create_app(Config(models=tmp_path, **{"admin_token": "", **settings})).test_client()
    for answer in (client.post("/teach", json=LESSON, headers=BEARER), client.get("/teach/x/events")):
        assert answer.status_code == 404
        assert "start it with --teach DIR" in answer.text


def test_without_tensorflow_it_says_what_is_missing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.api.teach.is_possible", lambda: False)
    answer = teach(client, LESSON)
    assert (answer.status_code, "pip install 'inkling[train]'" in answer.text) == (404, True)


def test_a_job_that_waits_is_cancelled_at_once(client: FlaskClient) -> None:
    job = teach(client, LESSON).get_json()
    cancelled = client.delete(f"/teach/{job['id']}")
    assert (cancelled.status_code, cancelled.get_json()["state"]) == (200, "cancelled")
    assert not (folder_of(client) / job["id"] / "pictures").exists()
    again = client.delete(f"/teach/{job['id']}")
    assert (again.status_code, "has ended already: cancelled" in again.text) == (422, True)


def test_a_model_is_retrained_with_the_corrections_of_its_own_answers(tmp_path: Path) -> None:
    config = Config(
        models=tmp_path / "models", teach=tmp_path / "jobs", feedback=tmp_path / "corrections", admin_token=TOKEN
    )
    client = create_app(config).test_client()
    version = Repository(Path("nowhere")).versions("digits")[-1]
    wanted = {"name": "digits", "corrections": True}
    for count, truth in enumerate(["7", "1", "77", "7", "7", "1"]):
        refused = client.post("/teach", json=wanted, headers=BEARER)
        assert (refused.status_code, "5 at least are needed" in refused.text) == (422, True), count
        said = {"strokes": SEVEN, "model": "digits", "version": version, "answer": "7", "truth": truth}
        assert client.post("/feedback", json=said).status_code == 201
    answer = client.post("/teach", json=wanted, headers=BEARER)
    assert answer.status_code == 202, answer.text
    jobs: Jobs = client.application.extensions["inkling_jobs"]
    job = jobs.get(answer.get_json()["id"])
    assert (job.classes, job.drawings, job.corrections) == (2, 5, True)
    assert len(list((jobs.place(job) / "pictures").glob("*/*.png"))) == 5
    arguments = Runner(jobs, tmp_path / "models")._arguments(job)
    assert {"--correct", "--name", "digits"} <= set(arguments)
    refused = client.post("/teach", json={**wanted, "name": "symbols"}, headers=BEARER)
    assert (refused.status_code, "there are 0 corrections" in refused.text) == (422, True)


@pytest.mark.parametrize("name", ["x", "..", "a" * 22, "waiting"])
def test_an_unknown_job_is_not_found(client: FlaskClient, name: str) -> None:
    for answer in (client.get(f"/teach/{name}"), client.delete(f"/teach/{name}"), client.get(f"/teach/{name}/events")):
        assert answer.status_code == 404


def test_so_many_may_wait_and_no_more(client: FlaskClient) -> None:
    answers = [teach(client, LESSON).status_code for _ in range(MOST_WAITING + 1)]
    assert answers == [202] * MOST_WAITING + [503]
    assert len(list(folder_of(client).glob("*/pictures"))) == MOST_WAITING


def test_a_full_disk_is_told_and_leaves_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        refused = teach(client, LESSON)
    assert (refused.status_code, "No space left on device" in refused.text) == (507, True)
    assert not list(folder_of(client).glob(".new-*"))
    assert teach(client, LESSON).status_code == 202


def test_events_come_once_each_and_end(client: FlaskClient) -> None:
    place = f"/teach/{teach(client, LESSON).get_json()['id']}"
    first = client.get(f"{place}/events")
    assert (first.mimetype, first.headers["Cache-Control"]) == ("text/event-stream", "no-store")
    retry, number, data, end, _ = first.text.split("\n")
    assert retry.startswith("retry: ")
    assert json.loads(data.removeprefix("data: "))["state"] == "queued"
    assert end == ""
    seen = {"Last-Event-ID": number.removeprefix("id: ")}
    assert "data:" not in client.get(f"{place}/events", headers=seen).text
    client.delete(place)
    last = client.get(f"{place}/events", headers=seen)
    lines = dict(line.split(": ", 1) for line in last.text.splitlines() if line)
    assert json.loads(lines["data"])["state"] == "cancelled"
    assert client.get(f"{place}/events", headers={"Last-Event-ID": lines["id"]}).status_code == 204


class Pretended(Standby):
    """A process that does what a program of a few lines says, in the place of one that learns."""

    program = "pass"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.life = os.urandom(8).hex()
        with (folder / self.life).open("w") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
            head = f"import json, sys, time, signal; a = json.loads(sys.stdin.readline()); p = open(a[-3], 'a')\n{TELL}"
            self._process = subprocess.Popen(
                [sys.executable, "-c", head + self.program],
                stdin=subprocess.PIPE,
                pass_fds=[alive.fileno()],
                start_new_session=True,
            )


TELL = "def tell(**f): print(json.dumps(f), file=p, flush=True)\n"


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(runner, "Standby", Pretended)
    return lambda program: monkeypatch.setattr(Pretended, "program", program)


def submitted(client: FlaskClient) -> tuple[Jobs, Job]:
    jobs: Jobs = client.application.extensions["inkling_jobs"]
    return jobs, jobs.get(teach(client, LESSON).get_json()["id"])


DONE = "tell(state='done', model='runes', version=3, message='fine')"


def test_progress_is_told_and_the_end(client: FlaskClient, tmp_path: Path, pretended: Callable[[str], None]) -> None:
    pretended(f"tell(step='reading', share=0.5); time.sleep(0.5); {DONE}")
    jobs, job = submitted(client)
    found = Runner(jobs, tmp_path)
    assert found.turn()
    ended = jobs.get(job.id)
    assert (ended.state, ended.model, ended.version, ended.message) == (State.DONE, "runes", 3, "fine")
    assert (ended.share, ended.seconds >= 0.4) == (1.0, True)
    assert not (jobs.place(job) / "pictures").exists()
    assert not found.turn(ahead=False)
    found.close()


def test_a_process_that_ends_without_a_word_is_told_as_interrupted(
    client: FlaskClient, tmp_path: Path, pretended: Callable[[str], None]
) -> None:
    pretended("tell(step='reading', share=0.5); os = __import__('os'); os.kill(os.getpid(), 9)")
    jobs, job = submitted(client)
    Runner(jobs, tmp_path).turn()
    ended = jobs.get(job.id)
    assert (ended.state, "teach it again" in ended.message) == (State.INTERRUPTED, True)


def test_a_running_job_is_cancelled_even_if_it_does_not_listen(
    client: FlaskClient, tmp_path: Path, pretended: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PATIENCE", 0.3)
    pretended("signal.signal(signal.SIGTERM, signal.SIG_IGN); tell(step='reading', share=0.5); time.sleep(100)")
    jobs, job = submitted(client)
    cancels = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, time; from pathlib import Path; from serving.teach.jobs import Jobs\n"
            "jobs = Jobs(Path(sys.argv[1]))\n"
            "while jobs.get(sys.argv[2]).step != 'reading': time.sleep(0.05)\n"
            "assert jobs.cancel(sys.argv[2]).state == 'running'",
            *(str(jobs.folder), job.id),
        ]
    )
    Runner(jobs, tmp_path).turn()
    assert cancels.wait() == 0
    assert jobs.get(job.id).state is State.CANCELLED


def test_a_job_that_takes_too_long_is_given_up(
    client: FlaskClient, tmp_path: Path, pretended: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LONGEST", 0.3)
    pretended("time.sleep(100)")
    jobs, job = submitted(client)
    Runner(jobs, tmp_path).turn()
    ended = jobs.get(job.id)
    assert (ended.state, "give fewer drawings" in ended.message) == (State.FAILED, True)


def test_a_job_goes_on_without_the_worker_that_started_it(
    client: FlaskClient, tmp_path: Path, pretended: Callable[[str], None]
) -> None:
    pretended(f"tell(step='reading', share=0.5); time.sleep(1); {DONE}")
    jobs, job = submitted(client)
    if (worker := os.fork()) == 0:
        Runner(jobs, tmp_path).turn()
        os._exit(0)
    while jobs.get(job.id).step != "reading":
        time.sleep(0.02)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    assert jobs.get(job.id).state is State.RUNNING
    later = Runner(Jobs(jobs.folder), tmp_path)
    later.turn(ahead=False)
    assert jobs.get(job.id).state is State.DONE


def test_a_job_that_ended_with_the_whole_machine_is_told_as_interrupted(client: FlaskClient, tmp_path: Path) -> None:
    jobs, job = submitted(client)
    # As a machine that lost its power leaves it: processes have other numbers now, and nobody holds a lock.
    jobs.change(job.id, state=State.RUNNING, process=os.getpid(), life="gone", started=time.time())
    Runner(Jobs(jobs.folder), tmp_path).turn(ahead=False)
    assert jobs.get(job.id).state is State.INTERRUPTED


def test_a_download_is_a_version_directory_and_nobody_gets_it_without_the_token(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    config = Config(models=tiny_bundle.path.parents[1], admin_token=TOKEN)
    client = create_app(config).test_client()
    place = "/models/tiny/versions/1/download"
    assert client.get(place).status_code == 401
    answer = client.get(place, headers=BEARER)
    assert answer.mimetype == "application/zip"
    assert "tiny-1.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as file:
        file.extractall(tmp_path)
    served = create_app(Config(models=tmp_path)).test_client()
    assert served.post("/predict?model=tiny", json={"strokes": SEVEN}).status_code == 200
    assert {path.name for path in (tmp_path / "tiny" / "1").iterdir()} >= {"saved_model.pb", "variables", "assets"}
    turn = Turn(lambda: client.get(place, headers=BEARER))
    assert isinstance(turn.switch(), Elsewhere), "made while all others wait"
    missing = client.get("/models/tiny/versions/9/download", headers=BEARER)
    assert (missing.status_code, "no version 9" in missing.text) == (404, True)


@pytest.mark.slow
def test_what_is_taught_is_read_by_the_running_server(optdigits: DataSet, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    files = {}
    for label, digit in (("ka", 2), ("kha", 7)):
        chosen = optdigits.x_train[optdigits.y_train == digit]
        for number, picture in enumerate(chosen[:5]):
            files[f"{label}/{number}.png"] = cv2.imencode(".png", 255 - picture[::-1, ::-1])[1].tobytes()
    shown = 255 - optdigits.x_train[optdigits.y_train == 7][9][::-1, ::-1]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, "PNG")

    def ask(address: str, path: str, data: bytes | None = None, **headers: str) -> Any:
        asked = urllib.request.Request(address + path, data, {**BEARER, **headers})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            body = answer.read()
            return json.loads(body) if answer.headers["Content-Type"] == "application/json" else body

    with running_server(
        *("--models", str(tmp_path / "models"), "--teach", str(tmp_path / "jobs"), "--workers", "2"),
        *("--admin-token-file", str(tmp_path / "token"), "--log", "errors"),
    ) as address:
        job = ask(address, "/teach?name=runes", zipped(files), **{"Content-Type": "application/zip"})
        steps = set()
        while (told := ask(address, f"/teach/{job['id']}"))["state"] in ("queued", "running"):
            steps.add(told["step"])
            time.sleep(0.1)
        assert told["state"] == "done", told
        assert (told["model"], told["version"]) == ("runes", 1)
        assert len(steps) >= 4
        read = ask(address, "/predict?model=runes", buffer.getvalue(), **{"Content-Type": "image/png"})
        assert (read["text"], read["version"]) == ("kha", 1)
        with zipfile.ZipFile(io.BytesIO(ask(address, "/models/runes/versions/1/download"))) as file:
            assert "runes/1/saved_model.pb" in file.namelist()

"""Corrections: taken where that is wanted, kept whatever happens, given out as pictures, removed by those who may."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from serving import ink
from serving.app import create_app
from serving.config import Config
from serving.drawing import Drawing, parsed
from serving.errors import InklingError, NotReadyError, StorageError, TooOftenError
from serving.feedback import schema
from serving.feedback.export import export
from serving.feedback.store import Correction, Feedback
from serving.rates import Rates
from serving.repository import Repository
from tests.drawings import FORMS, SEVEN
from training import readers

TOKEN = "correct-horse-battery"  # noqa: S105  # no secret
ROOT = Path(__file__).resolve().parents[2]
VERSION = Repository(Path("nowhere")).versions("digits")[-1]
SAID: dict[str, Any] = {"model": "digits", "version": VERSION, "answer": "1", "truth": "7"}
CORRECTION = Correction(parsed({"strokes": SEVEN}, 10_000), "digits", 4, "1", "7", one=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "corrections.sqlite"


@pytest.fixture
def client(tmp_path: Path, file: Path) -> FlaskClient:
    config = Config(models=tmp_path, feedback=file, feedback_bytes=3_000_000, feedback_rate=60, admin_token=TOKEN)
    return create_app(config).test_client()


@pytest.fixture
def store(file: Path) -> Iterator[Feedback]:
    found = Feedback(file, 1_000_000)
    yield found
    found.close()


def kept(client: FlaskClient) -> int:
    answer = client.get("/feedback", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    return int((answer.json or {})["corrections"])


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "serving.feedback", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT
    )


def test_a_correction_is_kept_counted_and_removed_by_its_id(client: FlaskClient) -> None:
    answer = client.post("/feedback", json={"strokes": SEVEN, **SAID})
    assert answer.status_code == 201, answer.text
    assert kept(client) == 1
    place = f"/feedback/{answer.json['id']}"  # type: ignore[index]
    assert client.delete(place).status_code == 204
    assert kept(client) == 0
    again = client.delete(place)
    assert (again.status_code, "there is no correction" in again.text) == (404, True)


def test_it_is_off_unless_it_was_asked_for(tmp_path: Path) -> None:
    client = create_app(Config(models=tmp_path)).test_client()
    for answer in (client.post("/feedback", json={"strokes": SEVEN, **SAID}), client.delete("/feedback/x")):
        assert answer.status_code == 404
        assert "start it with --feedback FILE" in answer.text
    assert not list(tmp_path.iterdir())


def test_nothing_is_kept_but_what_was_sent(client: FlaskClient, file: Path) -> None:
    client.post("/feedback", json={"strokes": SEVEN, **SAID}, headers={"User-Agent": "a browser"})
    with sqlite3.connect(file) as connection:
        cursor = connection.execute("SELECT * FROM corrections")
        row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    connection.close()
    assert len(row.pop("id")) >= 20
    assert json.loads(row.pop("drawing")) == SEVEN
    assert row == {
        **{"number": 1, "model": "digits", "version": VERSION, "answer": "1", "truth": "7"},
        **{"one": 1, "box": None, "kind": "strokes"},
    }


def test_only_those_with_the_token_count(client: FlaskClient) -> None:
    assert client.get("/feedback").status_code == 401


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"truth": "x"}, 422, "'x' is no label of model 'digits'"),
        ({"truth": ""}, 400, "'truth' must be a text of 1 to 200"),
        ({"truth": "7" * 201}, 400, "'truth' must be"),
        ({"truth": "77", "box": [0, 0, 1, 1]}, 422, "no label"),
        ({"answer": "<script>"}, 422, "'answer' must be what model 'digits' read"),
        ({"answer": None}, 400, "'answer' must be"),
        ({"model": "runes"}, 404, "no model 'runes'"),
        ({"model": 3}, 400, "'model' must be"),
        ({"version": 999}, 404, "no version 999"),
        ({"version": "4"}, 400, "'version' must be the number"),
        ({"version": True}, 400, "'version' must be the number"),
        ({"box": [1, 2, 3]}, 400, "'box' must be [left"),
        ({"box": [1, 2, -3, 4]}, 400, "'box' must be [left"),
        ({"strokes": []}, 422, "blank"),
        ({"strokes": [["a"]]}, 400, "pairs of finite numbers"),
        ({"strokes": 3}, 400, "a list of strokes"),
        ({"image": "aGVsbG8="}, 400, "a drawing must be"),
        ({"strokes": None}, 400, "a list of strokes"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: FlaskClient, changed: dict[str, Any], status: int, words: str
) -> None:
    refused = client.post("/feedback", json={"strokes": SEVEN, **SAID, **changed})
    assert refused.status_code == status, refused.text
    assert words in refused.json["error"]  # type: ignore[index]
    assert kept(client) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"7"])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, body: bytes) -> None:
    assert client.post("/feedback", data=body).status_code == 400


def test_several_labels_joined_are_a_truth_and_no_picture(client: FlaskClient, file: Path, tmp_path: Path) -> None:
    assert client.post("/feedback", json={"strokes": SEVEN, **SAID, "truth": "407"}).status_code == 201
    done = command("export", file, tmp_path / "out")
    assert (done.returncode, ": 0 pictures" in done.stdout, "left out: 1 of several" in done.stderr) == (0, True, True)


def test_who_sends_too_many_waits_and_others_do_not(tmp_path: Path, file: Path) -> None:
    client = create_app(Config(models=tmp_path, feedback=file, feedback_rate=3)).test_client()
    answers = [client.post("/feedback", json={"strokes": SEVEN, **SAID}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert client.post("/feedback", json={"strokes": SEVEN, **SAID}).status_code == 201


def test_processes_count_a_client_together() -> None:
    rates = Rates(2)
    rates.check("somebody")
    if os.fork() == 0:
        rates.check("somebody")
        os._exit(0)
    os.wait()
    with pytest.raises(TooOftenError, match="too often"):
        rates.check("somebody")


def test_the_oldest_go_when_it_is_full(file: Path) -> None:
    store = Feedback(file, 1_000)
    drawing = Drawing("image", b"x" * 300)
    names = [store.add(Correction(drawing, "m", 1, "a", str(number), one=True)) for number in range(5)]
    assert [name for name, _ in store.all()] == names[-3:]
    assert store.totals() == (3, 900)


def test_the_file_stays_as_small_as_it_may_be(file: Path) -> None:
    store = Feedback(file, 300_000)
    for _ in range(200):
        store.add(Correction(Drawing("image", os.urandom(20_000)), "m", 1, "a", "b", one=True))
    assert store.totals() == (15, 300_000)
    store.close()
    assert sum(path.stat().st_size for path in file.parent.iterdir()) < 1_000_000


def test_what_is_removed_is_not_in_the_file_any_more(file: Path, store: Feedback) -> None:
    secret = os.urandom(32)
    name = store.add(Correction(Drawing("image", secret), "m", 1, "a", "b", one=True))
    store.remove(name)
    store.close()
    assert all(secret not in path.read_bytes() for path in file.parent.iterdir())


def test_an_id_is_no_option_of_a_command(store: Feedback) -> None:
    assert all(store.add(CORRECTION).isalnum() for _ in range(30))


WRITES = """
import os, sys
from pathlib import Path
from serving.drawing import Drawing
from serving.feedback.store import Correction, Feedback

store = Feedback(Path(sys.argv[1]), 100_000_000)
while True:
    print(store.add(Correction(Drawing("image", os.urandom(50_000)), "m", 1, "a", "b", one=True)), flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_answered(file: Path) -> None:
    answered: list[str] = []
    for _ in range(3):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITES, file], stdout=subprocess.PIPE, text=True, cwd=ROOT)
            for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout
            answered += [writer.stdout.readline().strip() for _ in range(5)]
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            assert writer.stdout
            # The last line may be cut off.
            answered += [line.strip() for line in writer.stdout if line.endswith("\n")]
            writer.stdout.close()
            writer.wait()
        store = Feedback(file, 100_000_000)
        assert {name for name, _ in store.all()} >= set(answered)
        assert len({*answered}) == len(answered)
        store.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


OPENS = """
import multiprocessing, sys
from pathlib import Path
from serving.feedback.store import Feedback

def opens(together):
    for number in range(100):
        together.wait()
        Feedback(Path(sys.argv[1]) / f"{number}.sqlite", 1_000).close()

together = multiprocessing.Barrier(4, timeout=10)
processes = [multiprocessing.Process(target=opens, args=(together,)) for _ in range(4)]
for process in processes:
    process.start()
for process in processes:
    process.join()
sys.exit(any(process.exitcode for process in processes))
"""


def test_processes_that_open_a_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", OPENS, tmp_path], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


FILLS = """
import resource, signal, sys
from pathlib import Path
from serving.app import create_app
from serving.config import Config

sys.path.insert(0, ".")
from tests.serving.test_feedback import SAID, SEVEN

client = create_app(Config(models=Path("nowhere"), feedback=Path(sys.argv[1]), feedback_rate=1000)).test_client()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
large = {"strokes": [[[n % 83, n % 91] for n in range(9_000)]], **SAID}
assert client.post("/feedback", json=large).status_code == 201
# No file may grow from here on: what a full disk is to a program.
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
statuses = [client.post("/feedback", json=large) for _ in range(10)]
print([answer.status_code for answer in statuses])
print(statuses[-1].json["error"])
print(client.post("/predict", json={"strokes": SEVEN}).json["text"])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(client.post("/feedback", json=large).status_code)
"""


def test_on_a_full_disk_nothing_is_lost_and_the_server_goes_on(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILLS, file], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    statuses, words, read, after = done.stdout.splitlines()
    found = json.loads(statuses)
    assert found[-1] == 507
    assert set(found) == {201, 507}
    assert "corrections cannot be kept" in words
    assert "nothing was lost" in words
    assert (read, after) == ("7", "201")
    store = Feedback(file, 100_000_000)
    assert store.totals()[0] == 2 + found.count(201)
    store.close()


def test_writers_wait_for_each_other_and_are_told_when_it_takes_too_long(
    file: Path, store: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.feedback.store._WAIT", 0.05)
    other = Feedback(file, 1_000_000)
    writing = sqlite3.connect(file, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotReadyError, match="try again in a second"):
        other.add(CORRECTION)
    writing.execute("ROLLBACK")
    writing.close()
    other.add(CORRECTION)
    assert store.totals()[0] == 1


def test_a_file_of_another_program_is_left_alone(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    with pytest.raises(NotReadyError, match="another program"):
        Feedback(file, 1_000)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    connection.close()
    file.write_bytes(b"no database at all, but long enough to look like one" * 100)
    with pytest.raises(StorageError, match="none of ours"):
        Feedback(file, 1_000)


def test_a_file_of_a_newer_inkling_is_left_alone(file: Path) -> None:
    Feedback(file, 1_000).close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {schema.NEWEST + 1}")
    connection.close()
    with pytest.raises(NotReadyError, match="newer Inkling"):
        Feedback(file, 1_000)


def test_a_file_of_an_older_inkling_is_brought_up_to_date_whole_or_not_at_all(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Feedback(file, 1_000_000)
    store.add(CORRECTION)
    store.close()
    newer = (*schema._MIGRATIONS, "CREATE TABLE more (x);\nINSERT INTO nowhere VALUES (1);\n")
    monkeypatch.setattr(schema, "_MIGRATIONS", newer)
    monkeypatch.setattr(schema, "NEWEST", 2)
    with pytest.raises(InklingError):
        Feedback(file, 1_000_000)
    monkeypatch.setattr(schema, "_MIGRATIONS", (*newer[:1], "CREATE TABLE more (x);\n"))
    store = Feedback(file, 1_000_000)
    assert store.totals()[0] == 1
    store.close()


def test_it_is_exported_as_pictures_that_training_reads(store: Feedback, tmp_path: Path) -> None:
    store.add(CORRECTION)
    for form in ("black on white", "JPEG", "WebP"):
        store.add(Correction(Drawing("image", FORMS[form]), "digits", 4, "", "7", one=True))
    # Two symbols side by side, of which the right one is meant.
    both = [*SEVEN, [[100, 0], [100, 80]]]
    name = store.add(Correction(parsed({"strokes": both}, 9999), "digits", 4, "77", "1", True, (100, 0, 0, 80)))
    store.add(Correction(CORRECTION.drawing, "runes", 1, "a", "b", one=True))
    found = export(store.all("digits"), tmp_path / "out")
    assert found.pictures == {"7": 4, "1": 1}
    assert (tmp_path / "out" / "1" / f"{name}.png").is_file()
    read = readers.read(tmp_path / "out")
    assert (read.labels, len(read.x), read.warnings) == (("1", "7"), 5, ())
    (seven,) = ink.from_strokes(SEVEN).pictures
    (one,) = ink.from_strokes([both[-1]]).pictures
    for label, wanted in (("7", seven), ("1", one)):
        for picture in read.x[read.y == read.labels.index(label)]:
            assert abs(picture.astype(float) - wanted).mean() < 12


def test_a_box_cuts_one_symbol_out_of_an_image() -> None:
    drawing = Drawing("image", FORMS["off-centre"])
    data, ending = drawing.as_file((12, 150, 75, 120))
    assert ending == ".png"
    whole, part = ink.from_bytes(FORMS["off-centre"]), ink.from_bytes(data)
    assert abs(whole.pictures[0].astype(float) - part.pictures[0]).mean() < 8
    assert ink.from_bytes(drawing.as_file((200, 10, 20, 20))[0]).pictures.size == 0


def test_the_commands_say_what_they_did_or_what_is_wrong(store: Feedback, file: Path, tmp_path: Path) -> None:
    name = store.add(CORRECTION)
    done = command("export", file, tmp_path / "out")
    assert done.stdout == f"{tmp_path / 'out'}: 1 picture (7: 1)\n"
    again = command("export", file, tmp_path / "out")
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    assert command("delete", file, name).stdout == f"{name} is removed\n"
    assert "there is no correction" in command("delete", file, name).stderr
    assert "there is no file" in command("export", tmp_path / "missing", tmp_path / "x").stderr

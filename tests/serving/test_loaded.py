"""Versions come, break, are labelled and go, and what is served follows."""

import gc
import itertools
import logging
import os
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving import engines, version_labels
from serving.bundle import Bundle
from serving.config import Config
from serving.errors import BundleError, InklingError, NotFoundError, NotReadyError
from serving.ink import from_strokes
from serving.loaded import LoadedModels
from serving.metrics import Metrics
from tests.drawings import SEVEN
from tests.serving.version_folders import add, damage, states


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with version 1 of `tiny`, and no shipped models behind it."""
    monkeypatch.setattr("serving.repository.SHIPPED", tmp_path / "nothing")
    models = tmp_path / "models"
    add(tiny_bundle, models, 1)
    return models


def loaded(folder: Path, policy: str = "latest") -> LoadedModels:
    return LoadedModels(Config(models=folder, version_policy=policy), Metrics("openvino"))


def newest(models: LoadedModels, name: str | None = "tiny") -> int:
    return models.get(name).bundle.version


def test_a_new_version_takes_over_and_the_old_one_ends(tiny_bundle: Bundle, folder: Path) -> None:
    models = loaded(folder)
    assert (newest(models), states(models)) == (1, {1: "AVAILABLE"})
    add(tiny_bundle, folder, 2)
    assert newest(models) == 1
    models.refresh()
    assert newest(models) == newest(models, None) == 2
    gc.collect()
    assert states(models) == {2: "AVAILABLE", 1: "END"}


def test_a_new_version_is_made_ready_for_what_the_old_one_was_asked(tiny_bundle: Bundle, folder: Path) -> None:
    models = loaded(folder)
    embeds = []
    for version in (2, 3):
        embeds.append(models.get("tiny").engine.embeds)
        models.get("tiny").engine.embed(from_strokes(SEVEN).pictures)
        add(tiny_bundle, folder, version)
        models.refresh()
        assert newest(models) == version
    embeds.append(models.get("tiny").engine.embeds)
    assert embeds == [False, True, True]


def test_what_did_not_change_is_not_loaded_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = loaded(folder)
    before = models.get("tiny")
    monkeypatch.setattr("serving.versions.load", None)
    models.refresh()
    assert models.get("tiny") is before


def test_a_request_goes_on_with_the_version_that_it_began_with_which_is_released_after_it(
    tiny_bundle: Bundle, folder: Path
) -> None:
    models = loaded(folder)
    held: Any = models.get("tiny")
    engine = weakref.ref(held.engine)
    add(tiny_bundle, folder, 2)
    models.refresh()
    assert states(models) == {2: "AVAILABLE", 1: "UNLOADING"}
    # A thread that used it, as the server's do, must not keep it either.
    with ThreadPoolExecutor(1) as pool:
        (reading,) = pool.submit(held.read, [from_strokes(SEVEN)]).result()
        assert reading.symbols
        del held
        gc.collect()
        assert engine() is None
    assert states(models) == {2: "AVAILABLE", 1: "END"}


def test_nobody_is_kept_waiting_or_turned_away_while_versions_come_and_go(tiny_bundle: Bundle, folder: Path) -> None:
    models = loaded(folder)
    ink = from_strokes(SEVEN)
    going = threading.Event()
    seen: list[int] = [newest(models)]

    def ask() -> None:
        while not going.is_set():
            recognizer = models.get("tiny")
            recognizer.read([ink])
            seen.append(recognizer.bundle.version)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for version in (2, 3, 4):
                damage(add(tiny_bundle, folder, version + 10))
                models.refresh()
                add(tiny_bundle, folder, version)
                shutil.rmtree(folder / "tiny" / str(version - 1))
                shutil.rmtree(folder / "tiny" / str(version + 10))
                models.refresh()
        finally:
            going.set()
        for one in asking:
            one.result()
    assert newest(models) == 4
    assert set(seen) <= {1, 2, 3, 4}


@pytest.mark.parametrize("policy", ["latest", "all"])
def test_a_broken_version_is_told_and_the_old_one_goes_on_until_it_is_mended(
    policy: str, tiny_bundle: Bundle, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = loaded(folder, policy)
    newest(models)
    broken = add(tiny_bundle, folder, 2)
    damage(broken)
    models.refresh()
    assert newest(models) == 1
    status = models.statuses("tiny")[0]
    assert (status.version, status.state, status.code) == (2, "END", "DATA_LOSS")
    assert "was altered since it was written" in status.error
    # Clients learn which file it is, but not where the server keeps its models.
    assert status.error.startswith("tiny/2/variables")
    assert not caplog.records
    with pytest.raises(BundleError, match="was altered"):
        models.get("tiny", 2)
    for _ in range(3):
        models.refresh()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    damage(broken)
    models.refresh()
    assert newest(models) == 2
    assert models.statuses("tiny")[0].error == ""


def test_a_version_copied_file_by_file_is_served_once_it_is_whole(tiny_bundle: Bundle, folder: Path) -> None:
    models = loaded(folder)
    newest(models)
    files = sorted(path for path in tiny_bundle.path.rglob("*") if path.is_file())
    for number, file in enumerate(files):
        assert newest(models) == 1
        copy = folder / "tiny" / "2" / file.relative_to(tiny_bundle.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes()
        copy.write_bytes(data[: len(data) // 2])
        models.refresh()
        assert states(models) == {2: "END", 1: "AVAILABLE"}, number
        copy.write_bytes(data)
        models.refresh()
    assert newest(models) == 2


def test_with_a_broken_newest_version_a_fresh_start_serves_the_one_before(tiny_bundle: Bundle, folder: Path) -> None:
    damage(add(tiny_bundle, folder, 2))
    models = loaded(folder)
    assert newest(models) == 1
    assert states(models) == {2: "END", 1: "AVAILABLE"}


def test_a_version_with_fewer_labels_than_outputs_is_not_swapped_in(
    folder: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = loaded(folder)
    newest(models)
    add(tiny_bundle, folder, 2)
    monkeypatch.setattr(
        Bundle, "labels", property(lambda bundle: bundle.metadata.labels[: 10 if bundle.version == 1 else 2])
    )
    models.refresh()
    assert newest(models) == 1
    assert "tiny/2 has 2 labels, and a network that answers with 10 numbers" in models.statuses("tiny")[0].error


def test_a_fault_that_nobody_foresaw_is_logged_and_the_old_one_goes_on(
    tiny_bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    models = loaded(folder)
    newest(models)
    add(tiny_bundle, folder, 2)
    monkeypatch.setattr(engines.OpenVINOEngine, "predict", lambda *_: 1 / 0)
    models.refresh()
    status = models.statuses("tiny")[0]
    assert status.error == "tiny/2 cannot be loaded; the server's log says more"
    assert "ZeroDivisionError" in caplog.text
    assert states(models) == {2: "END", 1: "AVAILABLE"}


def test_files_that_cannot_be_read_for_a_while_are_tried_again(
    tiny_bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = loaded(folder)
    newest(models)
    add(tiny_bundle, folder, 2)
    with monkeypatch.context() as patched:
        patched.setattr("serving.bundle.read", _denied)
        models.refresh()
    status = models.statuses("tiny")[0]
    assert (status.error, status.code) == ("tiny/2 cannot be loaded now: Permission denied", "UNAVAILABLE")
    models.refresh()
    assert newest(models) == 2


def _denied(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_damage_to_a_version_that_is_served_is_told_and_harms_nobody(folder: Path) -> None:
    models = loaded(folder)
    before = models.get("tiny")
    damage(folder / "tiny" / "1")
    models.refresh()
    assert models.get("tiny") is before
    (status,) = models.statuses("tiny")
    assert (status.state, status.code) == ("AVAILABLE", "DATA_LOSS")
    damage(folder / "tiny" / "1")
    models.refresh()
    assert models.statuses("tiny")[0].error == ""


def test_removing_the_served_version_falls_back_to_the_next(tiny_bundle: Bundle, folder: Path) -> None:
    add(tiny_bundle, folder, 2)
    models = loaded(folder)
    assert newest(models) == 2
    shutil.rmtree(folder / "tiny" / "2")
    models.refresh()
    assert newest(models) == 1
    shutil.rmtree(folder / "tiny")
    models.refresh()
    with pytest.raises(NotFoundError, match="no model 'tiny'; there is: none yet"):
        models.get("tiny")
    with pytest.raises(NotReadyError, match="there is no model yet"):
        models.get()
    assert states(models) == {}


def test_what_was_removed_goes_on_where_what_remains_is_broken(tiny_bundle: Bundle, folder: Path) -> None:
    add(tiny_bundle, folder, 2)
    damage(folder / "tiny" / "1")
    models = loaded(folder)
    newest(models)
    shutil.rmtree(folder / "tiny" / "2")
    models.refresh()
    assert newest(models) == 2
    damage(folder / "tiny" / "1")
    models.refresh()
    assert newest(models) == 1


def test_the_first_model_is_picked_up_when_it_appears(tmp_path: Path, folder: Path) -> None:
    models = loaded(tmp_path / "later")
    for _ in range(2):
        with pytest.raises(NotReadyError, match="there is no model yet"):
            models.get()
        models.refresh()
    shutil.copytree(folder, tmp_path / "later")
    models.refresh()
    assert newest(models, None) == 1


def test_others_are_loaded_when_they_are_asked_for_and_kept_up_to_date(tiny_bundle: Bundle, folder: Path) -> None:
    add(tiny_bundle, folder, 1, "digits")
    models = loaded(folder)
    models.refresh()
    assert (states(models), states(models, "digits")) == ({1: "START"}, {1: "AVAILABLE"})
    assert models.get().bundle.name == "digits"
    newest(models)
    for name in ("tiny", "digits"):
        add(tiny_bundle, folder, 2, name)
    models.refresh()
    assert newest(models) == newest(models, "digits") == 2


def test_a_better_default_takes_over_only_if_it_can_answer(tiny_bundle: Bundle, folder: Path) -> None:
    models = loaded(folder)
    assert models.get().bundle.name == "tiny"
    digits = add(tiny_bundle, folder, 1, "digits")
    damage(digits)
    models.refresh()
    assert models.get().bundle.name == "tiny"
    damage(digits)
    models.refresh()
    assert models.get().bundle.name == "digits"


def test_a_model_that_half_hides_a_shipped_one_does_not_end_it(
    tiny_bundle: Bundle, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.repository.SHIPPED", folder)
    models = loaded(tmp_path / "own")
    shipped = models.get("tiny")
    own = tmp_path / "own" / "tiny" / "1"
    own.mkdir(parents=True)
    models.refresh()
    assert models.get("tiny") is shipped
    own.rmdir()
    add(tiny_bundle, tmp_path / "own", 1)
    models.refresh()
    assert models.get("tiny").bundle.path == own


@pytest.mark.parametrize(
    ("policy", "served", "refused"),
    [
        ("latest", {None: 3, 3: 3}, 2),
        ("latest:2", {None: 3, 2: 2, 3: 3}, 1),
        ("all", {None: 3, 1: 1, 2: 2, 3: 3}, None),
        ("specific:1,2,9", {None: 2, 1: 1, 2: 2}, 3),
    ],
)
def test_the_policy_says_which_versions_are_served(
    policy: str, served: dict[int | None, int], refused: int | None, tiny_bundle: Bundle, folder: Path
) -> None:
    for version in (2, 3):
        add(tiny_bundle, folder, version)
    models = loaded(folder, policy)
    assert {version: models.get("tiny", version).bundle.version for version in served} == served
    if refused:
        with pytest.raises(NotFoundError, match=rf"version {refused} .* but the server serves {policy}, which is"):
            models.get("tiny", refused)


def test_a_policy_that_no_version_fits_is_told(folder: Path) -> None:
    with pytest.raises(NotFoundError, match="no version that specific:7 would serve; there is 1"):
        loaded(folder, "specific:7").get("tiny")


def test_labels_are_followed_and_keep_what_they_name_served(tiny_bundle: Bundle, folder: Path) -> None:
    for version in (2, 3):
        add(tiny_bundle, folder, version)
    models = loaded(folder)
    with pytest.raises(NotFoundError, match="no label 'stable'; there is: none yet"):
        models.get("tiny", "stable")
    models.put_label("tiny", "stable", 1)
    assert models.get("tiny", "stable").bundle.version == models.get("tiny", 1).bundle.version == 1
    assert newest(models) == 3
    assert models.get(None, "stable") is models.get("tiny", "stable")
    other = loaded(folder)
    assert other.get("tiny", "stable").bundle.version == 1
    models.put_label("tiny", "stable", 2)
    other.refresh()
    assert other.get("tiny", "stable").bundle.version == 2
    gc.collect()
    assert states(models) == states(other) == {3: "AVAILABLE", 2: "AVAILABLE", 1: "END"}
    models.remove_label("tiny", "stable")
    with pytest.raises(NotFoundError, match="no label 'stable'"):
        models.get("tiny", "stable")


def test_a_label_for_what_cannot_be_served_is_refused(tiny_bundle: Bundle, folder: Path) -> None:
    damage(add(tiny_bundle, folder, 2))
    models = loaded(folder)
    with pytest.raises(BundleError, match="was altered"):
        models.put_label("tiny", "canary", 2)
    with pytest.raises(NotFoundError, match="no version 7; there is 1, 2"):
        models.put_label("tiny", "canary", 7)
    with pytest.raises(NotFoundError, match="no model 'runes'"):
        models.put_label("runes", "canary", 1)
    assert not (folder / "tiny" / "labels.json").exists()
    assert newest(models) == 1


def test_a_broken_file_of_labels_leaves_the_labels_as_they_were(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    models = loaded(folder)
    models.put_label("tiny", "stable", 1)
    (folder / "tiny" / "labels.json").write_text('{"stable": "one"}')
    for _ in range(2):
        models.refresh()
    assert models.get("tiny", "stable").bundle.version == 1
    assert "must name a version for each label" in str(models.model("tiny").labels_error)
    assert len(caplog.records) == 1


def test_a_folder_that_cannot_be_read_for_a_while_takes_nothing_away(
    tiny_bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tiny_bundle, folder, 1, "digits")
    models = loaded(folder)
    kept = models.get("tiny"), models.get()
    listed = os.listdir
    unreadable = ""

    def fail(path: Path) -> list[str]:
        if Path(path).name == unreadable:
            raise PermissionError(13, "Permission denied")
        return list(listed(path))

    monkeypatch.setattr("serving.repository.os.listdir", fail)
    for name in ("models", "digits", "tiny"):
        unreadable = name
        with pytest.raises(NotReadyError, match="cannot be read: Permission denied"):
            models.refresh()
        assert (models.get("tiny"), models.get()) == kept
    add(tiny_bundle, folder, 2, "digits")
    with pytest.raises(NotReadyError, match="'tiny'"):
        models.refresh()
    assert newest(models, None) == 2


def test_what_is_known_to_be_missing_is_told_while_another_is_loaded(
    tiny_bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = LoadedModels(Config(models=folder, poll_seconds=0.05), Metrics("openvino"))
    newest(models)
    models.watch()
    loading, going = threading.Event(), threading.Event()
    load = engines.load

    def slow(*arguments: Any, **more: Any) -> engines.Engine:
        loading.set()
        assert going.wait(30)
        return load(*arguments, **more)

    monkeypatch.setattr(models, "_engine", lambda path: slow("openvino", path))
    add(tiny_bundle, folder, 2)
    assert loading.wait(30)
    assert states(models) == {2: "LOADING", 1: "AVAILABLE"}
    assert newest(models) == 1
    with pytest.raises(InklingError, match="no version 7"):
        models.get("tiny", 7)
    going.set()
    wait_until(lambda: newest(models) == 2)


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_where_the_system_tells_of_changes_nobody_waits_for_the_next_look(tiny_bundle: Bundle, folder: Path) -> None:
    models = LoadedModels(Config(models=folder, poll_seconds=3600), Metrics("openvino"))
    newest(models)
    models.watch()
    # Watching begins a moment after the thread does.
    versions = itertools.count(2)

    def follows() -> bool:
        add(tiny_bundle, folder, next(versions))
        time.sleep(0.5)
        return newest(models) > 1

    wait_until(follows)
    version_labels.put(folder / "tiny", "stable", 1)
    wait_until(lambda: models.model("tiny").labels == {"stable": 1})
    for version in range(2, next(versions)):
        shutil.rmtree(folder / "tiny" / str(version))
    wait_until(lambda: newest(models) == 1)


def test_a_folder_made_later_or_anew_is_followed_too(tiny_bundle: Bundle, folder: Path) -> None:
    models = LoadedModels(Config(models=folder, poll_seconds=0.05), Metrics("openvino"))
    models.watch()
    for _ in range(2):
        shutil.rmtree(folder)
        wait_until(lambda: models.statuses() == [])
        add(tiny_bundle, folder, 1)
        wait_until(lambda: states(models) == {1: "AVAILABLE"})


def test_what_is_served_by_nobody_is_followed_by_nobody(folder: Path) -> None:
    # Threads of other tests may end meanwhile.
    before = set(threading.enumerate())
    models = LoadedModels(Config(models=folder, poll_seconds=0.05), Metrics("openvino"))
    models.watch()
    following = set(threading.enumerate()) - before
    assert "versions" in {thread.name for thread in following}
    del models
    wait_until(lambda: not any(thread.is_alive() for thread in following))


def test_a_clock_set_back_hides_nothing(tiny_bundle: Bundle, folder: Path) -> None:
    models = loaded(folder)
    newest(models)
    version = add(tiny_bundle, folder, 2)
    damage(version)
    models.refresh()
    damage(version)
    for file in version.rglob("*"):
        os.utime(file, (0, 0))
    models.refresh()
    assert newest(models) == 2

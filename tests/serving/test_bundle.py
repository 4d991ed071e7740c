"""A bundle is whole or it is refused in words; a version number is never given twice."""

import json
import shutil
from pathlib import Path

import pytest

from serving import bundle
from serving.bundle import Bundle
from serving.errors import BundleError


@pytest.fixture
def copy(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the small bundle that a test may harm."""
    return Path(shutil.copytree(tiny_bundle.path, tmp_path / "tiny" / "1"))


def test_it_is_a_version_directory_of_tensorflow_serving(tiny_bundle: Bundle) -> None:
    assert tiny_bundle.path.parts[-2:] == ("tiny", "1")
    assert (tiny_bundle.path / "saved_model.pb").is_file()
    assert (tiny_bundle.path / "variables" / "variables.index").is_file()
    assert tiny_bundle.labels == tuple("0123456789")
    assert (tiny_bundle.path / bundle.LABELS).read_text().split() == list("0123456789")
    assert "Wilson" in (tiny_bundle.path / bundle.CARD).read_text()


def test_it_is_read_back_as_it_was_written(tiny_bundle: Bundle) -> None:
    assert bundle.read(tiny_bundle.path) == tiny_bundle


@pytest.mark.parametrize(
    "name",
    ["saved_model.pb", "variables/variables.data-00000-of-00001", "assets/labels.txt", "assets.extra/model.keras"],
)
def test_a_file_cut_off_in_the_middle_is_named(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError, match=f"{name} has {len(data) // 2} bytes where {len(data)}"):
        bundle.read(copy)


def test_a_file_altered_without_a_change_of_size_is_named(copy: Path) -> None:
    name = "variables/variables.data-00000-of-00001"
    data = bytearray((copy / name).read_bytes())
    data[100] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=f"{name} was altered"):
        bundle.read(copy)


@pytest.mark.parametrize("name", ["saved_model.pb", "assets.extra/metadata.json", "variables/variables.index"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        bundle.read(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"labels": 3}', '{"labels": ["a"], "more": 1}', "\ufeff\x00"])
def test_foreign_metadata_is_refused(copy: Path, text: str) -> None:
    (copy / bundle.METADATA).write_text(text)
    with pytest.raises(BundleError, match="no metadata of an Inkling bundle"):
        bundle.read(copy)


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no directory"):
        bundle.read(tmp_path / "digits" / "1")
    with pytest.raises(BundleError, match="must be its version number"):
        bundle.read(tmp_path)


def test_labels_in_any_script_survive(copy: Path) -> None:
    metadata = json.loads((copy / bundle.METADATA).read_text(encoding="utf-8"))
    labels = tuple("೦೧೨೩೪೫೬೭೮೯")
    sealed = bundle.Metadata(**{**metadata, "labels": labels})
    bundle.seal(copy, sealed)
    assert bundle.read(copy).labels == labels


def test_a_version_number_is_never_given_twice(copy: Path) -> None:
    models = copy.parents[1]
    metadata = bundle.read(copy).metadata

    def write() -> Bundle:
        with bundle.staged(models, "tiny") as directory:
            shutil.copytree(copy, directory, dirs_exist_ok=True)
            bundle.seal(directory, metadata)
            return bundle.commit(directory)

    assert write().version == 2
    third = write()
    assert third.version == 3
    shutil.rmtree(third.path)
    assert write().version == 4


def test_an_interrupted_writer_leaves_nothing_behind(tmp_path: Path) -> None:
    def write() -> None:
        with bundle.staged(tmp_path, "tiny") as directory:
            (directory / "saved_model.pb").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list((tmp_path / "tiny").iterdir()) == []

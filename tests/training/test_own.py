"""A person's own pictures -> a data set: what is held out, what is left out, and what is told."""

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving import ink
from tests.training.labelled import Pictures, class_folder, of_class, save
from training.datasets import DataSet, DatasetError, fractions, split_stable
from training.own import Own, own


def told(found: Own, words: str) -> str:
    """The one warning that says this."""
    (warning,) = [warning for warning in found.warnings if words in warning]
    return warning


def write(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def seen(picture: Pictures, tmp_path: Path) -> Pictures:
    """The normal form that a file of this picture is read as."""
    path = save(picture, tmp_path / "seen.png")
    return ink.from_bytes(path.read_bytes()).pictures[0]


# What is held out


def test_a_folder_becomes_a_data_set_with_a_fifth_held_out(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "my digits", {"ಒಂದು": 1, "two words": 2}, 60)
    found = own(folder)
    data = found.data
    assert data.name == "my digits"
    assert data.labels == ("two words", "ಒಂದು")
    assert data.x_train.shape == (len(data.y_train), 28, 28)
    assert len(data.x_train) + len(data.x_test) == 120
    assert 12 <= len(data.x_test) <= 36
    assert (data.x_train.dtype, data.y_train.dtype, data.y_test.dtype) == (np.uint8, np.int64, np.int64)
    for classes, sources in ((data.y_train, found.sources_train), (data.y_test, found.sources_test)):
        assert [data.labels[number] for number in classes] == [source.partition("/")[0] for source in sources]
    assert not found.warnings


@pytest.mark.parametrize(
    ("name", "stem"), [("set.npz", "set"), ("my.rows.csv.gz", "my"), ("a folder", "a folder"), ("v1.2", "v1.2")]
)
def test_the_data_set_is_called_as_the_folder_or_file(
    optdigits: DataSet, tmp_path: Path, name: str, stem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    if name.endswith("npz"):
        write(path, x=optdigits.x_train[:40], y=optdigits.y_train[:40])
    elif name.endswith("gz"):
        rows = zip(optdigits.y_train[:40], optdigits.x_train[:40].reshape(40, -1), strict=True)
        np.savetxt(path, [[label, *row] for label, row in rows], "%d", ",")
    else:
        class_folder(optdigits, path, {"1": 1, "2": 2}, 3)
        monkeypatch.chdir(path)
        assert own(Path()).data.name == stem
    assert own(path).data.name == stem


def test_pictures_that_are_added_move_none_of_the_others(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 20)
    before = own(folder)
    class_folder(optdigits, folder, {"1": 1, "0": 0}, 20, start=20)
    after = own(folder)
    assert set(before.sources_train) < set(after.sources_train)
    assert set(before.sources_test) < set(after.sources_test)


def test_neither_names_nor_the_order_matter(optdigits: DataSet, tmp_path: Path) -> None:
    x, y = optdigits.x_train[:300], optdigits.y_train[:300]
    some = own(write(tmp_path / "some.npz", x=x, y=y)).data
    others = own(write(tmp_path / "others.npz", x=x[::-1], y=y[::-1])).data
    assert {picture.tobytes() for picture in some.x_test} == {picture.tobytes() for picture in others.x_test}


def test_nothing_is_held_out_where_that_is_wanted(optdigits: DataSet, tmp_path: Path) -> None:
    found = own(class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 5), held_out=0)
    assert len(found.data.x_train) == 10
    assert found.data.x_test.shape == (0, 28, 28)
    assert found.data.y_test.shape == (0,)
    assert found.sources_test == found.warnings == ()


@pytest.mark.parametrize("share", [-0.1, 1, 20])
def test_a_share_that_cannot_be_held_out(tmp_path: Path, share: float) -> None:
    with pytest.raises(DatasetError, match="give a share from 0 to below 1"):
        own(tmp_path, held_out=share)


def test_a_class_that_would_be_held_out_altogether_keeps_a_picture_to_train_on(
    optdigits: DataSet, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    class_folder(optdigits, folder, {"1": 1}, 30)
    candidates = [(float(fractions(seen(p, tmp_path)[None])[0]), p) for p in of_class(optdigits, 2, 60)]
    unlucky = [(fraction, picture) for fraction, picture in candidates if fraction < 0.2][:3]
    for index, (_, picture) in enumerate(unlucky):
        save(picture, folder / "2" / f"{index}.png")
    last = f"2/{np.argmax([fraction for fraction, _ in unlucky])}.png"
    found = own(folder)
    assert [source for source in found.sources_train if source.startswith("2/")] == [last]
    assert last in told(found, "class '2' fell into the test part altogether")
    assert len([source for source in found.sources_test if source.startswith("2/")]) == 2


def test_a_class_without_a_picture_to_test_on_is_told(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 20)
    for source in own(folder).sources_test:
        if source.startswith("2/"):
            (folder / source).unlink()
    assert "'2'" in told(own(folder), "no picture to test on")


def test_the_stable_split_depends_on_content_share_and_salt_only(optdigits: DataSet) -> None:
    x = optdigits.x_train
    held = split_stable(x, 0.3)
    assert held.dtype == bool
    assert abs(held.mean() - 0.3) < 0.04
    assert (split_stable(x[::-1], 0.3) == held[::-1]).all()
    assert (split_stable(x[:7], 0.3) == held[:7]).all()
    assert (held[split_stable(x, 0.2)]).all(), "a larger share holds out the same and more"
    other = split_stable(x, 0.3, salt="validation")
    assert abs((held & other).mean() - 0.09) < 0.03
    assert not split_stable(x, 0).any()
    assert split_stable(x, 1).all()
    assert split_stable(x[:0], 0.5).shape == (0,)


def test_the_stable_split_is_the_same_for_ever() -> None:
    pictures = np.arange(20)[:, None, None].repeat(28, 1).repeat(28, 2).astype(np.uint8)
    digests = [hashlib.sha256(bytes([number] * 784)).hexdigest() for number in range(20)]
    expected = [number for number, digest in enumerate(digests) if int(digest[:12], 16) < 0.2 * 16**12]
    assert np.flatnonzero(split_stable(pictures, 0.2)).tolist() == expected
    assert expected, "some of them are held out"


# A given test part


def test_a_given_test_part_is_taken_and_nothing_held_out(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"0": 0, "1": 1, "2": 2}, 9)
    test = class_folder(optdigits, tmp_path / "test", {"2": 2, "1": 1}, 4, start=9)
    found = own(folder, test=test)
    assert len(found.data.x_train) == 27
    assert found.data.y_test.tolist() == [1] * 4 + [2] * 4
    assert found.sources_test[0] == "1/10.png"
    assert "'0'" in told(found, "no picture to test on")


def test_the_test_part_of_a_format_is_taken(optdigits: DataSet, tmp_path: Path) -> None:
    x, y = optdigits.x_train, optdigits.y_train
    path = write(tmp_path / "set.npz", x_train=x[:100], y_train=y[:100], x_test=x[100:150], y_test=y[100:150])
    found = own(path)
    assert (len(found.data.x_train), len(found.data.x_test)) == (100, 50)
    assert (found.data.y_test == y[100:150]).all()
    assert not found.warnings
    other = own(path, test=write(tmp_path / "test.npz", x=x[200:230], y=y[200:230]))
    assert (other.data.y_test == y[200:230]).all()
    assert "test.npz was given" in told(other, "the test part of")
    brought = own(write(tmp_path / "more.npz", x=x[200:400], y=y[200:400]), test=path)
    assert (brought.data.y_test == y[100:150]).all()


def test_pictures_in_both_parts_are_tested_on_only(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 9)
    test = class_folder(optdigits, tmp_path / "test", {"1": 1, "2": 2}, 4, start=7)
    found = own(folder, test=test)
    assert (len(found.data.x_train), len(found.data.x_test)) == (14, 8)
    assert not {p.tobytes() for p in found.data.x_train} & {p.tobytes() for p in found.data.x_test}
    warning = told(found, "in the test part too")
    assert warning.startswith("4 pictures")
    assert "1/7.png (as 1/7.png)" in warning


def test_a_test_part_of_other_classes_is_an_error(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 3)
    with pytest.raises(DatasetError, match="has nothing of '3', '4', which the test part has; .* it has '1', '2'"):
        own(folder, test=class_folder(optdigits, tmp_path / "test", {"1": 1, "3": 3, "4": 4}, 3))
    words = class_folder(optdigits, tmp_path / "words", {"one": 1, "two": 2}, 3)
    with pytest.raises(DatasetError, match="'One' and 'one' differ by upper and lower case only"):
        own(words, test=class_folder(optdigits, tmp_path / "capitals", {"One": 1}, 3))


def test_nothing_is_left_to_train_on_where_all_is_tested_on(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 3)
    with pytest.raises(DatasetError, match="no picture is left to train on of '1', '2'"):
        own(folder, test=folder)


def test_what_is_wrong_with_the_test_part_is_told_as_such(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 3)
    test = class_folder(optdigits, tmp_path / "test", {"1": 1, "2": 2}, 3, start=3)
    Image.new("L", (40, 40)).save(test / "1" / "blank.png")
    assert "1/blank.png" in told(own(folder, test=test), "in the test part: 1 picture left out")
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        own(folder, test=tmp_path / "nowhere")


# What is left out and told


def test_copies_of_a_picture_in_a_class_count_once(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 6)
    for index in range(8):
        shutil.copy(folder / "1/0.png", folder / "1" / f"copy{index}.png")
    found = own(folder, held_out=0)
    assert len(found.data.x_train) == 12
    assert told(found, "already there").startswith("8 pictures")
    assert "1/copy0.png (as 1/0.png)" in told(found, "already there")


def test_a_picture_under_two_labels_is_left_out_of_both(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 6)
    shutil.copy(folder / "1/0.png", folder / "2/wrong.png")
    shutil.copy(folder / "1/0.png", folder / "2/again.png")
    found = own(folder, held_out=0)
    assert not {"1/0.png", "2/wrong.png", "2/again.png"} & set(found.sources_train)
    assert len(found.data.x_train) == 11
    assert "1/0.png ('1') = 2/again.png ('2')" in told(found, "1 picture under several labels")
    for path in [*(folder / "1").iterdir()]:
        shutil.copy(path, folder / "2" / f"same{path.name}")
    with pytest.raises(DatasetError, match="no picture is left to train on of '1'"):
        own(folder)


def test_what_was_left_out_while_reading_is_told_too(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 6)
    (folder / "1/broken.png").write_bytes(b"?")
    assert "1/broken.png" in told(own(folder), "1 picture left out")


def test_a_class_of_one_picture_is_named(optdigits: DataSet, tmp_path: Path) -> None:
    folder = class_folder(optdigits, tmp_path / "set", {"1": 1, "2": 2}, 6)
    class_folder(optdigits, folder, {"three": 3}, 1)
    assert "'three' (three/0.png)" in told(own(folder), "one picture only in a class")


def test_very_unequal_classes_are_told(optdigits: DataSet, tmp_path: Path) -> None:
    x, y = optdigits.x_train, optdigits.y_train

    def with_twos(count: int) -> Own:
        chosen = np.concatenate([np.flatnonzero(y == 1)[:80], np.flatnonzero(y == 2)[:count]])
        return own(write(tmp_path / "set.npz", x=x[chosen], y=y[chosen]))

    assert "80 pictures of '1', 4 of '2'" in told(with_twos(4), "very unequal")
    assert not [warning for warning in with_twos(5).warnings if "unequal" in warning]


def test_one_class_is_an_error(optdigits: DataSet, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=re.escape("set has one class only, '1'; it should have two or more")):
        own(class_folder(optdigits, tmp_path / "set", {"1": 1}, 3))

"""Files -> labelled pictures: every format, what is left out, and a word for everything that is wrong."""

import csv
import gzip
import io
import shutil
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving import ink
from tests.training.labelled import Pictures, alike, class_folder, of_class
from training.collected import Collected
from training.datasets import DataSet, DatasetError
from training.readers import read


@pytest.fixture
def folder(optdigits: DataSet, tmp_path: Path) -> Path:
    """Three pictures each of a one and a two."""
    return class_folder(optdigits, tmp_path / "drawings", {"one": 1, "two": 2}, 3)


@pytest.fixture(scope="session")
def some(optdigits: DataSet) -> tuple[Pictures, list[int]]:
    """Twelve digits and what they are."""
    return optdigits.x_train[:12], optdigits.y_train[:12].tolist()


def told(found: Collected, words: str) -> str:
    """The one warning that says this."""
    (warning,) = [warning for warning in found.warnings if words in warning]
    return warning


# Folders


def test_a_folder_of_class_folders_is_read_in_the_servers_eyes(folder: Path) -> None:
    found = read(folder)
    assert found.labels == ("one", "two")
    assert found.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.sources[:2] == ("one/0.png", "one/1.png")
    assert found.x.dtype == np.uint8
    for picture, source in zip(found.x, found.sources, strict=True):
        assert (picture == ink.from_bytes((folder / source).read_bytes()).pictures[0]).all()
    assert not found.warnings
    assert found.test is None


def test_formats_sizes_and_colours_of_a_class_may_differ(optdigits: DataSet, tmp_path: Path) -> None:
    (digit,) = of_class(optdigits, 3, 1)
    small = Image.fromarray(digit)
    large = small.resize((300, 300), Image.Resampling.BICUBIC)
    black_on_nothing = Image.merge("LA", (Image.new("L", large.size), large)).convert("RGBA")
    place = tmp_path / "set" / "three"
    place.mkdir(parents=True)
    black_on_nothing.save(place / "a.png")
    black_on_nothing.save(place / "b.webp", lossless=True)
    Image.fromarray(255 - np.asarray(large)).save(place / "c.jpeg", quality=90)
    large.convert("RGB").save(place / "d.BMP")
    large.convert("P").save(place / "e.gif")
    small.save(place / "f.tif")
    (place / "a.png").rename(place / "named by nobody")
    found = read(tmp_path / "set")
    assert len(found.x) == 6
    assert not found.warnings
    assert alike(found.x, np.repeat(digit[None], 6, axis=0)) > 0.8


@pytest.mark.parametrize(
    "labels", [("ಒಂದು", "ಎರಡು"), ("いち", "に"), ("my one", "my other"), ("é", "e"), ("1.5", "-x")]
)
def test_labels_are_taken_as_they_are_in_any_script(
    optdigits: DataSet, tmp_path: Path, labels: tuple[str, str]
) -> None:
    first, second = labels
    found = read(class_folder(optdigits, tmp_path / "set", {first: 1, second: 2}, 2))
    assert set(found.labels) == set(labels)
    assert [found.labels[number] for number in found.y] == [source.partition("/")[0] for source in found.sources]


def test_whole_numbers_are_in_their_natural_order_and_words_are_sorted(optdigits: DataSet, tmp_path: Path) -> None:
    numbers = {str(number): number % 10 for number in range(12)}
    assert read(class_folder(optdigits, tmp_path / "numbers", numbers, 1)).labels == tuple(numbers)
    words = numbers | {"ten": 0}
    assert read(class_folder(optdigits, tmp_path / "words", words, 1)).labels == tuple(sorted(words))


def test_what_systems_leave_behind_is_passed_over_in_silence(folder: Path) -> None:
    for name in (
        ".DS_Store",
        "Thumbs.db",
        "one/.hidden.png",
        "one/Thumbs.db",
        "two/desktop.ini",
        "__MACOSX/one/._0.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"?")
    found = read(folder)
    assert len(found.x) == 6
    assert not found.warnings


def test_other_files_are_named_and_left_out_however_many(folder: Path) -> None:
    (folder / "README.txt").write_text("mine")
    (folder / "two" / "notes").write_text("drawn on Monday")
    for index in range(30):
        (folder / "one" / f"{index}.json").write_text("{}")
    found = read(folder)
    assert len(found.x) == 6
    assert "README.txt" in told(found, "not in the folder of a class")
    assert told(found, "no pictures").endswith(
        "one/0.json, one/1.json, one/10.json, one/11.json, one/12.json and 26 more"
    )


def test_a_broken_picture_is_named_and_the_others_are_read(folder: Path) -> None:
    whole = (folder / "one/0.png").read_bytes()
    (folder / "one/0.png").write_bytes(whole[: len(whole) // 2])
    (folder / "one/empty.png").write_bytes(b"")
    found = read(folder)
    assert found.sources == ("one/1.png", "one/2.png", "two/0.png", "two/1.png", "two/2.png")
    assert "one/0.png" in told(found, "not an image that can be read")
    assert "one/empty.png" in told(found, "0 bytes")


def test_a_picture_without_ink_is_named_and_left_out(folder: Path) -> None:
    Image.new("L", (50, 50), 255).save(folder / "two/blank.png")
    found = read(folder)
    assert len(found.x) == 6
    assert "two/blank.png" in told(found, "no ink")


def test_more_than_half_unreadable_is_an_error(folder: Path) -> None:
    for name in ("one/0.png", "one/1.png", "two/0.png", "two/1.png"):
        (folder / name).write_bytes(b"HEIC")
    with pytest.raises(DatasetError, match=r"4 of 6 pictures cannot be read.* one/0.png.*send one of PNG"):
        read(folder)


def test_half_unreadable_is_none(folder: Path) -> None:
    for name in ("one/0.png", "one/1.png", "two/0.png"):
        (folder / name).write_bytes(b"HEIC")
    assert len(read(folder).x) == 3


def test_a_class_of_which_nothing_can_be_used_is_an_error(folder: Path, optdigits: DataSet) -> None:
    class_folder(optdigits, folder, {"two": 2}, 6)
    for path in (folder / "one").iterdir():
        Image.new("L", (50, 50), 255).save(path)
    with pytest.raises(DatasetError, match=r"no picture of class 'one' can be used \(one/0.png: no ink"):
        read(folder)


def test_a_picture_that_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_bytes = Path.read_bytes

    def locked(path: Path) -> bytes:
        if path.name == "0.png" and path.parent.name == "one":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", locked)
    assert "one/0.png" in told(read(folder), "Permission denied")


@pytest.mark.parametrize(("opens", "name"), [("iterdir", "one"), ("open", "rows.csv")])
def test_a_folder_or_file_that_may_not_be_opened_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, opens: str, name: str
) -> None:
    (folder / "rows.csv").touch()
    before = getattr(Path, opens)

    def locked(path: Path, *arguments: str) -> object:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return before(path, *arguments)

    monkeypatch.setattr(Path, opens, locked)
    with pytest.raises(DatasetError, match=rf"{name} cannot be read \(Permission denied\)"):
        read(folder / "rows.csv" if opens == "open" else folder)


def test_only_normal_forms_are_held_in_memory(optdigits: DataSet, tmp_path: Path) -> None:
    for number in (1, 2):
        (picture,) = of_class(optdigits, number, 1)
        path = tmp_path / "set" / str(number) / "0.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(picture).resize((1000, 1000)).save(path)
        for index in range(1, 20):
            shutil.copy(path, path.with_name(f"{index}.png"))
    tracemalloc.start()
    assert len(read(tmp_path / "set").x) == 40
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12e6, "40 pictures of a megabyte each"


def put_deeper(folder: Path) -> None:
    (folder / "one").rename(folder.parent / "aside")
    (folder / "one").mkdir()
    (folder.parent / "aside").rename(folder / "one" / "mine")


def rename_to(old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / old).rename(folder / new)


def flatten(folder: Path) -> None:
    for place in ("one", "two"):
        for path in (folder / place).iterdir():
            path.rename(folder / f"{place}{path.name}")
        (folder / place).rmdir()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put_deeper, r"drawings/one has sub-folders \(mine\), .* directly into it"),
        (flatten, "drawings has no sub-folders; it should have one for each class"),
        (lambda folder: (folder / "three").mkdir(), "three has no pictures; put some"),
        (rename_to("two", "One"), "'One' and 'one' differ by upper and lower case only"),
        (rename_to("two", " "), "a label is empty"),
        (rename_to("two", "o\nne"), r"'o\\nne' is not one line"),
        (rename_to("two", "o\u2028ne"), "is not one line"),
        (shutil.rmtree, "drawings does not exist; give a folder with a sub-folder"),
    ],
    ids=["deeper", "flat", "empty", "case", "blank", "line", "separator", "missing"],
)
def test_a_folder_that_is_not_as_it_should_be(folder: Path, change: Callable[[Path], object], words: str) -> None:
    change(folder)
    with pytest.raises(DatasetError, match=words):
        read(folder)


def test_two_encodings_of_one_label_are_both_named(optdigits: DataSet, tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=optdigits.x_train[:2], y=np.array(["caf\u00e9", "cafe\u0301"]))
    with pytest.raises(DatasetError, match=r"two encodings, 'cafe\\u0301' and 'caf\\xe9'"):
        read(tmp_path / "set.npz")


def test_an_unknown_format_is_told_the_four_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "drawings.zip"
    path.write_bytes(b"PK")
    with pytest.raises(DatasetError, match=r"drawings.zip .* a folder .*\.npz .*IDX .*\.csv"):
        read(path)


# .npz


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: x.astype(np.float32) / 255,
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.int64),
        lambda x: 255 - x,
        lambda x: np.repeat(x[..., None], 3, axis=3),
        lambda x: x[..., None],
        lambda x: np.asfortranarray(x.astype(">f8") / 255),
        lambda x: np.pad(x, ((0, 0), (10, 0), (0, 20))),
    ],
    ids=["bytes", "0 to 1", "half", "integers", "inverted", "colour", "one channel", "fortran", "larger"],
)
def test_arrays_of_any_numbers_and_shape_are_read(
    some: tuple[Pictures, list[int]], tmp_path: Path, change: Callable[[Pictures], np.ndarray]
) -> None:
    x, y = some
    np.savez(tmp_path / "set.npz", x=change(x), y=y)
    found = read(tmp_path / "set.npz")
    assert [found.labels[number] for number in found.y] == list(map(str, y))
    assert found.sources[7] == "set.npz, picture 7"
    assert alike(found.x, x) > 0.9
    assert not found.warnings


def test_bits_are_black_and_white(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    bits = some[0] > 127
    np.savez(tmp_path / "set.npz", x=bits, y=some[1])
    for picture, bit in zip(read(tmp_path / "set.npz").x, bits, strict=True):
        assert (picture == ink.from_picture(np.where(bit, 255, 0).astype(np.uint8)).pictures[0]).all()


def test_labels_are_texts_or_places_in_a_list_of_them(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    x, y = some
    names = np.array(["ಸೊನ್ನೆ", "ichi", "two words", *"3456789", "never drawn"])
    np.savez_compressed(tmp_path / "names.npz", x=x, y=np.array(y)[:, None], labels=names)
    np.savez(tmp_path / "texts.npz", x=x, y=names[y])
    np.savez(tmp_path / "bytes.npz", x=x, y=np.char.encode(names[y], "utf-8"))
    found = read(tmp_path / "names.npz")
    assert [found.labels[number] for number in found.y] == names[y].tolist()
    assert "never drawn" in told(found, "without a picture")
    for name in ("texts.npz", "bytes.npz"):
        again = read(tmp_path / name)
        assert again.labels == found.labels
        assert (again.y == found.y).all()


def test_kerass_four_arrays_bring_their_test_part(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    x, y = some
    np.savez(tmp_path / "set.npz", x_train=x[:9], y_train=y[:9], x_test=x[9:], y_test=y[9:])
    found = read(tmp_path / "set.npz")
    assert len(found.x) == 9
    assert found.sources[0] == "set.npz, x_train picture 0"
    assert found.test is not None
    assert [found.test.labels[number] for number in found.test.y] == list(map(str, y[9:]))
    np.savez(tmp_path / "set.npz", x_train=x, y_train=y)
    assert read(tmp_path / "set.npz").test is None


def test_arrays_with_broken_or_blank_pictures_lose_these_only(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    x = some[0] / 255
    x[3, 4, 5] = np.nan
    x[5] = 0
    np.savez(tmp_path / "set.npz", x=x, y=[1, 2] * 6)
    found = read(tmp_path / "set.npz")
    assert len(found.x) == 10
    assert "set.npz, picture 3" in told(found, "numbers are not all from 0 to 255")
    assert "set.npz, picture 5" in told(found, "no ink")


class Trap:
    """An object that says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("sprung"),)


def test_nothing_is_ever_unpickled(
    some: tuple[Pictures, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = some
    traps = np.array([Trap()] * 12, dtype=object)
    for arrays in ({"x": x, "y": traps}, {"x": traps, "y": y}, {"x": x, "y": y, "labels": traps}):
        np.savez("set.npz", **arrays)  # type: ignore[arg-type]
        with pytest.raises(DatasetError, match="Python objects, which are not read"):
            read(Path("set.npz"))
    np.savez("set.npz", x=x, y=y, notes=traps)
    assert len(read(Path("set.npz")).x) == 12
    np.save("trap.npy", traps, allow_pickle=True)
    Path("trap.npy").rename("set.npz")
    with pytest.raises(DatasetError, match=r"no \.npz file"):
        read(Path("set.npz"))
    assert not Path("sprung").exists()


@pytest.mark.parametrize("kept", [0.99, 0.5, 0.0])
def test_a_truncated_npz_is_damaged_and_named(some: tuple[Pictures, list[int]], tmp_path: Path, kept: float) -> None:
    path = tmp_path / "set.npz"
    np.savez_compressed(path, x=some[0], y=some[1])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DatasetError, match=r"set\.npz is no \.npz file, or cut off"):
        read(path)


def test_a_damaged_npz_is_named(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, x=some[0], y=some[1])
    data = bytearray(path.read_bytes())
    data[3000:3010] = bytes(10 * [77])
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=r"set\.npz is damaged"):
        read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": None}, "holds labels, y; it should hold x and y, or x_train"),
        ({"y": None}, "holds labels, x; it should"),
        ({"x_test": 1, "x": None, "y": None}, "it should hold"),
        ({"x": np.zeros((12, 784), np.uint8)}, r"x is uint8 of shape \[12, 784\]; .* \[N, height, width\]"),
        ({"x": np.zeros((0, 28, 28))}, r"x is float64 of shape \[0, 28, 28\]"),
        ({"x": np.full((12, 28, 28), "ink")}, "it should be numbers"),
        ({"y": [1, 2, 3]}, r"y is int64 of shape \[3\]; it should be 12 whole numbers or texts"),
        ({"y": np.eye(12)}, r"y is float64 of shape \[12, 12\]"),
        ({"labels": ["zero", "one"]}, "'labels' has 2 names; it should have one for each"),
        ({"x": np.tile(np.arange(17), (12, 28, 1))}, "12 of 12 pictures cannot be read.*from 0 to 1"),
        ({"x": np.tile(np.linspace(-1, 1, 28), (12, 28, 1))}, "12 of 12 pictures cannot be read.*from 0 to 1"),
    ],
    ids=["no x", "no y", "half a test", "flat", "empty", "texts", "few", "one-hot", "names", "0 to 16", "-1 to 1"],
)
def test_arrays_that_are_not_as_they_should_be(
    some: tuple[Pictures, list[int]], tmp_path: Path, change: dict[str, object], words: str
) -> None:
    arrays = {"x": some[0], "y": some[1], "labels": list("0123456789")} | change
    np.savez(tmp_path / "set.npz", **{key: value for key, value in arrays.items() if value is not None})  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=words):
        read(tmp_path / "set.npz")


def test_labels_in_another_encoding_are_told(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=some[0], y=np.array([b"\xe9"] * 12))
    with pytest.raises(DatasetError, match=r"set.npz: a label is not in UTF-8"):
        read(tmp_path / "set.npz")


# IDX


def write_idx(path: Path, values: np.ndarray) -> None:
    data = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture(params=["-idx{}-ubyte", "-idx{}-ubyte.gz", ".idx{}-ubyte"])
def idx_folder(request: pytest.FixtureRequest, some: tuple[Pictures, list[int]], tmp_path: Path) -> Path:
    x, y = some
    for part, which in (("train", slice(9)), ("t10k", slice(9, None))):
        write_idx(tmp_path / f"{part}-images{request.param.format(3)}", x[which])
        write_idx(tmp_path / f"{part}-labels{request.param.format(1)}", np.array(y[which]))
    return tmp_path


def test_mnists_files_are_read_by_their_folder_or_one_of_them(
    some: tuple[Pictures, list[int]], idx_folder: Path
) -> None:
    x, y = some
    for path in (idx_folder, *idx_folder.iterdir()):
        found = read(path)
        assert alike(found.x, x[:9]) > 0.9
        assert [found.labels[number] for number in found.y] == list(map(str, y[:9]))
        assert found.sources[8].startswith("train-images")
        assert found.sources[8].endswith(", picture 8")
        assert found.test is not None
        assert [found.test.labels[number] for number in found.test.y] == list(map(str, y[9:]))


def test_mnists_training_files_alone_are_enough(idx_folder: Path) -> None:
    for path in idx_folder.glob("t10k*"):
        path.unlink()
    assert read(idx_folder).test is None
    for path in idx_folder.glob("train-labels*"):
        path.unlink()
    with pytest.raises(DatasetError, match="train-labels-idx1-ubyte is missing"):
        read(idx_folder)


def test_truncated_or_foreign_idx_files_are_named(idx_folder: Path) -> None:
    (path,) = idx_folder.glob("train-images*")
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    with pytest.raises(DatasetError, match=r"train-images.*(cut off|copy it anew)"):
        read(idx_folder)
    write_idx(path, np.zeros((9, 784)))
    with pytest.raises(DatasetError, match=r"train-images.* is no IDX file of bytes in 3 dimensions"):
        read(idx_folder)
    write_idx(path, np.zeros((8, 28, 28)))
    with pytest.raises(DatasetError, match="has 8 pictures, but train-labels.* 9 labels"):
        read(idx_folder)


# CSV


def write_csv(path: Path, rows: list[list[object]]) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def as_rows(some: tuple[Pictures, list[int]]) -> list[list[object]]:
    return [[label, *picture.ravel().tolist()] for picture, label in zip(*some, strict=True)]


HEADERS: dict[str, list[list[object]]] = {
    "none": [],
    "named": [["label", *(f"pixel{number}" for number in range(784))]],
    "counted": [["", *range(784)]],
    "MNIST in CSV": [["label", *(f"{row}x{column}" for row in range(1, 29) for column in range(1, 29))]],
}


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "ROWS.CSV"])
@pytest.mark.parametrize("header", HEADERS)
def test_rows_are_read_with_and_without_a_header(
    some: tuple[Pictures, list[int]], tmp_path: Path, name: str, header: str
) -> None:
    found = read(write_csv(tmp_path / name, HEADERS[header] + as_rows(some)))
    assert alike(found.x, some[0]) > 0.9
    assert [found.labels[number] for number in found.y] == list(map(str, some[1]))
    assert found.sources[0] == f"{name}, line {1 if header == 'none' else 2}"
    assert not found.warnings


def test_rows_of_0_to_1_with_any_labels_and_excels_mark(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    labels = ["ಒಂದು", 'a "one", or not', "いち"] * 4
    rows = [[label, *(picture.ravel() / 255).tolist()] for label, picture in zip(labels, some[0], strict=True)]
    path = write_csv(tmp_path / "rows.csv", rows)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found = read(path)
    assert [found.labels[number] for number in found.y] == labels
    assert alike(found.x, some[0]) > 0.9


def test_broken_rows_are_named_by_their_line_and_the_others_read(
    some: tuple[Pictures, list[int]], tmp_path: Path
) -> None:
    rows = as_rows((some[0], [1, 2] * 6))
    rows[2] = rows[2][:-1]
    rows[4][9] = "ink"
    rows[6][9] = 256
    rows[8][1:] = [0] * 784
    rows.insert(3, [])
    found = read(write_csv(tmp_path / "rows.csv", rows))
    assert len(found.x) == 8
    assert "rows.csv, line 3 " in told(found, "its fields number 784; they should be a label, then 784 numbers")
    assert "rows.csv, line 6 " in told(found, "not all its fields are numbers")
    assert "rows.csv, line 8 " in told(found, "not all from 0 to 255")
    assert "rows.csv, line 10 " in told(found, "no ink")


def test_rows_that_are_not_as_they_should_be(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    rows = as_rows(some)
    path = tmp_path / "rows.csv"
    with pytest.raises(DatasetError, match="the label in line 5 is empty"):
        read(write_csv(path, [*rows[:4], [" ", *rows[4][1:]]]))
    with pytest.raises(DatasetError, match="12 of 12 pictures cannot be read.*line 1, .*then 784 numbers"):
        read(write_csv(path, [row[1:] for row in rows]))
    with pytest.raises(DatasetError, match=r"rows.csv holds no pictures"):
        read(write_csv(path, HEADERS["named"]))
    with pytest.raises(DatasetError, match="is not one line"):
        read(write_csv(path, [["a\nb", *rows[0][1:]], *rows]))
    path.write_bytes("1,ä".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"rows.csv is no CSV in UTF-8 after line 0"):
        read(path)


def test_a_truncated_packed_csv_is_named(some: tuple[Pictures, list[int]], tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv.gz", as_rows(some))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DatasetError, match=r"rows.csv.gz is damaged or cut off"):
        read(path)
    path.write_bytes(b"1,2,3")
    with pytest.raises(DatasetError, match=r"rows.csv.gz is damaged or cut off"):
        read(path)

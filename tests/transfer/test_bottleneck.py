"""Outputs of frozen layers are computed once for each picture, and never answered from what has changed."""

import errno
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from serving.bundle import SAVED_MODEL, Bundle
from serving.engines import OpenVINOEngine, TensorFlowEngine
from tests.transfer.fakes import Base, pictures
from training.datasets import DataSet
from training.distort import Distortion
from transfer import bottleneck, outputs, shards, upkeep
from transfer.bottleneck import Cache, CacheError, EngineExtractor, default_folder
from transfer.copies import distorted

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the fake base's shards lie in `cache`."""
    return tmp_path / "cache" / Base().identity


def everything(found: outputs.Outputs) -> NDArray[np.float32]:
    return found.rows(np.arange(len(found)))


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


# What is found, and what is computed


@pytest.mark.parametrize("shape", [(6,), (3, 4, 2), ()])
def test_outputs_are_the_bases_own_in_the_order_of_the_pictures(cache: Cache, shape: tuple[int, ...]) -> None:
    base, x = Base(shape=shape), pictures(1200)
    for _ in range(2):
        found = cache.outputs(base, x)
        assert found.shape == shape
        assert len(found) == 1200
        assert everything(found).dtype == np.float32
        assert (everything(found) == Base(shape=shape)(x)).all()
    assert base.seen == 1200


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    x = pictures(100)
    Cache(tmp_path).outputs(Base(), x)
    base = Base()
    found = Cache(tmp_path).outputs(base, x[::-1])
    assert (found.found, found.computed, base.seen) == (100, 0, 0)
    assert (everything(found) == Base()(x[::-1])).all()


def test_ten_more_pictures_cost_ten_forward_passes(cache: Cache) -> None:
    base, x = Base(), pictures(1010)
    cache.outputs(base, x[:1000])
    more = cache.outputs(base, x)
    assert (more.found, more.computed, base.seen) == (1000, 10, 1010)
    assert (everything(more) == Base()(x)).all()


def test_an_edited_picture_is_computed_anew(cache: Cache) -> None:
    base, x = Base(), pictures(50)
    cache.outputs(base, x)
    x[7, 0, 3] ^= 1
    edited = cache.outputs(base, x)
    assert (edited.found, edited.computed) == (49, 1)
    assert (everything(edited) == Base()(x)).all()


def test_another_base_or_layer_is_never_answered_from_the_first(cache: Cache) -> None:
    x = pictures(20)
    first = everything(cache.outputs(Base("weights 1, layer 3"), x))
    for name in ("weights 2, layer 3", "weights 1, layer 4"):
        other = cache.outputs(Base(name), x)
        assert other.found == 0
        assert (everything(other) != first).any()


def test_identical_pictures_are_computed_once(cache: Cache) -> None:
    base, x = Base(), pictures(20)[np.arange(100) % 20]
    found = cache.outputs(base, x)
    assert (found.computed, base.seen) == (20, 20)
    assert (everything(found) == Base()(x)).all()


def test_rows_are_gathered_in_any_order_and_as_often_as_asked_for(cache: Cache) -> None:
    x = pictures(30)
    cache.outputs(Base(), x[:11])
    found = cache.outputs(Base(), x)
    chosen = np.array([29, 3, 3, 12, 0, 10, 11])
    assert (found.rows(chosen) == Base()(x[chosen])).all()
    assert found.rows(np.array([], np.int64)).shape == (0, 6)


@pytest.mark.parametrize("small", [1 << 30, 0], ids=["all in memory", "in pools"])
def test_an_epoch_shows_each_picture_once_in_another_order_each_time(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(outputs, "_SMALL", small)
    monkeypatch.setattr(outputs, "_RESIDENT", 5000)
    monkeypatch.setattr(outputs, "_RUN", 8)
    x = pictures(1000)
    cache.outputs(Base(), x[:300])
    found = cache.outputs(Base(), x)
    orders = []
    for seed in (0, 0, 1):
        batches = list(found.batches(64, np.random.default_rng(seed)))
        assert {len(indices) for indices, _ in batches[:-1]} == {64}
        for indices, rows in batches:
            assert (rows == Base()(x[indices])).all()
        orders.append(np.concatenate([indices for indices, _ in batches]))
        assert (np.sort(orders[-1]) == np.arange(1000)).all()
        # The first tenth comes from everywhere.
        assert np.ptp(orders[-1][:100]) > 700
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).mean() > 0.9


def test_a_line_says_what_was_found_and_what_was_computed_and_a_bar_how_far_it_is(
    cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.outputs(Base(), pictures(1000))
    assert "computing outputs: 100%" in capsys.readouterr().err
    cache.outputs(Base(), pictures(1000))
    captured = capsys.readouterr()
    assert "1,000 found, 0 computed" in captured.err
    assert "computing" not in captured.err
    assert not captured.out


def test_augmented_copies_are_kept_too(cache: Cache, optdigits: DataSet) -> None:
    def copies(x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return distorted(x, 8, 1, Distortion(rotation=10, shift=2, bend=1)).reshape(-1, 28, 28)

    cache.outputs(Base(), copies(optdigits.x_train[:20]))
    more = cache.outputs(Base(), copies(optdigits.x_train[:21]))
    assert (more.found, more.computed) == (160, 8)


@pytest.mark.parametrize(
    "wrong", [np.zeros((0, 28, 28), np.uint8), np.zeros((3, 28, 28)), np.zeros((3, 784), np.uint8)]
)
def test_what_are_no_pictures_is_refused(cache: Cache, wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"must be uint8\[N,28,28\]"):
        cache.outputs(Base(), wrong)


def test_an_identity_that_does_not_tell_layers_apart_is_found_out(cache: Cache) -> None:
    cache.outputs(Base(), pictures(3))
    with pytest.raises(ValueError, match="must change with what it computes"):
        cache.outputs(Base(shape=(7,)), pictures(5))
    base = Base()
    base.identity = "../elsewhere"
    with pytest.raises(ValueError, match="is no digest"):
        cache.outputs(base, pictures(3))


def test_an_extractor_that_leaves_pictures_out_is_found_out(cache: Cache, folder: Path) -> None:
    class Forgetful(Base):
        def __call__(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
            return super().__call__(x)[1:]

    with pytest.raises(ValueError, match="made 9 outputs of 10 pictures"):
        cache.outputs(Forgetful(), pictures(10))
    assert not shards.listed(folder)


# Interruptions and damage


class Stopping(Base):
    """Is interrupted when it has seen 1,200 pictures."""

    def __call__(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self.seen + len(x) > 1200:
            raise KeyboardInterrupt
        return super().__call__(x)


@pytest.mark.parametrize("setting", ["_PIECE", "_SECONDS"])
def test_an_interruption_loses_no_more_than_the_piece_under_way(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setattr(bottleneck, setting, 0)
    monkeypatch.setattr(bottleneck, "_SHARE", 0)
    with pytest.raises(KeyboardInterrupt):
        cache.outputs(Stopping(), pictures(2000))
    again = cache.outputs(Base(), pictures(2000))
    assert (again.found, again.computed) == (1024, 976)
    assert (everything(again) == Base()(pictures(2000))).all()


def damaged(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    match how:
        case "cut off":
            del content[len(content) // 2 :]
        case "cut off in the header":
            del content[50:]
        case "empty":
            content.clear()
        case "longer":
            content += b"\0"
        case place:
            content[int(place)] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize(
    "how", ["cut off", "cut off in the header", "empty", "longer", "0", "9", "16", "24", "127", "140", "1000", "-1"]
)
def test_a_file_that_was_damaged_is_detected_and_what_it_held_computed_again(
    cache: Cache, folder: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    x = pictures(100)
    cache.outputs(Base(), x[:40])
    whole = set(shards.listed(folder))
    cache.outputs(Base(), x)
    (path,) = set(shards.listed(folder)) - whole
    damaged(path, how)
    capsys.readouterr()
    again = cache.outputs(Base(), x)
    assert (everything(again) == Base()(x)).all()
    assert again.computed == 60
    error = capsys.readouterr().err
    assert str(path) in error
    assert "computed again" in error
    last = cache.outputs(Base(), x)
    assert (last.found, last.computed) == (100, 0)


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """The system refuses files larger than `limit` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_the_cache_and_not_the_run(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bottleneck, "_PIECE", 0)
    base, x = Base(shape=(200,)), pictures(1500)
    cache.outputs(Base(shape=(200,)), x[:20])
    with full_disk(100_000):
        found = cache.outputs(base, x)
        assert (everything(found) == Base(shape=(200,))(x)).all()
        assert (found.found, found.computed, base.seen) == (20, 1480, 1480)
        assert capsys.readouterr().err.count(os.strerror(errno.EFBIG)) == 1
    assert [path.name for path in folder.iterdir()] == [path.name for path in shards.listed(folder)]
    assert len(shards.listed(folder)) == 1


def test_a_folder_that_cannot_be_written_costs_the_cache_and_not_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "cache")
    for x in (pictures(10), pictures(10, seed=1)):
        assert (everything(cache.outputs(Base(), x)) == Base()(x)).all()
    assert capsys.readouterr().err.count("cannot be stored") == 1


def test_outputs_that_fit_neither_on_disk_nor_in_memory_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(bottleneck, "_PIECE", 0)
    monkeypatch.setattr(bottleneck, "_memory", lambda: 40_000)
    base = Base()
    with pytest.raises(CacheError, match=r"Not a directory.*too much for memory; make room there"):
        Cache(tmp_path / "file").outputs(base, pictures(2000))
    assert base.seen <= 512


def test_a_cache_that_may_only_be_read_is_read(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for start in range(0, 200, 10):
        cache.outputs(Base(), pictures(200)[start : start + 10])

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(shards, "_created", refuse)
    monkeypatch.setattr(os, "utime", refuse)
    capsys.readouterr()
    assert cache.outputs(Base(), pictures(200)).computed == 0
    assert "cannot" not in capsys.readouterr().err


# Upkeep


def test_many_small_runs_leave_few_files(tmp_path: Path, folder: Path) -> None:
    x = pictures(600)
    for start in range(0, 600, 10):
        # Five of each fifteen pictures were in the last run.
        Cache(tmp_path / "cache").outputs(Base(), x[max(start - 5, 0) : start + 10])
    assert len(shards.listed(folder)) <= upkeep._MANY + 1
    found = Cache(tmp_path / "cache").outputs(Base(), x)
    assert (found.found, found.computed) == (600, 0)
    assert (everything(found) == Base()(x)).all()


def test_merging_leaves_a_broken_file_out_and_keeps_every_other(
    cache: Cache, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = pictures(200)
    for start in range(0, 200, 10):
        before = set(shards.listed(folder))
        cache.outputs(Base(), x[start : start + 10])
        if start == 150:
            (path,) = set(shards.listed(folder)) - before
            damaged(path, "-1")
    found = cache.outputs(Base(), x)
    assert (everything(found) == Base()(x)).all()
    assert found.computed == 10
    assert str(path) in capsys.readouterr().err


# Files are merged in the order of their names, which are digests: with eight, both orders come up.
@pytest.mark.parametrize("part", range(8))
def test_merging_what_is_in_one_of_the_files_already_loses_nothing(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(upkeep, "_MANY", 1)
    x = pictures(30)
    keys = bottleneck._digests(x)
    shards.write(folder, keys, [Base()(x)])
    shards.write(folder, keys[part : part + 10], [Base()(x[part : part + 10])])
    found = cache.outputs(Base(), x)
    assert (everything(found) == Base()(x)).all()
    assert found.computed == 0
    assert len(shards.listed(folder)) == 1


def test_a_file_that_vanishes_between_listing_and_opening_is_looked_for_again(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    x = pictures(20)
    for part in (x[:10], x[10:]):
        cache.outputs(Base(), part)
    real, look = shards.listed(folder), Cache._look
    monkeypatch.setattr(upkeep, "merge_small", lambda _: None)

    def merged_by_another(self: Cache, path: Path, places: outputs.Places) -> None:
        if path == real[0] and path.exists():
            shards.write(folder, bottleneck._digests(x), [Base()(x)])
            for old in real:
                old.unlink()
        look(self, path, places)

    monkeypatch.setattr(Cache, "_look", merged_by_another)
    found = cache.outputs(Base(), x)
    assert (everything(found) == Base()(x)).all()
    assert found.computed == 0
    assert "removed" not in capsys.readouterr().err


def test_an_empty_folder_that_another_run_prunes_is_made_again(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir
    pruned = []

    def made_and_pruned(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        make(self, mode, parents, exist_ok)
        if self == folder and not pruned:
            pruned.append(upkeep.prune(folder.parent, 0, ()))

    monkeypatch.setattr(Path, "mkdir", made_and_pruned)
    cache.outputs(Base(), pictures(10))
    assert pruned
    assert len(shards.listed(folder)) == 1


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    x, names = pictures(100), ("a", "b", "c", "d")
    for number, name in enumerate(names):
        Cache(tmp_path).outputs(Base(name), x)
        (path,) = shards.listed(tmp_path / Base(name).identity)
        age(path, 1000 - number)
    # Finding makes young again.
    Cache(tmp_path).outputs(Base("a"), x)
    size = path.stat().st_size
    Cache(tmp_path, limit=3 * size + 10).outputs(Base("e"), x)
    left = {name for name in (*names, "e") if shards.listed(tmp_path / Base(name).identity)}
    assert left == {"a", "d", "e"}
    assert not (tmp_path / Base("b").identity).exists()


def test_what_this_run_uses_stays_whatever_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = Cache(tmp_path, limit=100)
    x, y = pictures(20), pictures(20, seed=1)
    cache.outputs(Base(), x)
    cache.outputs(Base(), y)
    assert capsys.readouterr().err.count("more than the cache's limit") == 1
    assert cache.outputs(Base(), np.concatenate([x, y])).computed == 0
    Cache(tmp_path, limit=100).outputs(Base(), y)
    assert Cache(tmp_path).outputs(Base(), np.concatenate([x, y])).found == 20


def test_outputs_stay_readable_when_another_run_removes_their_files(tmp_path: Path, folder: Path) -> None:
    x = pictures(50)
    found = Cache(tmp_path / "cache").outputs(Base(), x)
    Cache(tmp_path / "cache", limit=0).outputs(Base("another"), x)
    assert not shards.listed(folder)
    assert (everything(found) == Base()(x)).all()


def test_nothing_foreign_is_removed_and_no_link_followed(tmp_path: Path, folder: Path) -> None:
    root, elsewhere = tmp_path / "cache", tmp_path / "elsewhere"
    Cache(elsewhere).outputs(Base("linked"), pictures(10))
    (target,) = shards.listed(elsewhere / Base("linked").identity)
    Cache(root).outputs(Base(), pictures(10))
    kept = [
        root / "notes.txt",
        root / "photos" / target.name,
        folder / "rows.npy",
        folder / f"{target.stem}.shard.bak",
        root / ("ab" * 16) / "thesis.txt",
    ]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("not ours")
    (folder / target.name).symlink_to(target)
    (root / Base("linked").identity).symlink_to(target.parent, target_is_directory=True)
    Cache(root, limit=0).outputs(Base("another"), pictures(10, seed=1))
    assert not shards.listed(folder)
    assert all(path.read_text() == "not ours" for path in kept)
    assert target.is_file()
    assert (folder / target.name).is_symlink()
    assert (root / Base("linked").identity).is_symlink()


def test_what_a_killed_process_left_half_written_goes_and_what_is_being_written_stays(
    cache: Cache, folder: Path
) -> None:
    cache.outputs(Base(), pictures(10))
    left, written = folder / (".writing-" + "0" * 16), folder / (".writing-" + "1" * 16)
    for path in (left, written):
        path.write_bytes(b"half")
    age(left, 7200)
    cache.outputs(Base(), pictures(10))
    assert not left.exists()
    assert written.exists()


def test_runs_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.transfer.fakes", "at_once", str(tmp_path), str(seed)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)
    ]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    for run, error in zip(runs, errors, strict=True):
        assert run.returncode == 0, error
        assert "broken" not in error
        assert "altered" not in error
        assert "cannot be stored" not in error
    assert not list(tmp_path.rglob(".writing-*"))


@pytest.mark.parametrize(("count", "megabytes"), [(200_000, 120), pytest.param(1_000_000, 250, marks=pytest.mark.slow)])
def test_outputs_are_never_resident_all_at_once(tmp_path: Path, count: int, megabytes: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.transfer.fakes", "measure", str(tmp_path), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.shard")) > count * 800
    assert int(done.stdout) < megabytes * 2**20


# Feature extraction by other hands


def test_a_bundles_embeddings_through_an_engine(cache: Cache, tiny_bundle: Bundle, optdigits: DataSet) -> None:
    engine = OpenVINOEngine(tiny_bundle.path, "f32")
    x = optdigits.x_test[:150]
    wanted = engine.embed(x)
    found = cache.outputs(EngineExtractor(engine, tiny_bundle), x)
    assert found.shape == wanted.shape[1:]
    assert np.allclose(everything(found), wanted, atol=1e-5)
    again = cache.outputs(EngineExtractor(OpenVINOEngine(tiny_bundle.path, "f32"), tiny_bundle), x)
    assert (again.found, again.computed) == (150, 0)


def test_engines_share_outputs_of_one_precision_and_one_bundle_alone(tiny_bundle: Bundle) -> None:
    x = pictures(20)
    openvino = EngineExtractor(OpenVINOEngine(tiny_bundle.path, "f32"), tiny_bundle)
    tensorflow = EngineExtractor(TensorFlowEngine(tiny_bundle.path), tiny_bundle)
    assert np.allclose(openvino(x), tensorflow(x), atol=1e-4)
    assert openvino.identity == tensorflow.identity

    class Coarse(OpenVINOEngine):
        precision = "bf16"

    assert EngineExtractor(Coarse(tiny_bundle.path), tiny_bundle).identity != openvino.identity
    files = {**tiny_bundle.metadata.files, SAVED_MODEL: {"bytes": 1, "sha256": "0" * 64}}
    other = replace(tiny_bundle, metadata=replace(tiny_bundle.metadata, files=files))
    assert EngineExtractor(OpenVINOEngine(tiny_bundle.path, "f32"), other).identity != openvino.identity


def test_a_fleet_has_several_requests_under_way(tiny_bundle: Bundle) -> None:
    class Slow:
        def predict(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
            raise NotImplementedError

        def embed(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
            time.sleep(0.2)
            return x[:, 0, :2].astype(np.float32)

    x = pictures(512)
    begun = time.monotonic()
    assert (EngineExtractor(Slow(), tiny_bundle)(x) == x[:, 0, :2]).all()
    assert time.monotonic() - begun < 0.8


def test_the_cache_lies_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("INKLING_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "inkling" / "bottlenecks"
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert default_folder() == Path("/fast/inkling/bottlenecks")
    monkeypatch.setenv("INKLING_CACHE", "/mine")
    assert default_folder() == Path("/mine/bottlenecks")

"""Both engines compute what was trained, alone and in a batch, from several threads at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from serving.bundle import Bundle
from serving.engines import Engine, OpenVINOEngine, TensorFlowEngine, load
from serving.errors import BadRequestError, BundleError
from training.datasets import DataSet

IN_PROCESS = ("openvino", "tensorflow")
"""The engines that need nobody else; `test_tfserving.py` has the other."""


@pytest.fixture(scope="module", params=IN_PROCESS)
def engine(request: pytest.FixtureRequest, tiny_bundle: Bundle) -> Engine:
    return load(request.param, tiny_bundle.path)


def test_it_reads_handwriting(engine: Engine, optdigits: DataSet) -> None:
    probabilities = engine.predict(optdigits.x_test)
    assert probabilities.shape == (len(optdigits.x_test), 10)
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=0.01)
    assert (probabilities.argmax(axis=1) == optdigits.y_test).mean() > 0.9


def test_a_symbol_alone_is_read_as_in_a_batch(engine: Engine, optdigits: DataSet) -> None:
    batch = engine.predict(optdigits.x_test[:64])
    alone = np.concatenate([engine.predict(optdigits.x_test[i : i + 1]) for i in range(64)])
    assert np.abs(batch - alone).max() < 0.01


def test_answers_stay_what_they_were_after_the_next_call(engine: Engine, optdigits: DataSet) -> None:
    first = engine.predict(optdigits.x_test[:1])
    kept = first.copy()
    engine.predict(optdigits.x_test[1:2])
    assert (first == kept).all()


def test_pictures_may_lie_in_memory_in_any_order(engine: Engine, optdigits: DataSet) -> None:
    mirrored = optdigits.x_test[:200, :, ::-1]
    assert np.abs(engine.predict(mirrored) - engine.predict(mirrored.copy())).max() < 1e-6


def test_pictures_may_be_of_memory_that_cannot_be_written(engine: Engine, optdigits: DataSet) -> None:
    pictures = np.frombuffer(optdigits.x_test[:5].tobytes(), np.uint8).reshape(5, 28, 28)
    assert (engine.predict(pictures) == engine.predict(optdigits.x_test[:5].copy())).all()
    assert (engine.embed(pictures) == engine.embed(optdigits.x_test[:5].copy())).all()


def test_threads_do_not_mix_their_answers(engine: Engine, optdigits: DataSet) -> None:
    alone = [engine.predict(picture[None]) for picture in optdigits.x_test[:40]]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda picture: engine.predict(picture[None]), optdigits.x_test[:40]))
    assert np.abs(np.array(alone) - np.array(together)).max() < 1e-6


def test_openvino_finds_the_embedding_that_the_saved_model_declares(tiny_bundle: Bundle, optdigits: DataSet) -> None:
    pictures = optdigits.x_test[:50]
    wanted = TensorFlowEngine(tiny_bundle.path).embed(pictures)
    found = OpenVINOEngine(tiny_bundle.path, "f32").embed(pictures)
    assert wanted.shape == (50, 32)
    assert np.abs(wanted - found).max() < 1e-3


@pytest.mark.parametrize("name", IN_PROCESS)
def test_files_may_be_cut_off_once_they_are_read(name: str, tiny_bundle: Bundle, tmp_path: Path) -> None:
    # In a process of its own, for the fault would end it.
    code = """
import shutil, sys
from pathlib import Path
import numpy as np
from serving.engines import load
path = Path(shutil.copytree(sys.argv[2], sys.argv[3]))
engine = load(sys.argv[1], path)
for file in path.rglob("variables/*"):
    file.write_bytes(b"")
pictures = np.zeros((2, 28, 28), np.uint8)
assert engine.predict(pictures).shape == (2, 10)
assert engine.embed(pictures).shape == (2, 32)
"""
    command = [sys.executable, "-c", code, name, str(tiny_bundle.path), str(tmp_path / "1")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_directory_without_a_model_is_refused_in_words(name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no SavedModel"):
        load(name, tmp_path)


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequestError, match="openvino, tensorflow, tfserving"):
        load("abacus", Path())


def test_nothing_is_reported_to_anybody_when_openvino_is_imported() -> None:
    code = """
import multiprocessing, sys
from serving.engines import import_library
import_library("openvino")
assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]
assert not multiprocessing.active_children()
"""
    subprocess.run([sys.executable, "-c", code], check=True)

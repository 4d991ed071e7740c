"""Two processes train as one does, and only one of them writes."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import keras
import numpy as np
import pytest

from transfer import distribute
from transfer.errors import TransferError

ROOT = Path(__file__).resolve().parents[2]


def train(folder: Path) -> None:
    """What each machine runs: the same program, the same batches; the last one is shared unevenly."""
    team = distribute.workers()
    keras.utils.set_random_seed(0)
    with team.strategy.scope():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])
        optimizer = keras.optimizers.AdamW(0.01)
    rng = np.random.default_rng(0)
    x, y = rng.random((45, 6), np.float32), rng.integers(0, 3, 45)
    batches = [(x[start : start + 10], y[start : start + 10]) for start in range(0, 45, 10)]

    def loss(truth: object, logits: object) -> object:
        return keras.losses.sparse_categorical_crossentropy(truth, logits, from_logits=True)

    step = team.step(model, optimizer, loss)  # type: ignore[arg-type]
    values = [step(*batch) for _ in range(3) for batch in batches]
    number = json.loads(os.environ["TF_CONFIG"])["task"]["index"] if "TF_CONFIG" in os.environ else 0
    np.savez(folder / f"weights{number}.npz", *model.get_weights(), chief=team.chief, losses=values)


def test_two_processes_get_the_weights_that_one_would(tmp_path: Path) -> None:
    with ExitStack() as taken:
        places = [taken.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname() for _ in range(2)]
    cluster = {"worker": [f"{host}:{port}" for host, port in places]}
    program = (
        f"from pathlib import Path; from tests.transfer.test_distribute import train; train(Path({str(tmp_path)!r}))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={
                **os.environ,
                "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(2)
    ]
    for process in processes:
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output
    first, second = (np.load(tmp_path / f"weights{number}.npz") for number in range(2))
    (tmp_path / "alone").mkdir()
    train(tmp_path / "alone")
    alone = np.load(tmp_path / "alone" / "weights0.npz")
    assert (bool(first["chief"]), bool(second["chief"]), bool(alone["chief"])) == (True, False, True)
    for name in ("arr_0", "arr_1", "arr_2", "arr_3"):
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_allclose(first[name], alone[name], atol=1e-5)
    assert alone["losses"][-5:].mean() < alone["losses"][:5].mean()
    np.testing.assert_allclose(first["losses"], alone["losses"], atol=1e-5)


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}']
)
def test_a_wrong_configuration_is_answered_with_a_right_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(TransferError, match='TF_CONFIG .*right is {"cluster"'):
        distribute.workers()


def test_machines_are_not_joined_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    keras.ops.ones(1)
    task = {"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    with pytest.raises(TransferError, match="cannot be joined once TensorFlow has begun"):
        distribute.workers()


def test_a_batch_that_is_too_small_to_share_is_refused() -> None:
    team = distribute.Workers(distribute.tf.distribute.get_strategy(), chief=True)
    with pytest.raises(TransferError, match="a batch of 0 cannot be shared by 1"):
        team._share(np.zeros((0, 6)))

"""`python clients.py HOST:PORT PICTURES.npy`: the server as seen by clients that know nothing of it.

Run by `test_clients.py` as a process of its own, since `ovmsclient` brings messages with the official names. Prints
what it got.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import ovmsclient
import tritonclient.http as triton
from ovmsclient.tfs_compat.base.errors import ModelNotFoundError
from tritonclient.utils import InferenceServerException


def by_ovmsclient(address: str, pictures: np.ndarray) -> None:
    """TensorFlow Serving's REST API by OpenVINO Model Server's client."""
    client = ovmsclient.make_http_client(address)
    (status,) = client.get_model_status("tiny").values()
    assert (status["state"], status["error_code"], status["error_message"]) == ("AVAILABLE", 0, ""), status
    assert client.get_model_metadata("tiny")["model_spec"]["version"] == "1"
    for version in (0, 1):
        found = client.predict({"image": pictures}, "tiny", version)
        print(found.shape, found.argmax(axis=1).tolist())
    with fails(ModelNotFoundError, "Servable not found for request: Specific(runes, 7)"):
        client.predict({"image": pictures}, "runes", 7)


def by_tritonclient(address: str, pictures: np.ndarray) -> None:
    """The Open Inference Protocol by NVIDIA Triton's client."""
    with triton.InferenceServerClient(address) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("tiny")
        assert client.is_model_ready("tiny", "1")
        assert not client.is_model_ready("runes")
        assert client.get_server_metadata()["name"] == "inkling"
        (tensor,) = client.get_model_metadata("tiny")["inputs"]
        for bytewise in (True, False):
            image = triton.InferInput("image", list(pictures.shape), tensor["datatype"])
            image.set_data_from_numpy(pictures, binary_data=bytewise)
            wanted = [triton.InferRequestedOutput(name, bytewise) for name in ("probabilities", "embedding")]
            answer = client.infer("tiny", [image], outputs=wanted, request_id="7")
            assert answer.get_response()["id"] == "7"
            assert answer.as_numpy("embedding").shape == (len(pictures), 32)
            found = answer.as_numpy("probabilities")
            print(found.shape, found.argmax(axis=1).tolist())
        with fails(InferenceServerException, "no model 'runes'"):
            client.infer("runes", [image])


@contextmanager
def fails(error: type[Exception], words: str) -> Iterator[None]:
    """What pytest has as `raises`; it need not be installed here."""
    try:
        yield
    except error as found:
        if words in str(found):
            return
        raise
    raise SystemExit(f"no {error.__name__} with {words!r}")


if __name__ == "__main__":
    for ask in (by_ovmsclient, by_tritonclient):
        ask(sys.argv[1], np.load(sys.argv[2]))

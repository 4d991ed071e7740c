"""`python litserve_app.py PORT WORKERS`: LitServe with a worker a core, and as many processes that speak HTTP."""

import sys
from typing import Any

import litserve

from tests.bench.peers import network


class Digits(litserve.LitAPI):
    """One digit a request."""

    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe gives it
        """Called in each worker."""
        self.engine = network.load()

    def decode_request(self, request: dict[str, Any]) -> Any:
        """JSON to a picture."""
        return network.picture(request["pixels"])

    def predict(self, picture: Any) -> Any:
        """A picture to probabilities."""
        return self.engine.predict(picture)

    def encode_response(self, output: Any) -> dict[str, object]:
        """Probabilities to JSON."""
        return network.answer(output)


if __name__ == "__main__":
    workers = int(sys.argv[2])
    server = litserve.LitServer(Digits(), accelerator="cpu", workers_per_device=workers, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=workers,
        log_level="error",
        access_log=False,
        generate_client_file=False,
    )

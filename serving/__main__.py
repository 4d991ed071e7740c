"""`python -m serving`: the server's command line."""

import argparse
import sys
from pathlib import Path

from serving.api.tokens import checked_token, read_token
from serving.config import Config, address
from serving.engines import LIBRARIES
from serving.errors import InklingError
from serving.server import serve


def main() -> None:
    """Read the arguments and serve until stopped."""
    defaults = Config()
    parser = argparse.ArgumentParser(prog="inkling-serve", description="Serve recognisers over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--models",
        type=Path,
        default=defaults.models,
        help="folder of models (default: $INKLING_MODELS, else ./models; then the shipped ones)",
    )
    parser.add_argument("--engine", choices=LIBRARIES, default=defaults.engine, help="default: %(default)s")
    parser.add_argument(
        "--tfserving",
        type=address,
        metavar="HOST:PORT",
        default=defaults.tfserving,
        help="gRPC port of the TensorFlow Serving that --engine tfserving asks (default: %(default)s)",
    )
    parser.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="file with the token that /admin asks for (default: $INKLING_ADMIN_TOKEN; without one, /admin is closed)",
    )
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    arguments = parser.parse_args()
    try:
        config = Config(
            models=arguments.models,
            engine=arguments.engine,
            tfserving=arguments.tfserving,
            admin_token=_admin_token(arguments.admin_token_file, defaults),
        )
        serve(config, arguments.host, arguments.port, arguments.workers)
    except InklingError as error:
        sys.exit(f"inkling-serve: {error}")


def _admin_token(path: Path | None, defaults: Config) -> str:
    if path:
        return read_token(path)
    return checked_token(defaults.admin_token, "$INKLING_ADMIN_TOKEN") if defaults.admin_token else ""


if __name__ == "__main__":
    main()

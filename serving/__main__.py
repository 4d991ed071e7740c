"""`python -m serving`: the server's command line."""

import argparse
import re
import sys
from pathlib import Path

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
        "--cors-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let pages of this origin read the answers, as https://example.org, or * for all; may be given again",
    )
    parser.add_argument(
        "--max-wait",
        type=float,
        default=defaults.max_wait,
        metavar="SECONDS",
        help="longest wait for a request's turn under load, beyond which it is answered 503 (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    arguments = parser.parse_args()
    for origin in arguments.cors_origin:
        if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]+", origin):
            parser.error(f"--cors-origin must be scheme://host[:port] without a path, or *; {origin!r} is not")
    if not 0 <= arguments.max_wait < 60:
        parser.error(f"--max-wait must be from 0 to 60 seconds; {arguments.max_wait:g} is not")
    config = Config(
        models=arguments.models,
        engine=arguments.engine,
        tfserving=arguments.tfserving,
        cors_origins=tuple(arguments.cors_origin),
        max_wait=arguments.max_wait,
    )
    try:
        serve(config, arguments.host, arguments.port, arguments.workers)
    except InklingError as error:
        sys.exit(f"inkling-serve: {error}")


if __name__ == "__main__":
    main()

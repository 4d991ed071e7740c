"""`python -m serving`: the server's command line."""

import argparse
import sys
from pathlib import Path

from serving.config import Config, address
from serving.engines import LIBRARIES
from serving.errors import InklingError
from serving.logs import KINDS
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
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument(
        "--log",
        choices=KINDS,
        default=defaults.log,
        help="a line on stderr of every request (json, text) or only of what goes wrong (errors, as text); "
        "default: errors on a terminal, else json",
    )
    parser.add_argument(
        "--proxies",
        type=int,
        default=defaults.proxies,
        help="proxies in front, whose X-Forwarded-For and X-Forwarded-Proto are believed (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if arguments.proxies < 0:
        parser.error(f"--proxies must be a number from 0 on; {arguments.proxies} is not")
    config = Config(
        models=arguments.models,
        engine=arguments.engine,
        tfserving=arguments.tfserving,
        proxies=arguments.proxies,
        log=arguments.log,
    )
    try:
        serve(config, arguments.host, arguments.port, arguments.workers)
    except InklingError as error:
        sys.exit(f"inkling-serve: {error}")


if __name__ == "__main__":
    main()

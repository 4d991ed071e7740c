"""`python -m serving`: the server's command line."""

import argparse
import re
import sys
from pathlib import Path

from serving.api.tokens import checked_token, read_token
from serving.config import TFSERVING, Config, address
from serving.engines import LIBRARIES
from serving.errors import BadRequestError, InklingError
from serving.logs import KINDS
from serving.policy import parse
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
    parser.add_argument("--engine", choices=LIBRARIES, help=f"default: {defaults.engine}")
    parser.add_argument(
        "--tfserving",
        type=address,
        metavar="HOST:PORT",
        help=f"gRPC port of the TensorFlow Serving that computes; implies --engine tfserving (default: {TFSERVING})",
    )
    parser.add_argument(
        "--model-version-policy",
        metavar="POLICY",
        default=defaults.version_policy,
        help="versions that are served: latest, latest:2, all or specific:1,3 (default: %(default)s)",
    )
    parser.add_argument(
        "--poll-seconds",
        type=float,
        metavar="SECONDS",
        default=defaults.poll_seconds,
        help="time between two looks at the models' folder (default: %(default)s)",
    )
    parser.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="file with the token that /admin asks for (default: $INKLING_ADMIN_TOKEN; without one, /admin is closed)",
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
    parser.add_argument(
        "--feedback",
        type=Path,
        metavar="FILE",
        help="take corrections, and keep them in this file (default: none are taken)",
    )
    parser.add_argument(
        "--feedback-mb",
        type=int,
        default=defaults.feedback_bytes >> 20,
        metavar="MB",
        help="megabytes of corrected drawings that are kept; beyond, the oldest go (default: %(default)s)",
    )
    parser.add_argument(
        "--teach",
        type=Path,
        metavar="DIR",
        help="let those who bring the token teach new symbols; jobs are kept in this folder (default: nobody may)",
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
    engine = arguments.engine or ("tfserving" if arguments.tfserving else defaults.engine)
    if arguments.tfserving and engine != "tfserving":
        parser.error(f"--tfserving says where the engine tfserving computes; --engine {engine} has no use for it")
    if not 0.05 <= arguments.poll_seconds <= 3600:
        parser.error(f"--poll-seconds must be from 0.05 to 3600; {arguments.poll_seconds:g} is not")
    if arguments.proxies < 0:
        parser.error(f"--proxies must be a number from 0 on; {arguments.proxies} is not")
    for origin in arguments.cors_origin:
        if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]+", origin):
            parser.error(f"--cors-origin must be scheme://host[:port] without a path, or *; {origin!r} is not")
    if not 0 <= arguments.max_wait < 60:
        parser.error(f"--max-wait must be from 0 to 60 seconds; {arguments.max_wait:g} is not")
    if not 1 <= arguments.feedback_mb <= 1_000_000:
        parser.error(f"--feedback-mb must be a number from 1 on; {arguments.feedback_mb} is not")
    try:
        parse(arguments.model_version_policy)
    except BadRequestError as error:
        parser.error(str(error))
    try:
        config = Config(
            models=arguments.models,
            engine=engine,
            tfserving=arguments.tfserving or defaults.tfserving,
            version_policy=arguments.model_version_policy,
            poll_seconds=arguments.poll_seconds,
            admin_token=_admin_token(arguments.admin_token_file, defaults),
            proxies=arguments.proxies,
            log=arguments.log,
            feedback=arguments.feedback,
            feedback_bytes=arguments.feedback_mb << 20,
            teach=arguments.teach,
            cors_origins=tuple(arguments.cors_origin),
            max_wait=arguments.max_wait,
        )
        if config.teach and not config.admin_token:
            parser.error("--teach needs a token: give --admin-token-file FILE, or set $INKLING_ADMIN_TOKEN")
        serve(config, arguments.host, arguments.port, arguments.workers)
    except InklingError as error:
        sys.exit(f"inkling-serve: {error}")


def _admin_token(path: Path | None, defaults: Config) -> str:
    if path:
        return read_token(path)
    return checked_token(defaults.admin_token, "$INKLING_ADMIN_TOKEN") if defaults.admin_token else ""


if __name__ == "__main__":
    main()

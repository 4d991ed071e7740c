"""Tokens: who may do what. A client sends its own in `Authorization: Bearer TOKEN`."""

import hmac
from pathlib import Path

from flask import request

from serving.api.respond import config
from serving.errors import BadRequestError, ForbiddenError, UnauthorizedError

_SHORTEST = 16
"""Characters; a shorter secret is guessed sooner than one would think."""


def read_token(path: Path) -> str:
    """The secret in a file, without the line's end. Raises BadRequestError where there is no good one."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"the token file {path} cannot be read: {error}") from error
    return checked_token(text, f"the token file {path}")


def checked_token(token: str, source: str) -> str:
    """The token itself, if it is one; `source` says where it is from. Raises BadRequestError otherwise."""
    if len(token) < _SHORTEST or not (token.isascii() and token.isprintable()) or " " in token:
        raise BadRequestError(
            f"{source} must hold one token of at least {_SHORTEST} ASCII characters without spaces; "
            "`openssl rand -hex 32` makes a good one"
        )
    return token


def admin() -> None:
    """Let the request pass if it brings the server's admin token; raises as `require`."""
    require(config().admin_token, "start it with --admin-token-file FILE, or $INKLING_ADMIN_TOKEN")


def require(token: str, how: str) -> None:
    """Let the request pass if it brings this token.

    Raises UnauthorizedError where it brings none or another; ForbiddenError where `token` is empty, so that nobody may:
    `how` says how to set one. Comparing takes as long for a token that is nearly right.
    """
    if not token:
        raise ForbiddenError(f"nobody may do this: the server was started without a token; {how}")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise UnauthorizedError("this needs a token: send the header 'Authorization: Bearer TOKEN'")
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise UnauthorizedError("the token is not the right one")

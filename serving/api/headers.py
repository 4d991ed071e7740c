"""Headers of every answer: what browsers may do with it, and which other sites may read it."""

from typing import Final

from flask import Flask, Response, request

from serving.config import Config

EVERYWHERE: Final = (
    ("X-Content-Type-Options", "nosniff"),
    # A page that people draw on has no business telling other sites where it lives.
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
DATA: Final = (*EVERYWHERE, ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
PAGE: Final = (
    *EVERYWHERE,
    (
        "Content-Security-Policy",
        "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self' data: blob:",
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            )
        ),
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)

_PREFLIGHT: Final = (
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Content-Type, Inference-Header-Content-Length, X-Request-ID"),
    ("Access-Control-Max-Age", "600"),
)
_EXPOSED: Final = "Inference-Header-Content-Length, Retry-After, Server-Timing, X-Request-ID"


def harden(app: Flask, config: Config) -> None:
    """Give every answer of the application its headers; `config.cors_origins` may read them from their own pages."""
    app.after_request(_add_security)
    if config.cors_origins:
        allowed = frozenset(config.cors_origins)
        app.before_request(lambda: _preflight(allowed))
        app.after_request(lambda response: _add_cors(response, allowed))


def _add_security(response: Response) -> Response:
    response.headers.extend(PAGE if response.mimetype == "text/html" else DATA)
    return response


def _origin(allowed: frozenset[str]) -> str | None:
    """The page's origin, where it may read."""
    origin = request.headers.get("Origin")
    if origin is None or not ("*" in allowed or origin in allowed):
        return None
    return "*" if "*" in allowed else origin


def _preflight(allowed: frozenset[str]) -> Response | None:
    """Answer what browsers ask before they send JSON or images for a page of another site (Fetch, section 3.2.2)."""
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers and _origin(allowed):
        return Response(status=204, headers=_PREFLIGHT)
    return None


def _add_cors(response: Response, allowed: frozenset[str]) -> Response:
    # A cache must not give one site's answer to another.
    if "*" not in allowed:
        response.vary.add("Origin")
    origin = _origin(allowed)
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    return response

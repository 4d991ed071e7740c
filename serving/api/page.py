"""The drawing pad: one HTML page, and the headers that keep foreign content out of it."""

from typing import Final

from flask import Blueprint, Response, render_template

blueprint = Blueprint("page", __name__)

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
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
    "X-Content-Type-Options": "nosniff",
    # A page that people draw on has no business telling other sites where it lives.
    "Referrer-Policy": "no-referrer",
}


@blueprint.get("/")
def index() -> str:
    """The drawing pad."""
    return render_template("index.html")


@blueprint.after_request
def harden(response: Response) -> Response:
    """Add the security headers to the page's own answers; JSON answers have no use for them."""
    response.headers.update(HEADERS)
    return response

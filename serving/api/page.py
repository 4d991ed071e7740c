"""The drawing pad: one HTML page."""

from flask import Blueprint, render_template

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> str:
    """The drawing pad."""
    return render_template("index.html")

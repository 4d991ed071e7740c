"""The pages: one to draw on, and one to teach new symbols on where that is allowed."""

from flask import Blueprint, render_template

from serving.api.respond import config
from serving.errors import NotFoundError

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> str:
    """The drawing pad."""
    return _page("index.html")


@blueprint.get("/learn")
def learn() -> str:
    """Where new symbols are taught. Raises NotFoundError where nothing is taught."""
    if not config().teach:
        raise NotFoundError("nothing is taught here; start the server with --teach and a token to teach it on this page")
    return _page("learn.html")


def _page(template: str) -> str:
    settings = config()
    return render_template(template, feedback=bool(settings.feedback), teach=bool(settings.teach))

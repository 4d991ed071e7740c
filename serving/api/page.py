"""The pages: one to draw on, and one to teach new symbols on where that is allowed."""

from flask import Blueprint, render_template

from serving.api.respond import config
from serving.errors import NotFoundError
from serving.teach.runner import is_possible

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> str:
    """The drawing pad."""
    return _page("index.html")


@blueprint.get("/learn")
def learn() -> str:
    """Where new symbols are taught. Raises NotFoundError where nothing is taught."""
    if not _teaches():
        raise NotFoundError("this server teaches nothing; start it with --teach DIR and --admin-token-file FILE")
    return _page("learn.html")


def _page(template: str) -> str:
    return render_template(template, feedback=bool(config().feedback), teach=_teaches())


def _teaches() -> bool:
    return bool(config().teach and config().admin_token) and is_possible()

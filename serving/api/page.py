"""The pages: one to draw on, and one to teach new symbols on where that is allowed."""

from flask import Blueprint, render_template

from serving.api import teach
from serving.api.respond import config

blueprint = Blueprint("page", __name__)


@blueprint.get("/")
def index() -> str:
    """The drawing pad."""
    return _page("index.html")


@blueprint.get("/learn")
def learn() -> str:
    """Where new symbols are taught. Raises NotFoundError where nothing is taught."""
    teach.jobs()
    return _page("learn.html")


def _page(template: str) -> str:
    return render_template(template, feedback=bool(config().feedback), teach=not teach.missing())

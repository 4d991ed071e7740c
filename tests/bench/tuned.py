"""`python -m tests.bench.tuned SETTINGS`: our server under other settings of gunicorn, given as JSON.

`preload` among them says what is there before the workers fork: `nothing`, the `app`, or the `engine` library too.
"""

import json
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

# The application is imported where `preload` wants it, and so not here.


class Tuned(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn with these settings and the application with its own."""

    def __init__(self, preload: str, **settings: Any) -> None:
        self._preload = preload
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)
        self.cfg.set("preload_app", self._preload != "nothing")
        self.cfg.set("post_worker_init", warm_up)

    def load(self) -> Any:
        """Called by gunicorn, in its parent process or in each worker."""
        from serving.app import create_app

        if self._preload == "engine":
            from serving.engines import import_library

            import_library("openvino")
        return create_app()


def warm_up(worker: Any) -> None:
    """Load and use the model, as `serving.server` does."""
    from serving.ink import from_strokes

    worker.wsgi.extensions["inkling_models"].get().read([from_strokes([[[0.0, 0.0], [5.0, 8.0]]])])


if __name__ == "__main__":
    Tuned(**json.loads(sys.argv[1])).run()

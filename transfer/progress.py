"""Progress for machines: a line of JSON for each step, and one for the end."""

import json
from typing import TextIO


class Progress:
    """Writes `{"step": words, "share": 0..1}`, at last `{"state": "done" | "failed", ...}`; nothing without a file."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._warnings: list[str] = []

    def at(self, step: str, share: float) -> None:
        """This step begins, with that share of the time behind it, roughly."""
        self._write({"step": step, "share": round(share, 3)})

    def warn(self, text: str) -> None:
        """What the person should know, told at the end."""
        self._warnings.append(text)

    def done(self, model: str, version: int, measured: str) -> None:
        """The bundle is written."""
        message = ". ".join([measured, *self._warnings])
        self._write({"state": "done", "model": model, "version": version, "message": message})

    def failed(self, message: str) -> None:
        """Nothing was written."""
        self._write({"state": "failed", "message": ". ".join([message, *self._warnings])})

    def _write(self, fields: dict[str, object]) -> None:
        if self._file:
            self._file.write(json.dumps(fields, ensure_ascii=False) + "\n")
            self._file.flush()

"""Runs jobs one at a time: in whichever worker gets hold of a lock, for as long as that lives."""

import importlib.util
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from serving.files import taken
from serving.teach import process
from serving.teach.jobs import Job, Jobs, State, now
from serving.teach.process import Standby

LONGEST = 1800.0
"""Seconds after which a job is given up."""

_LOOK = 0.1
"""Seconds between two looks at the queue, or at a job's progress."""
_TAKE_OVER = 1.0
"""Seconds between two tries to become the one who runs jobs."""
_BREATH = 3.0
"""Seconds until the first process is started: the server comes first."""
_LOG = logging.getLogger(__name__)


@cache
def is_possible() -> bool:
    """Whether what learns is installed; nothing of it is imported."""
    return all(importlib.util.find_spec(name) for name in ("tensorflow", "keras", "transfer"))


class Runner:
    """Runs the jobs; new models go to `models`."""

    def __init__(self, jobs: Jobs, models: Path) -> None:
        self._jobs = jobs
        self._models = models
        self._lives = jobs.folder / "processes"
        self._standby: Standby | None = None

    def start(self) -> None:
        """Run jobs in a thread of its own until this process ends: called after the fork."""
        threading.Thread(target=self._run, name="teach", daemon=True).start()

    def _run(self) -> None:
        with (self._jobs.folder / "runner").open("w") as lock:
            while not taken(lock):
                sleep(_TAKE_OVER)
            begun = monotonic()
            while True:
                try:
                    if self.turn(monotonic() > begun + _BREATH):
                        continue
                except Exception:
                    # One job that cannot be run, not one server that runs none any more.
                    _LOG.exception("a teaching job could not be run")
                    sleep(_TAKE_OVER)
                sleep(_LOOK)

    def turn(self, ahead: bool = True) -> bool:
        """Go on with a job that an ended worker has left, or run the next to its end; False where there is none.

        `ahead`: start the process for the job that will come.
        """
        # Nothing runs but what this method runs: whatever else is called running was left by another worker.
        job = self._jobs.next()
        if self._standby is None:
            left = [one for one in self._jobs.all() if one.state is State.RUNNING]
            for one in left:
                self._watch(one)
        if job is None:
            if ahead and not (self._standby and self._standby.is_ready()):
                self._sweep()
                self._standby = Standby(self._lives)
            return False
        if not (self._standby and self._standby.is_ready()):
            self._standby = Standby(self._lives)
        standby, self._standby = self._standby, None
        running = self._jobs.change(
            job.id,
            state=State.RUNNING,
            step="starting",
            started=now(),
            process=standby.group,
            life=standby.life,
        )
        if running.state is not State.RUNNING:
            # It was cancelled in the meantime.
            self._standby = standby
            return True
        standby.begin(self._arguments(job))
        self._watch(running)
        standby.reap()
        return True

    def close(self) -> None:
        """Let the waiting process go."""
        if self._standby:
            self._standby.dismiss()
        self._standby = None

    def _arguments(self, job: Job) -> Sequence[str]:
        place = self._jobs.place(job)
        learn = ["--correct"] if job.corrections else ["--held-out", "0"]
        return [
            *(str(place / "pictures"), "--name", job.name, "--models", str(self._models)),
            *("--progress", str(place / "progress.jsonl"), *learn),
        ]

    def _watch(self, job: Job) -> None:
        """Follow a job's process to its end."""
        progress, life = self._jobs.place(job) / "progress.jsonl", self._lives / job.life
        seen: dict[str, Any] = {}
        while True:
            # In this order: what it writes last is read after it has ended.
            living = process.lives(life)
            told = _last(progress)
            seconds = round(max(0.0, now() - job.started), 1)
            if told.get("state"):
                process.stop(job.process, life)
                version = {name: told.get(name) for name in ("model", "version")}
                self._jobs.end(job.id, State(told["state"]), told["message"], share=1.0, seconds=seconds, **version)
                return
            if not living:
                self._end_unfinished(job, life, seconds)
                return
            if self._jobs.get(job.id).cancelling:
                process.stop(job.process, life)
                self._jobs.end(job.id, State.CANCELLED, "cancelled; no model was written", seconds=seconds)
                return
            if seconds > LONGEST:
                process.stop(job.process, life)
                message = f"given up after {LONGEST / 60:.0f} minutes; give fewer drawings"
                self._jobs.end(job.id, State.FAILED, message, seconds=seconds)
                return
            if told != seen:
                seen = told
                self._jobs.change(job.id, step=told["step"], share=told["share"], seconds=seconds)
            sleep(_LOOK)

    def _end_unfinished(self, job: Job, life: Path, seconds: float) -> None:
        words = process.last_words(life)
        _LOG.warning("teaching job %s ended without a word: %s", job.id, words)
        message = (
            "it was stopped before it was done, as when the machine restarts or runs out of memory; no model was "
            "written: teach it again"
        )
        self._jobs.end(job.id, State.INTERRUPTED, message, seconds=seconds)

    def _sweep(self) -> None:
        """Remove what processes that have ended have left."""
        for path in self._lives.glob("*[0-9a-f]"):
            if not process.lives(path):
                path.unlink(missing_ok=True)
                path.with_suffix(".log").unlink(missing_ok=True)


def _last(path: Path) -> dict[str, Any]:
    """The last whole line of progress."""
    with suppress(FileNotFoundError):
        for line in reversed(path.read_bytes().splitlines(keepends=True)):
            if line.endswith(b"\n"):
                found: dict[str, Any] = json.loads(line)
                return found
    return {}

"""Jobs in a folder: what waits, runs and has ended, as every process that is given the folder sees it.

`<folder>/<id>/`: `job.json`, replaced whole; `pictures/`, one folder a class, until the job has ended;
`progress.jsonl`, which the job's process writes. `<folder>/waiting/` has an empty file for each job that waits, so that
finding none costs next to nothing.
"""

import json
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from serving import files
from serving.errors import ImpossibleError, NotFoundError, NotReadyError, StorageError

MOST_WAITING = 20
MOST_KEPT = 100
"""Jobs that are remembered; the oldest that have ended are forgotten."""

_ID = re.compile(r"[A-Za-z0-9_-]{20,40}")
_JOB, _WAITING = "job.json", "waiting"


class State(StrEnum):
    """What becomes of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Job:
    """One job as `job.json` has it."""

    id: str
    """Nobody can guess it."""
    number: int
    """In the order in which they came."""
    name: str
    """Of the model."""
    classes: int
    drawings: int
    corrections: bool = False
    """Whether the model is retrained with corrections of its answers."""
    state: State = State.QUEUED
    step: str = "waiting"
    share: float = 0.0
    """Of the time, roughly: 0 to 1."""
    seconds: float = 0.0
    """That it has run."""
    model: str | None = None
    version: int | None = None
    """What was made."""
    message: str = ""
    process: int = 0
    """Number of the process group that runs it."""
    life: str = ""
    """Name of the file that is locked as long as that lives."""
    started: float = 0.0
    """Seconds since 1970."""
    cancelling: bool = False


class Jobs:
    """The jobs in `folder`, which is made where it is missing; raises StorageError where that cannot be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = folder / "lock"
        with _kept(folder):
            (folder / _WAITING).mkdir(parents=True, exist_ok=True)

    def submit(
        self, name: str, classes: int, drawings: int, write: Callable[[Path], object], *, corrections: bool = False
    ) -> Job:
        """Put a job into the queue; `write` makes its folder of pictures.

        Raises NotReadyError where too many wait, StorageError where it cannot be kept; nothing is left of it then.
        """
        with _kept(self.folder):
            part = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
            try:
                write(part / "pictures")
                with files.locked(self._lock):
                    if len(self._waiting()) >= MOST_WAITING:
                        raise NotReadyError(f"{MOST_WAITING} jobs wait already; try again when some have ended")
                    number = max((job.number for job in self.all()), default=0) + 1
                    job = Job(secrets.token_urlsafe(16), number, name, classes, drawings, corrections)
                    _write(part, job)
                    part.rename(self.folder / job.id)
                    (self.folder / _WAITING / job.id).touch()
                    self._forget()
            finally:
                shutil.rmtree(part, ignore_errors=True)
        return job

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        found = []
        for path in self.folder.iterdir():
            if _ID.fullmatch(path.name):
                # Another process may be forgetting it.
                with suppress(NotFoundError):
                    found.append(self.get(path.name))
        return sorted(found, key=lambda job: job.number)

    def get(self, name: str) -> Job:
        """The job with that id; raises NotFoundError."""
        try:
            if not _ID.fullmatch(name):
                raise FileNotFoundError
            fields = json.loads((self.folder / name / _JOB).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(f"there is no job {name!r}; GET /teach lists all") from error
        return Job(**{**fields, "state": State(fields["state"])})

    def position(self, job: Job, among: Sequence[Job] = ()) -> int:
        """How many are before it, of all jobs, which a caller may have read already; 0 once it has ended."""
        if job.state.ended:
            return 0
        return sum(other.number < job.number and not other.state.ended for other in among or self.all())

    def next(self) -> Job | None:
        """The job that has waited longest."""
        return min(map(self.get, self._waiting()), key=lambda job: job.number, default=None)

    def cancel(self, name: str) -> Job:
        """End a job, at once if it waits, soon if it runs; raises NotFoundError, ImpossibleError if it has ended."""
        with _kept(self.folder), files.locked(self._lock):
            job = self.get(name)
            if job.state.ended:
                raise ImpossibleError(f"the job has ended already: {job.state}")
            if job.state is State.QUEUED:
                return self._end(job, State.CANCELLED, "cancelled before it began")
            return self._put(replace(job, cancelling=True))

    def change(self, name: str, **fields: object) -> Job:
        """Change what is known of a job that has not ended."""
        with _kept(self.folder), files.locked(self._lock):
            job = self.get(name)
            if job.state.ended:
                return job
            if fields.get("state") is State.RUNNING:
                (self.folder / _WAITING / name).unlink(missing_ok=True)
            return self._put(replace(job, **fields))  # type: ignore[arg-type]  # by name

    def end(self, name: str, state: State, message: str, **fields: object) -> Job:
        """Nothing more happens to it: its drawings are removed."""
        with _kept(self.folder), files.locked(self._lock):
            return self._end(replace(self.get(name), **fields), state, message)  # type: ignore[arg-type]  # by name

    def place(self, job: Job) -> Path:
        """Its folder."""
        return self.folder / job.id

    def _end(self, job: Job, state: State, message: str) -> Job:
        (self.folder / _WAITING / job.id).unlink(missing_ok=True)
        ended = self._put(replace(job, state=state, message=message, step=str(state), process=0))
        shutil.rmtree(self.place(job) / "pictures", ignore_errors=True)
        return ended

    def _put(self, job: Job) -> Job:
        _write(self.place(job), job)
        return job

    def _waiting(self) -> list[str]:
        return [path.name for path in (self.folder / _WAITING).iterdir()]

    def _forget(self) -> None:
        ended = [job for job in self.all() if job.state.ended]
        for job in ended[: max(0, len(ended) - MOST_KEPT)]:
            shutil.rmtree(self.place(job), ignore_errors=True)


def now() -> float:
    """Seconds since 1970: what a restarted server knows of the time before."""
    return time.time()


@contextmanager
def _kept(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"the job cannot be kept in {folder.name}: {error.strerror}") from error


def _write(place: Path, job: Job) -> None:
    files.replace(place / _JOB, json.dumps(asdict(job), ensure_ascii=False))

"""The models that this process has loaded: each when it is first asked for, and from then on kept as the disk has it.

A request takes a reference to a recogniser out of a table that is never changed, only replaced. So it takes no lock,
what it has begun with stays until it ends, and a version that left the table is released after its last request.
"""

import logging
import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from serving import engines, policy, together, version_labels, versions
from serving.config import Config
from serving.errors import InklingError, NotFoundError, NotReadyError
from serving.metrics import Metrics
from serving.model import Model, Which, again
from serving.recognizer import Recognizer
from serving.repository import Repository, identity
from serving.statuses import State, Statuses, VersionStatus
from serving.versions import Version
from serving.watching import follow

PREFERRED = "digits"
"""The model that answers when none is named, where it is there; else the first by name."""

_LOG = logging.getLogger(__name__)


class LoadedModels:
    """Recognisers by name and version or label. Nothing is loaded before the first call: workers fork before that."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self.repository = Repository(config.models)
        self._policy = policy.parse(config.version_policy)
        self._engine = partial(engines.load, config.engine, tfserving=config.tfserving)
        self._poll_seconds = config.poll_seconds
        self._watched = False
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}
        self._default: str | None = None
        self._statuses = Statuses(metrics)
        self._table: Mapping[tuple[str | None, Which], Recognizer] = {}

    def get(self, name: str | None = None, which: Which = None) -> Recognizer:
        """The recogniser of that name and version, or label; by default the preferred model and its newest version.

        Raises NotFoundError for an unknown name, version or label, and for a version that the policy leaves out;
        BundleError for a damaged bundle, NotReadyError where there is no model at all.
        """
        return self._table.get((name, which)) or together.elsewhere(partial(self._missing, name, which))

    def watch(self) -> None:
        """Follow the disk in a thread of its own, as long as this object lives: called after the fork."""
        self._watched = True
        look = weakref.WeakMethod(self.refresh)
        arguments = look, self.repository.roots, self._poll_seconds
        threading.Thread(target=follow, args=arguments, name="versions", daemon=True).start()

    def refresh(self) -> None:
        """Look at the disk once: load what is new, let go what is gone.

        Raises NotReadyError where a folder cannot be read; what was loaded from it goes on.
        """
        names = self.repository.names()
        faults = []
        for name in dict.fromkeys((*_default(names), *self._models)):
            try:
                with self._lock:
                    self._update(name)
            except NotReadyError as error:
                faults.append(error)
        with self._lock:
            self._publish(names)
        if faults:
            raise faults[0]

    def statuses(self, name: str | None = None) -> list[VersionStatus]:
        """Every version of that model, or of all, that is loaded, tried or released here, or waits to be asked for."""
        known = self._statuses.all()
        for waiting in self.repository.names():
            if waiting not in self._models:
                with suppress(NotFoundError):
                    candidates = self._policy.candidates(self.repository.versions(waiting))
                    known += [
                        VersionStatus(waiting, number, State.START) for number in candidates[: self._policy.count]
                    ]
        chosen = [status for status in known if name in (None, status.name)]
        return sorted(chosen, key=lambda status: (status.name, -status.version))

    def model(self, name: str) -> Model:
        """What is known of a model since it was first asked for."""
        return self._models.get(name, Model(name))

    def put_label(self, name: str, label: str, number: int) -> None:
        """Let a label stand for a version, which is loaded first; other processes follow when they next look.

        Raises NotFoundError where there is no such model or version, the version's own error where it cannot be
        served, StorageError where the label cannot be written.
        """
        with self._lock:
            place, model = self.repository.place(name), self.model(name)
            numbers = self.repository.versions(name)
            if number not in numbers:
                raise replace(model, on_disk=numbers).why_not(number, self._policy)
            tried = self._load(model, number, place)
            # Whether or not it gets its label: the next look lets go of what nobody wants.
            self._models[name] = replace(model, versions={**model.versions, number: tried})
            try:
                if tried.error:
                    raise again(tried.error)
                version_labels.put(place, label, number)
            finally:
                self._update(name)

    def remove_label(self, name: str, label: str) -> None:
        """Remove a label; raises NotFoundError where there is no such model or label, StorageError as above."""
        with self._lock:
            version_labels.remove(self.repository.place(name), label)
            self._update(name)

    def _missing(self, name: str | None, which: Which) -> Recognizer:
        """What is not in the table: not asked for before, not ready a moment ago, or not there."""
        names = self.repository.names()
        wanted = name or next(iter(_default(names)), None)
        if wanted is None:
            raise NotReadyError("there is no model yet; train one with `python -m training digits`")
        self.repository.place(wanted)
        model = self._models.get(wanted)
        # Who asks for what is known to be missing must not wait for what is being loaded.
        if model is None or not self._watched or not all(tried.is_settled for tried in model.versions.values()):
            with self._lock:
                self._update(wanted)
                self._publish(names)
        found = self._table.get((name, which))
        if found is None:
            raise self.model(wanted).why_not(which, self._policy)
        return found

    def _update(self, name: str) -> None:
        """Bring one model to what the disk has, and the table with it: what is new is in it before the old goes."""
        before = self.model(name)
        try:
            place, numbers = self.repository.place(name), self.repository.versions(name)
        except NotFoundError:
            place, numbers = Path(), []
        now = self._looked_at(before, place, numbers) if numbers else Model(name)
        if numbers:
            self._models[name] = now
        else:
            self._models.pop(name, None)
        self._publish()
        for number, version in before.versions.items():
            if number not in now.versions:
                self._statuses.gone(name, number, version.recognizer, number in numbers)
        self._statuses.keep_only(name, numbers)

    def _looked_at(self, before: Model, place: Path, numbers: list[int]) -> Model:
        labels, labels_error = before.labels, None
        try:
            labels = version_labels.read(place)
        except InklingError as error:
            labels_error = error
            if str(error) != str(before.labels_error):
                _LOG.warning("%s", error)
        tried: dict[int, Version] = {}
        served: list[int] = []
        for number in self._policy.candidates(numbers):
            if len(served) == self._policy.count:
                break
            tried[number] = self._load(before, number, place)
            if tried[number].recognizer:
                served.append(number)
        for number in set(labels.values()) & set(numbers) - set(tried):
            tried[number] = self._load(before, number, place)
        if not served and self._policy.candidates(numbers):
            # What should take over cannot: what has answered so far goes on, even if its files are gone.
            served = list(before.served)
            tried |= {number: before.versions[number] for number in served}
        return Model(before.name, numbers, tried, served, labels, labels_error)

    def _load(self, model: Model, number: int, place: Path) -> Version:
        """The version as it is now; what has not changed is not loaded again."""
        path, version = place / str(number), model.versions.get(number)
        if version is None or not version.is_settled or identity(path) != version.files:
            if version is None or version.recognizer is None:
                self._statuses.loading(model.name, number)
            embeds = any(other.recognizer.engine.embeds for other in model.versions.values() if other.recognizer)
            version = versions.load(path, self._engine, version, embeds)
        self._statuses.tried(model.name, number, version.recognizer is not None, version.error)
        return version

    def _publish(self, names: Iterable[str] = ()) -> None:
        """Replace the table. `names`, those on the disk, may change the model that answers when none is named."""
        answers = {name: model.recognizers() for name, model in self._models.items()}
        for name in _default(names):
            # One that cannot answer does not take the place of one that does.
            if answers.get(name) or not answers.get(self._default or ""):
                self._default = name
        table = {(name, which): found for name, model in answers.items() for which, found in model.items()}
        self._table = table | {(None, which): found for which, found in answers.get(self._default or "", {}).items()}


def _default(names: Iterable[str]) -> list[str]:
    """The name of the model that answers when none is named, if there is any."""
    ordered = sorted(names, key=lambda name: (name != PREFERRED, name))
    return ordered[:1]

"""The models that this process has loaded, each when it is first asked for."""

import threading

from serving import engines
from serving.config import Config
from serving.errors import BundleError, NotReadyError
from serving.logs import LOGGER
from serving.metrics import Metrics
from serving.recognizer import Recognizer
from serving.repository import Repository

PREFERRED = "digits"
"""The model that answers when none is named, where it is there; else the first by name."""


class LoadedModels:
    """Recognisers by name and version. Nothing is loaded before the first call: workers fork before that."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self.repository = Repository(config.models)
        self._config = config
        self._metrics = metrics
        self._lock = threading.Lock()
        self._recognizers: dict[tuple[str | None, int | None], Recognizer] = {}

    def get(self, name: str | None = None, version: int | None = None) -> Recognizer:
        """The recogniser of that name and version; by default the preferred model and its newest version.

        Raises NotFoundError for an unknown name or version, BundleError for a damaged bundle, NotReadyError
        where there is no model at all.
        """
        recognizer = self._recognizers.get((name, version))
        if recognizer is None:
            with self._lock:
                recognizer = self._load(name, version)
        return recognizer

    def _load(self, name: str | None, version: int | None) -> Recognizer:
        named = name or self._default_name()
        try:
            recognizer = self._read(named, version)
        except BundleError as error:
            broken = self.repository.versions(named)[-1] if version is None else version
            LOGGER.error("version %d of model %s cannot be loaded: %s", broken, named, error)
            self._metrics.failed(named, broken)
            raise
        bundle = recognizer.bundle
        for key in ((name, version), (bundle.name, bundle.version)):
            self._recognizers[key] = recognizer
        return recognizer

    def _read(self, name: str, version: int | None) -> Recognizer:
        bundle = self.repository.find(name, version)
        known = self._recognizers.get((bundle.name, bundle.version))
        if known is not None:
            return known
        engine = engines.load(self._config.engine, bundle.path, self._config.tfserving)
        LOGGER.info("loaded version %d of model %s", bundle.version, bundle.name)
        self._metrics.loaded(bundle.name, bundle.version)
        return Recognizer(bundle, engine)

    def _default_name(self) -> str:
        names = self.repository.names()
        if not names:
            raise NotReadyError("there is no model yet; train one with `python -m training digits`")
        return PREFERRED if PREFERRED in names else names[0]

"""Which model a request means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from imagineerd import config as configuration
from imagineerd import protocol
from imagineerd.errors import ModelError
from imagineerd.models import ResolvedModel, check_named, resolve_model


class Models:
    """The models as they were found last; `config` returns the configuration as it is now."""

    def __init__(self, paths: configuration.Paths, config: Callable[[], configuration.Config]) -> None:
        self._paths = paths
        self._config = config
        self._found: dict[tuple[object, ...], ResolvedModel] = {}

    def find(self, name: str | None) -> ResolvedModel:
        """Find a model. What was found within this second counts: a look takes a hundred calls of the system.

        Raises `Invalid` for a name that may not be asked for and `ModelError` where nothing has it.
        """
        key, wanted = self._key(name), self._config().model
        if name is not None:
            check_named(name, wanted.default)
        found = self._found.get(key)
        if found is None:
            found = resolve_model(
                name or wanted.default,
                starter=self._paths.starter_model,
                cache_dir=wanted.cache_dir,
                base_dir=self._paths.config_file.parent if name is None else None,
            )
            self._found = {key: found}
        return found

    async def info(self) -> protocol.ModelInfo:
        """Return the default model for people, also where it is not there."""
        model = self._found.get(self._key(None))
        try:
            if model is None:
                model = await asyncio.to_thread(self.find, None)
        except ModelError:
            return protocol.ModelInfo(name=self._config().model.default, present=False)
        return model.info

    def _key(self, name: str | None) -> tuple[object, ...]:
        return self._config().model, name, int(time.monotonic())

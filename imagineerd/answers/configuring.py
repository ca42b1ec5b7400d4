"""The configuration: shown, changed, and read again; labels that rest try at once whether that has mended them."""

from __future__ import annotations

import asyncio

from imagineerd import config as configuration
from imagineerd import protocol, settings
from imagineerd.answers.parts import Parts


class Configuring:
    """Changes the configuration one wish at a time; remembers whether something waits for a restart."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._busy = asyncio.Lock()
        self._restart_needed = False

    def show(self) -> protocol.Config:
        """Return all values."""
        return protocol.Config(
            values=settings.as_plain(self._parts.config),
            file=str(self._parts.paths.config_file),
            restart_needed=self._restart_needed,
        )

    async def change(self, request: protocol.SetConfig) -> protocol.Config:
        """Change one value in the file and here. Raises `Invalid`; then nothing changed."""
        parts = self._parts
        async with self._busy:
            parts.config = await asyncio.to_thread(configuration.set_value, parts.paths, request.key, request.value)
        self._restart_needed = self._restart_needed or settings.needs_restart(request.key)
        parts.labeling.rise()
        return self.show()

    async def reload(self) -> list[str]:
        """Read the configuration file again; return the changed keys that wait for a restart.

        Raises `Invalid` with everything that is wrong in the file; then nothing changed.
        """
        parts = self._parts
        async with self._busy:
            before, parts.config = parts.config, await asyncio.to_thread(configuration.load_config, parts.paths)
        waits = [key for key in settings.changed(before, parts.config) if settings.needs_restart(key)]
        self._restart_needed = self._restart_needed or bool(waits)
        parts.labeling.rise()
        return waits

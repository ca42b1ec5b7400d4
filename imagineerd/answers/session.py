"""Saying hello, and how the daemon is."""

from __future__ import annotations

import os
import shutil
import time

from imagineerd import protocol
from imagineerd.answers.parts import Parts
from imagineerd.errors import VersionMismatch
from imagineerd.server import Client
from imagineerd.version import VERSION


def welcome(hello: protocol.Hello, client: Client, epoch: str, boot: str) -> protocol.Welcome:
    """Let a client in. Raises `VersionMismatch` where it speaks no version of ours."""
    if not hello.proto_min <= protocol.VERSION <= hello.proto_max:
        raise VersionMismatch(
            f"This daemon speaks protocol {protocol.VERSION}, the client {hello.proto_min} to "
            f"{hello.proto_max}: update the older of the two."
        )
    client.name = hello.client
    return protocol.Welcome(
        proto=protocol.VERSION,
        daemon=VERSION,
        epoch=epoch,
        boot=boot,
        features=protocol.FEATURES,
        uid=client.peer.uid,
        pid=client.peer.pid,
        role=client.peer.role,
        key=client.peer.name,
    )


class Status:
    """How the daemon is; it remembers what was counted last."""

    def __init__(self, parts: Parts, boot: str) -> None:
        self._parts = parts
        self._boot = boot
        self._started = time.monotonic()
        self._counted: tuple[int, dict[str, int]] = (-1, {})

    async def look(self) -> protocol.Status:
        """Return it as it is now."""
        parts = self._parts
        model = await parts.models.info()
        return protocol.Status(
            version=VERSION,
            pid=os.getpid(),
            uptime=time.monotonic() - self._started,
            boot=self._boot,
            epoch=parts.store.epoch,
            worker=parts.dispatcher.info,
            model=model,
            jobs=await self._counts(),
            data_dir=str(parts.paths.data_dir),
            output_dir=str(parts.config.output.directory),
            config_file=str(parts.paths.config_file),
            disk_free=shutil.disk_usage(parts.paths.data_dir).free,
            eta_s=parts.dispatcher.eta(),
            paused=parts.dispatcher.paused,
            labeling=parts.labeling.info,
        )

    async def _counts(self) -> dict[str, int]:
        """Count the jobs by state. Whatever changes a state is an event: without a new one the last count holds."""
        head = self._parts.events.head
        if self._counted[0] != head:
            self._counted = (head, await self._parts.store.counts())
        return self._counted[1]

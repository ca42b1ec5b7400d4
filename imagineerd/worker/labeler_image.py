"""Build the labeler's container image from the Dockerfile that ships with imagineer."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import docker
import docker.errors
import requests

from imagineerd import labels, link
from imagineerd.errors import LabelError
from imagineerd.labels.answers import one_line

FOLDER: Final = Path(labels.__file__).parent / "image"
LONGEST_S: Final = 1800
"""Seconds of silence after which a build counts as stuck."""


def build(client: docker.DockerClient, order: link.Build, say: Callable[[str], None]) -> None:
    """Build the image and `say` every line of it. Raises `LabelError`."""
    wanted = {"BASE": order.base, "CLI_VERSION": order.version}
    client.api.timeout = LONGEST_S
    try:
        lines = client.api.build(
            fileobj=_context(),
            custom_context=True,
            tag=order.image,
            buildargs={name: value for name, value in wanted.items() if value},
            network_mode=order.network or None,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for line in lines:
            _take(line, say)
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise LabelError(f"The image {order.image} was not built: {error}.") from None


def _take(line: dict[str, Any], say: Callable[[str], None]) -> None:
    if "error" in line:
        raise LabelError(f"The image was not built: {one_line(line['error'])}.")
    text = line.get("stream") or " ".join(line.get(key, "") for key in ("status", "id", "progress"))
    for part in text.splitlines():
        if shown := one_line(part):
            say(shown)


def _context() -> io.BytesIO:
    """Return the folder of the Dockerfile as a tar; its modes do not depend on how it was installed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(FOLDER.iterdir()):
            tar.add(path, path.name, filter=_runnable)
    packed.seek(0)
    return packed


def _runnable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o755, 0, 0, "", ""
    return member

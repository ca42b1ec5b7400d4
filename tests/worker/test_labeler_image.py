"""The Dockerfile that ships is built by the SDK, line by line, on any base that has npm and a user `node`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from labeler import IMAGE, packed

from imagineerd import link
from imagineerd.errors import LabelError
from imagineerd.worker.labeler_image import FOLDER, build

BUILT = "imagineer-built:latest"
NPM = """\
#!/bin/sh
[ "$1" = cache ] && exit 0
printf '#!/bin/sh\\necho "%s (stand-in)"\\n' "$*" > /bin/claude && chmod 755 /bin/claude
"""
BASE = """\
FROM imagineer-stand-in:latest
COPY npm passwd /bin/
RUN ["busybox", "mv", "/bin/passwd", "/etc/passwd"]
RUN ["busybox", "rm", "/bin/claude"]
RUN ["busybox", "mkdir", "-p", "/usr/local/bin"]
RUN ["busybox", "ln", "-s", "busybox", "/bin/chmod"]
ENTRYPOINT []
"""


@pytest.fixture(scope="module")
def client(docker_socket: Path) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{docker_socket}")
    yield client
    client.close()


@pytest.fixture(scope="module")
def base(client: docker.DockerClient) -> str:
    """An image like node's, as far as the Dockerfile needs one."""
    files = {"Dockerfile": BASE.encode(), "npm": NPM.encode(), "passwd": b"node:x:1000:1000::/home/node:/bin/sh\n"}
    client.images.build(fileobj=packed(files), custom_context=True, tag="imagineer-base:latest", rm=True)
    return "imagineer-base:latest"


def test_the_image_is_built_with_the_pinned_cli_or_another_one(client: docker.DockerClient, base: str) -> None:
    lines: list[str] = []

    build(client, link.Build(BUILT, base=base, version="9.8.7"), lines.append)

    assert any("@anthropic-ai/claude-code@9.8.7" in line for line in lines)
    image = client.images.get(BUILT)
    assert image.attrs["Config"]["User"] == "node"
    assert image.attrs["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", "claude --version || exit 1"]
    said = client.containers.run(BUILT, network_mode="none", environment={"HOME": "/tmp"}, remove=True)  # noqa: S108
    assert b"stand-in" in said


def test_a_build_that_fails_says_why(client: docker.DockerClient) -> None:
    with pytest.raises(LabelError, match="The image was not built: "):
        build(client, link.Build(BUILT, base=IMAGE), lambda _line: None)


def test_a_base_that_cannot_be_is_told(client: docker.DockerClient) -> None:
    with pytest.raises(LabelError, match="not built"):
        build(client, link.Build(BUILT, base="No such name"), lambda _line: None)


def test_versions_are_pinned() -> None:
    dockerfile = (FOLDER / "Dockerfile").read_text()

    assert "ARG BASE=node:22-slim" in dockerfile
    assert "ARG CLI_VERSION=2." in dockerfile

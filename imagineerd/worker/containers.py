"""Run one labeler in a container that can do next to nothing, and leave none behind.

A container gets a read-only root, no capability, no way to more rights, few processes, little memory, a home in memory,
and of the host's files those that it is given. It is found again by `imagineer.owner`, so that what a killed worker
left running is removed by the next one.
"""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import docker
import docker.errors
import requests

from imagineerd import link
from imagineerd.labels.answers import one_line
from imagineerd.worker.scratch import Unready

if TYPE_CHECKING:
    from docker.models.containers import Container

OWNER: Final = "imagineer.owner"
USER: Final = "1000:1000"
"""The user `node` of node's images."""
HOME: Final = "/home/node"
PIDS: Final = 128
HOME_SIZE: Final = "128m"
MAX_OUTPUT: Final = 1024 * 1024
"""Bytes of standard output that a labeler may print."""
LAST_WORDS: Final = 8 * 1024
"""Bytes of standard error that are kept, from the end."""
LOOK_S: Final = 0.1
"""Seconds between two looks at whether a container is to be stopped."""
ENGINE_S: Final = 60
"""Seconds that the engine may take to answer."""

KILLED: Final = frozenset({128 + signal.SIGTERM, 128 + signal.SIGKILL})

Why = Literal["", "timeout", "cancelled", "output"]


class Ended(NamedTuple):
    """How a container ended: by itself, or (`why`) by us."""

    status: int
    stdout: str
    stderr: str
    why: Why = ""
    out_of_memory: bool = False

    @property
    def by_others(self) -> bool:
        """Say whether somebody else ended it: a person, or an engine that restarts."""
        return self.status in KILLED and not self.why and not self.out_of_memory


def connect() -> docker.DockerClient:
    """Return a client of the engine that `$DOCKER_HOST` names. Raises `Unready` where none answers."""
    try:
        return docker.from_env(timeout=ENGINE_S)
    except docker.errors.DockerException as error:
        raise Unready(_why_no_engine(error)) from None


class Owner(NamedTuple):
    """Whose containers they are, and which of them could not be removed when their time was over."""

    name: str
    left: set[str]


def sweep(client: docker.DockerClient, owner: Owner) -> int:
    """Remove the containers of this daemon that are left from before; return how many there were."""
    found = client.containers.list(all=True, filters={"label": f"{OWNER}={owner.name}"}, ignore_removed=True)
    owner.left.update(str(container.name) for container in found)
    clear(client, owner)
    return len(found)


def clear(client: docker.DockerClient, owner: Owner) -> None:
    """Remove the containers that could not be removed before."""
    for name in tuple(owner.left):
        if _remove(client, name):
            owner.left.discard(name)


def run(
    client: docker.DockerClient,
    order: link.Label,
    files: Mapping[Path, str],
    owner: Owner,
    stop: Callable[[], bool],
) -> Ended:
    """Run the labeler on one picture to its end; `stop` is asked all the time whether to end it now.

    Raises `Unready` where the engine or the image is missing, or the container cannot be started: no other could.
    """
    settings = _settings(order, files, owner.name)
    try:
        try:
            container = client.containers.create(**settings)
            return _attend(client, container, order.labeler.timeout_s, stop)
        finally:
            if not _remove(client, settings["name"]):  # even one that we were not told of may be there
                owner.left.add(settings["name"])
    except docker.errors.ImageNotFound:
        raise Unready(f"The image {order.labeler.image} is not there: run `imagineer labels build`.") from None
    except docker.errors.APIError as error:
        raise Unready(_why_not_started(error)) from None
    except requests.RequestException as error:
        raise Unready(_why_no_engine(error)) from None


def _settings(order: link.Label, files: Mapping[Path, str], owner: str) -> dict[str, Any]:
    labeler = order.labeler
    memory = f"uid=1000,gid=1000,mode=0700,size={HOME_SIZE},noexec,nosuid,nodev"
    return {
        "image": labeler.image,
        "command": [*labeler.command, order.text],
        "name": f"imagineer-label-{order.job}-{secrets.token_hex(4)}",
        "labels": {OWNER: owner, "imagineer.job": str(order.job), "imagineer.attempt": str(order.attempt)},
        "user": USER,
        "environment": {"HOME": HOME},
        "working_dir": str(Path(next(iter(files.values()))).parent),
        "network_mode": labeler.network,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "pids_limit": PIDS,
        "mem_limit": labeler.memory,
        "memswap_limit": labeler.memory,
        "nano_cpus": int(labeler.cpus * 1e9),
        "tmpfs": {HOME: memory, "/tmp": memory},  # noqa: S108 - the container's
        "volumes": {str(here): {"bind": there, "mode": "ro"} for here, there in files.items()},
        "log_config": {"type": "none"},
        "healthcheck": {"test": ["NONE"]},
    }


def _attend(client: docker.DockerClient, container: Container, seconds: float, stop: Callable[[], bool]) -> Ended:
    output = client.api.attach(str(container.id), stdout=True, stderr=True, stream=True, demux=True)
    container.start()
    watch = _Watch(container, time.monotonic() + seconds, stop)
    watch.start()
    try:
        stdout, stderr = _listen(output, watch)
    finally:
        watch.over.set()
    status = int(container.wait(timeout=ENGINE_S)["StatusCode"])
    out_of_memory = bool(status) and bool(client.api.inspect_container(str(container.id))["State"]["OOMKilled"])
    watch.join()
    return Ended(status, stdout, stderr, watch.why, out_of_memory)


def _listen(output: Iterator[tuple[bytes | None, bytes | None]], watch: _Watch) -> tuple[str, str]:
    """Read both streams to their end, keeping the beginning of one and the end of the other.

    Reading goes on while the container is being ended: the engine waits with that until its output has been taken.
    """
    stdout, stderr = bytearray(), bytearray()
    for out, err in output:
        stdout += out or b""
        stderr += err or b""
        del stderr[:-LAST_WORDS]
        if len(stdout) > MAX_OUTPUT:
            watch.talkative = True
            del stdout[MAX_OUTPUT:]
    return stdout.decode(errors="replace"), stderr.decode(errors="replace")


class _Watch(threading.Thread):
    """Ends a container when its time is over or it is not wanted any more."""

    def __init__(self, container: Container, deadline: float, stop: Callable[[], bool]) -> None:
        super().__init__(name=f"watch {container.name}", daemon=True)
        self.over = threading.Event()
        self.why: Why = ""
        self.talkative = False
        self._container = container
        self._deadline = deadline
        self._stop = stop

    def run(self) -> None:
        """Look until the container has ended."""
        while not self.over.wait(LOOK_S):
            if self._stop():
                self.end("cancelled")
            elif self.talkative:
                self.end("output")
            elif time.monotonic() > self._deadline:
                self.end("timeout")

    def end(self, why: Why) -> None:
        """End the container at once; the first reason counts."""
        self.why = self.why or why
        with suppress(docker.errors.APIError, requests.RequestException):
            self._container.kill()


def _remove(client: docker.DockerClient, name: str) -> bool:
    """Remove a container, running or not; say whether it is gone."""
    try:
        client.api.remove_container(name, v=True, force=True)
    except docker.errors.NotFound:
        return True
    except (docker.errors.APIError, requests.RequestException):
        return False
    return True


def _why_not_started(error: docker.errors.APIError) -> str:
    said = one_line(str(error.explanation or error)).rstrip(".")
    return f"The labeler's container cannot be started ({said}): see labeling.image, .command and .network."


def _why_no_engine(error: BaseException) -> str:
    causes = list(_causes(error))
    if any(isinstance(cause, PermissionError) for cause in causes):
        return "You may not use the docker engine: run `sudo usermod -aG docker $USER`, then log in again."
    if any(isinstance(cause, FileNotFoundError) for cause in causes):
        return "There is no docker engine: install Docker, or set $DOCKER_HOST."
    return f"The docker engine does not answer ({str(causes[-1]).splitlines()[0]}): run `docker version`."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from; requests and urllib3 hide the cause among the arguments."""
    yield error
    hidden = (part for part in error.args if isinstance(part, BaseException))
    for cause in (error.__cause__ or error.__context__, *hidden):
        if cause is not None:
            yield from _causes(cause)

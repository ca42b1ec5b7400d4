"""What labels need: a Docker engine, the labeler's image in it, and a login.

The engine is asked over its socket, without the docker SDK, so that this runs in the daemon.
"""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from imagineerd.config import Config, Paths, credentials_of
from imagineerd.errors import WrongState
from imagineerd.protocol import Check

DOCKER_SOCKET: Final = "/var/run/docker.sock"
PATIENCE_S: Final = 2.0
"""Seconds that the engine may take to answer."""
UNIX: Final = "unix://"
OPTIONAL: Final = " Only labels need it."


def require(config: Config, paths: Paths, environ: Mapping[str, str] = os.environ) -> None:
    """Raise `WrongState` where nothing can be labelled, with what is to be done about it."""
    if not _host(environ).startswith(UNIX):
        return  # the worker will see
    for check in (check_docker(environ), check_labeler(config, environ), check_login(config, paths, environ)):
        if check.level != "ok":
            raise WrongState(f"{check.message} {check.remedy.removesuffix(OPTIONAL)}")


def check_docker(environ: Mapping[str, str]) -> Check:
    """The docker engine answers."""
    host = _host(environ)
    if not host.startswith(UNIX):
        return _docker(f"$DOCKER_HOST is {host}, which is not asked from here.", "Run: docker version.")
    path = host.removeprefix(UNIX)
    try:
        status, version = _get(path, "/_ping")
    except FileNotFoundError:
        return _docker(f"There is no docker engine at {path}.", "Install Docker, or set $DOCKER_HOST.")
    except PermissionError:
        remedy = "Run: sudo usermod -aG docker $USER, then log in again."
        return _docker(f"You may not use the docker engine at {path}.", remedy)
    except (OSError, http.client.HTTPException) as error:
        message = f"The docker engine at {path} does not answer ({_first_line(error)})."
        return _docker(message, "Run: sudo systemctl restart docker.")
    if status != http.HTTPStatus.OK:
        return _docker(f"The docker engine at {path} answers with status {status}.", "Run: docker version.")
    return Check(name="docker", level="ok", message=f"The docker engine answers (API {version}).")


def check_labeler(config: Config, environ: Mapping[str, str]) -> Check:
    """The labeler's image is there."""
    image, host = config.labeling.image, _host(environ)
    try:
        status, _ = _get(host.removeprefix(UNIX), f"/images/{quote(image, safe='/:@')}/json")
    except (OSError, http.client.HTTPException):
        message = f"Nobody can say whether the image {image} is there."
        return _warning("labeler", message, "Mend the docker engine first.")
    if status != http.HTTPStatus.OK:
        return _warning("labeler", f"The image {image} is not there.", "Run: imagineer labels build.")
    return Check(name="labeler", level="ok", message=f"The image {image} is there.")


def check_login(config: Config, paths: Paths, environ: Mapping[str, str]) -> Check:
    """The labeler's login is there. What is in it is not looked at."""
    if config.labeling.login_by == "none":
        return Check(name="login", level="ok", message="The labeler needs no login.")
    if config.labeling.login_by == "file":
        return _check_credentials(credentials_of(config, paths))
    variable = config.labeling.variable
    if environ.get(variable):
        return Check(name="login", level="ok", message=f"${variable} is set.")
    return _warning("login", f"${variable} is not set.", "Set it for the daemon, and start that again.")


def _check_credentials(file: Path) -> Check:
    remedy = "Run: claude setup-token, or set labeling.credentials."
    if not file.is_file():
        message = f"There is no {file}."
    elif not os.access(file, os.R_OK):
        message, remedy = f"{file} may not be read.", f"Run: chmod u+r {file}."
    elif not file.stat().st_size:
        message = f"{file} is empty."
    else:
        return Check(name="login", level="ok", message=f"{file} is there.")
    return _warning("login", message, remedy)


def _docker(message: str, remedy: str) -> Check:
    return _warning("docker", message, remedy)


def _warning(name: str, message: str, remedy: str) -> Check:
    return Check(name=name, level="warn", message=message, remedy=remedy + OPTIONAL)


def _host(environ: Mapping[str, str]) -> str:
    return environ.get("DOCKER_HOST") or f"{UNIX}{DOCKER_SOCKET}"


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket; `close` closes it, whether that worked or not."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self._path)


def _get(socket_path: str, url: str) -> tuple[int, str]:
    """Return status and API version of a docker engine's answer. Raises `OSError` or `HTTPException`."""
    with closing(_UnixConnection(socket_path)) as connection:
        connection.request("GET", url)
        response = connection.getresponse()
        return response.status, response.headers.get("Api-Version", "unknown")


def _first_line(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]

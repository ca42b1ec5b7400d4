"""What labels need is checked without the docker SDK, each thing with its remedy."""

from __future__ import annotations

import http.server
import os
import socketserver
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from docker_engine import docker_engine

from imagineerd.config import Paths, default_config, find_paths
from imagineerd.errors import WrongState
from imagineerd.labels.checks import check_docker, check_labeler, check_login, require
from imagineerd.protocol import Check


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"HOME": str(tmp_path), "IMAGINEER_RUNTIME_DIR": "/run/i"})


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="im-") as folder:
        yield Path(folder)


def login(paths: Paths, environ: Mapping[str, str] | None = None, **settings: Any) -> Check:
    config = default_config(paths)
    section = msgspec.structs.replace(config.labeling, **settings)
    return check_login(msgspec.structs.replace(config, labeling=section), paths, environ or {})


class Engine(http.server.BaseHTTPRequestHandler):
    """As much of a docker engine as answers a ping and has one image; `sick` ones answer with an error."""

    def do_GET(self) -> None:
        sick = "sick" in str(self.server.server_address)
        known = self.path in {"/_ping", "/images/there:1/json"}
        self.send_response(500 if sick else 200 if known else 404)
        self.send_header("Api-Version", "1.51")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "unix"


@pytest.fixture(params=["docker.sock"])
def engine(short: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A docker engine that answers at $DOCKER_HOST."""
    path = short / request.param
    with socketserver.UnixStreamServer(str(path), Engine) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"unix://{path}"
        server.shutdown()
        thread.join()


def test_an_engine_that_answers_is_fine(engine: str) -> None:
    check = check_docker({"DOCKER_HOST": engine})

    assert (check.level, check.message) == ("ok", "The docker engine answers (API 1.51).")


@pytest.mark.parametrize("engine", ["sick.sock"], indirect=True)
def test_an_engine_that_answers_with_an_error_is_a_warning(engine: str) -> None:
    assert "answers with status 500" in check_docker({"DOCKER_HOST": engine}).message


def test_an_engine_that_is_gone_is_a_warning(short: Path) -> None:
    path = short / "docker.sock"
    host = {"DOCKER_HOST": f"unix://{path}"}

    assert check_docker(host).message == f"There is no docker engine at {path}."

    socketserver.UnixStreamServer(str(path), Engine).server_close()
    assert "does not answer (Connection refused)" in check_docker(host).message


def test_an_engine_on_another_machine_is_not_asked() -> None:
    assert "is not asked from here" in check_docker({"DOCKER_HOST": "tcp://there:2375"}).message


def test_the_login_is_there_or_not_and_never_shown(paths: Paths) -> None:
    file = paths.home / ".claude" / ".credentials.json"
    assert "claude setup-token" in login(paths).remedy

    file.parent.mkdir()
    file.touch()
    assert login(paths).message == f"{file} is empty."

    file.write_text("placeholder")
    assert login(paths) == Check(name="login", level="ok", message=f"{file} is there.")


def test_the_login_may_be_a_variable(paths: Paths) -> None:
    assert login(paths, login_by="variable").message == "$CLAUDE_CODE_OAUTH_TOKEN is not set."

    check = login(paths, {"CLAUDE_CODE_OAUTH_TOKEN": "a secret"}, login_by="variable")

    assert (check.level, check.message) == ("ok", "$CLAUDE_CODE_OAUTH_TOKEN is set.")


def test_a_labeler_may_need_no_login(paths: Paths) -> None:
    assert login(paths, login_by="none").level == "ok"


def test_an_image_that_is_not_there_is_a_warning(paths: Paths, engine: str) -> None:
    check = check_labeler(default_config(paths), {"DOCKER_HOST": engine})

    assert check.message == "The image imagineer-claude-cli:latest is not there."
    assert "imagineer labels build" in check.remedy


def test_an_image_that_is_there_is_fine(paths: Paths, engine: str) -> None:
    config = default_config(paths)
    config = msgspec.structs.replace(config, labeling=msgspec.structs.replace(config.labeling, image="there:1"))

    assert check_labeler(config, {"DOCKER_HOST": engine}).level == "ok"


def test_what_is_missing_first_is_a_refusal(paths: Paths, short: Path, engine: str) -> None:
    with pytest.raises(WrongState, match=r"There is no docker engine at .* Install Docker"):
        require(default_config(paths), paths, {"DOCKER_HOST": f"unix://{short}/nothing"})
    with pytest.raises(WrongState, match=r"is not there\. Run: imagineer labels build\.$"):
        require(default_config(paths), paths, {"DOCKER_HOST": engine})


def test_an_engine_elsewhere_is_left_to_the_worker(paths: Paths) -> None:
    require(default_config(paths), paths, {"DOCKER_HOST": "tcp://there:2375"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_login_that_may_not_be_read_is_a_warning(paths: Paths) -> None:
    file = paths.home / ".claude" / ".credentials.json"
    file.parent.mkdir()
    file.write_text("placeholder")
    file.chmod(0)

    assert login(paths).message == f"{file} may not be read."


def test_a_real_docker_engine_answers() -> None:
    with docker_engine() as path:
        check = check_docker({"DOCKER_HOST": f"unix://{path}"})

    assert check.level == "ok"
    assert "answers (API 1." in check.message

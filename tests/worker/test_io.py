"""The worker process of lane `io`, over a real socketpair and with a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import psutil
import pytest
from house import wait_until
from labeler import IMAGE

from imagineerd import link
from imagineerd.worker import containers

from .conftest import Worker

OWNER = "an io test"
STAND_IN = link.Labeler(IMAGE, ("claude",), "none", 60.0, 2**26, 1.0, "none")


@pytest.fixture
def client(docker_socket: Path) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{docker_socket}")
    yield client
    assert not left(client)
    client.close()


@pytest.fixture
def picture(tmp_path: Path) -> str:
    (tmp_path / "take.png").write_bytes(b"a picture")
    return str(tmp_path / "take.png")


def started(socket: Path, tmp_path: Path) -> Worker:
    configure = link.Configure(link.Hardware(), owner=OWNER, scratch=str(tmp_path / "scratch"))
    worker = Worker(configure, lane="io", DOCKER_HOST=f"unix://{socket}")
    worker.until(link.Ready)
    return worker


def left(client: docker.DockerClient) -> list[object]:
    return list(client.api.containers(all=True, filters={"label": f"{containers.OWNER}={OWNER}"}))


@pytest.mark.usefixtures("client")
def test_several_pictures_are_labelled_at_a_time(docker_socket: Path, tmp_path: Path, picture: str) -> None:
    worker = started(docker_socket, tmp_path)
    for job, text in ((1, "SLOW"), (2, "Look."), (3, "GARBAGE")):
        worker.send(link.Label(job, 1, picture, text, STAND_IN))
    told = [worker.receive(), worker.receive()]
    worker.send(link.Cancel((1,)))
    told.append(worker.receive())

    assert {type(report) for report in told[:2]} == {link.Labelled, link.Failed}
    assert told[2] == link.Stopped(1, 1)
    assert worker.leave()[0] == 0
    assert not list((tmp_path / "scratch").iterdir())


def test_it_never_loads_torch(docker_socket: Path, tmp_path: Path) -> None:
    worker = started(docker_socket, tmp_path)

    loaded = {Path(found.path).name for found in psutil.Process(worker.process.pid).memory_maps()}

    assert not [name for name in loaded if "torch" in name]
    worker.send(link.Quit())
    assert worker.receive() is None
    assert worker.leave()[0] == 0


def test_when_the_daemon_is_gone_it_stops_its_containers_before_it_leaves(
    client: docker.DockerClient, docker_socket: Path, tmp_path: Path, picture: str
) -> None:
    worker = started(docker_socket, tmp_path)
    worker.send(link.Label(1, 1, picture, "SLOW", STAND_IN))
    wait_until(lambda: left(client))

    worker.sock.close()

    worker.process.wait(timeout=30)
    assert not left(client)


def test_what_a_killed_worker_left_running_is_removed_by_the_next_one(
    client: docker.DockerClient, docker_socket: Path, tmp_path: Path, picture: str
) -> None:
    worker = started(docker_socket, tmp_path)
    worker.send(link.Label(1, 1, picture, "SLOW", STAND_IN))
    wait_until(lambda: left(client))
    worker.process.kill()
    worker.process.wait(timeout=30)
    assert left(client)

    next_one = started(docker_socket, tmp_path)

    wait_until(lambda: not left(client))
    assert not list((tmp_path / "scratch").iterdir())
    next_one.leave()


def test_without_an_engine_it_says_so_and_goes_on(tmp_path: Path, picture: str) -> None:
    worker = started(tmp_path / "nothing", tmp_path)
    worker.send(link.Label(1, 1, picture, "Look.", STAND_IN))

    blocked = worker.until(link.Blocked)[-1]
    worker.send(link.Build(IMAGE))
    built = worker.until(link.Built)[-1]

    assert "There is no docker engine" in blocked.message  # type: ignore[union-attr]
    assert "There is no docker engine" in built.error  # type: ignore[union-attr]
    worker.leave()

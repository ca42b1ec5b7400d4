"""A labeler's container in a real engine: what it sees, what it cannot do, and that it is gone afterwards."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from house import wait_until
from labeler import IMAGE

from imagineerd import link
from imagineerd.errors import LabelError
from imagineerd.worker import containers
from imagineerd.worker.containers import MAX_OUTPUT, Ended
from imagineerd.worker.scratch import Unready, given

OWNER = "a test"


@pytest.fixture
def client(docker_socket: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.DockerClient]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{docker_socket}")
    client = containers.connect()
    yield client
    assert containers.sweep(client, OWNER) == 0
    client.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "01_aries.png").write_bytes(b"a picture")
    (tmp_path / "02_taurus.png").write_bytes(b"another one")
    return tmp_path / "01_aries.png"


def order(picture: Path, text: str, **labeler: Any) -> link.Label:
    settings: dict[str, Any] = {
        "image": IMAGE, "command": ("claude", "--print"), "network": "none", "timeout_s": 60.0, "memory": 2**26,
        "cpus": 1.0, "login_by": "none", "login": "", **labeler,
    }  # fmt: skip
    return link.Label(7, 1, str(picture), text, link.Labeler(**settings))


def run(client: docker.DockerClient, order: link.Label, stop: threading.Event | None = None) -> Ended:
    asked = stop or threading.Event()
    with given(order, Path(order.picture).parent / "scratch") as files:
        return containers.run(client, order, files.files, OWNER, asked.is_set)


def said(ended: Ended) -> str:
    return str(json.loads(ended.stdout)["result"])


def test_a_labeler_answers(client: docker.DockerClient, picture: Path) -> None:
    ended = run(client, order(picture, "Look."))

    assert (ended.status, ended.why, ended.out_of_memory) == (0, "", False)
    assert "A card with a ram." in said(ended)


def test_a_labeler_sees_one_picture_and_its_login_and_nothing_else(client: docker.DockerClient, picture: Path) -> None:
    login = picture.parent / "login.json"
    login.write_text('{"accessToken": "0123456789abcdef"}')

    words = said(run(client, order(picture, "LOOKING", login_by="file", login=str(login))))

    files = words.split(" files ")[1].split("  writable")[0].split()
    by_the_engine = {"/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
    ours = {"/images/take.png", "/run/imagineer/credentials.json", "/home/node/.claude/.credentials.json"}
    assert set(files) - by_the_engine == ours
    assert "id 1000:1000" in words
    assert "-rw------- 1 1000 1000" in " ".join(words.split("home ")[-1].split())


def test_a_labeler_has_no_rights_and_can_write_only_into_memory(client: docker.DockerClient, picture: Path) -> None:
    words = said(run(client, order(picture, "LOOKING")))

    assert "CapEff: 0000000000000000" in words
    assert "CapBnd: 0000000000000000" in words
    assert "NoNewPrivs: 1" in words
    assert "writable /home/node /tmp network" in words
    assert "network lo " in words


def test_a_labeler_that_forks_without_end_ends(client: docker.DockerClient, picture: Path) -> None:
    began = time.monotonic()

    run(client, order(picture, "FORKING", timeout_s=20.0))

    assert time.monotonic() - began < 60


def test_a_labeler_that_wants_too_much_memory_is_ended_by_the_kernel(
    client: docker.DockerClient, picture: Path
) -> None:
    ended = run(client, order(picture, "HUNGRY", memory=2**25))

    assert ended.out_of_memory
    assert ended.why == ""


def test_a_labeler_that_takes_too_long_is_ended(client: docker.DockerClient, picture: Path) -> None:
    assert run(client, order(picture, "SLOW", timeout_s=1.0)).why == "timeout"


def test_a_labeler_that_is_not_wanted_any_more_is_ended(client: docker.DockerClient, picture: Path) -> None:
    stop = threading.Event()
    ended: list[Ended] = []
    thread = threading.Thread(target=lambda: ended.append(run(client, order(picture, "SLOW"), stop)))
    thread.start()
    wait_until(lambda: any(found.status == "running" for found in client.containers.list()))

    stop.set()
    thread.join()

    assert ended[0].why == "cancelled"


def test_of_a_chatty_labeler_the_last_words_are_kept(client: docker.DockerClient, picture: Path) -> None:
    ended = run(client, order(picture, "CHATTY"))

    assert ended.status == 0
    assert len(ended.stderr) == containers.LAST_WORDS
    assert "A card with a ram." in said(ended)


def test_a_labeler_that_never_stops_talking_is_ended(client: docker.DockerClient, picture: Path) -> None:
    ended = run(client, order(picture, "TALKATIVE"))

    assert ended.why == "output"
    assert len(ended.stdout) == MAX_OUTPUT


def test_a_labeler_that_crashes_leaves_its_status_and_its_words(client: docker.DockerClient, picture: Path) -> None:
    ended = run(client, order(picture, "CRASHING"))

    assert (ended.status, ended.stderr.strip()) == (139, "Segmentation fault")


def test_an_image_that_is_not_there_is_told_with_its_remedy(client: docker.DockerClient, picture: Path) -> None:
    with pytest.raises(Unready, match="nothing:1 is not there: run `imagineer labels build`"):
        run(client, order(picture, "Look.", image="nothing:1"))


def test_a_container_that_cannot_be_started_is_told(client: docker.DockerClient, picture: Path) -> None:
    with pytest.raises(LabelError, match="cannot be started"):
        run(client, order(picture, "Look.", network="no-such-network"))


def test_an_engine_that_is_not_there_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")

    with pytest.raises(Unready, match="There is no docker engine: install Docker"):
        containers.connect()


def test_only_what_is_ours_is_swept(client: docker.DockerClient) -> None:
    for owner in (OWNER, OWNER, "somebody else"):
        client.containers.create(IMAGE, labels={containers.OWNER: owner})

    assert containers.sweep(client, OWNER) == 2
    assert containers.sweep(client, "somebody else") == 1

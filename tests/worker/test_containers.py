"""A labeler's container in a real engine: what it sees, what it cannot do, and that it is gone afterwards."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
from house import wait_until
from labeler import IMAGE

from imagineerd import link
from imagineerd.worker import containers
from imagineerd.worker.containers import MAX_OUTPUT, PIDS, Ended, Owner
from imagineerd.worker.scratch import Unready, given

BARE = "imagineer-bare:latest"
"""An image without anything in it."""
OWNER = Owner("a test", set())


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


@contextmanager
def attended(client: docker.DockerClient, order: link.Label) -> Iterator[list[Ended]]:
    """Run a labeler meanwhile; it is not wanted any more at the end. How it ended comes into the list."""
    stop, ended = threading.Event(), list[Ended]()
    thread = threading.Thread(target=lambda: ended.append(run(client, order, stop)))
    thread.start()
    try:
        yield ended
    finally:
        stop.set()
        thread.join()


def ours(client: docker.DockerClient) -> list[Any]:
    return list(client.containers.list(filters={"label": f"{containers.OWNER}={OWNER.name}"}))


def processes(client: docker.DockerClient) -> int:
    """Count those of the first container of ours."""
    running = ours(client)
    return int(running[0].stats(stream=False)["pids_stats"].get("current", 0)) if running else 0


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


def test_a_labeler_that_forks_without_end_takes_its_share_of_processes_and_no_more(
    client: docker.DockerClient, picture: Path
) -> None:
    with attended(client, order(picture, "FORKING", timeout_s=600.0)) as ended:
        wait_until(lambda: processes(client) == PIDS)

        assert "A card with a ram." in said(run(client, order(picture, "Look.")))
        assert processes(client) == PIDS

    assert ended[0].why == "cancelled"


def test_a_labeler_that_wants_too_much_memory_is_ended_by_the_kernel(
    client: docker.DockerClient, picture: Path
) -> None:
    ended = run(client, order(picture, "HUNGRY", memory=2**25))

    assert ended.out_of_memory
    assert ended.why == ""


def test_a_labeler_that_takes_too_long_is_ended(client: docker.DockerClient, picture: Path) -> None:
    assert run(client, order(picture, "SLOW", timeout_s=1.0)).why == "timeout"


def test_a_labeler_that_is_not_wanted_any_more_is_ended(client: docker.DockerClient, picture: Path) -> None:
    with attended(client, order(picture, "SLOW")) as ended:
        wait_until(lambda: processes(client))

    assert ended[0].why == "cancelled"


def test_a_labeler_that_somebody_else_ended_is_known(client: docker.DockerClient, picture: Path) -> None:
    with attended(client, order(picture, "SLOW")) as ended:
        wait_until(lambda: processes(client))
        ours(client)[0].kill()
        wait_until(lambda: ended)

    assert (ended[0].status, ended[0].why, ended[0].by_others) == (137, "", True)


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


@pytest.mark.parametrize("labeler", [{"network": "no-such-network"}, {"image": BARE, "command": ("claude",)}])
def test_a_container_that_cannot_be_started_is_told(
    client: docker.DockerClient, picture: Path, labeler: dict[str, Any]
) -> None:
    client.images.build(fileobj=io.BytesIO(b"FROM scratch\nLABEL a=1\n"), tag=BARE, rm=True)

    with pytest.raises(Unready, match=r"cannot be started \(.*\): see labeling\.image, \.command and \.network\.$"):
        run(client, order(picture, "Look.", **labeler))


def test_an_engine_that_is_not_there_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")

    with pytest.raises(Unready, match="There is no docker engine: install Docker"):
        containers.connect()


def test_only_what_is_ours_is_swept(client: docker.DockerClient) -> None:
    other = Owner("somebody else", set())
    for owner in (OWNER, OWNER, other):
        client.containers.create(IMAGE, labels={containers.OWNER: owner.name})

    assert containers.sweep(client, OWNER) == 2
    assert containers.sweep(client, other) == 1


def test_what_could_not_be_removed_is_removed_later(
    client: docker.DockerClient, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(client.api, "remove_container", _engine_is_away)
        run(client, order(picture, "Look."))
        containers.clear(client, OWNER)
    assert len(OWNER.left) == 1

    containers.clear(client, OWNER)

    assert not OWNER.left


def _engine_is_away(*_: object, **__: object) -> None:
    raise requests.ConnectionError

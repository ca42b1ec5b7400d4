"""What `imagineerd/labels/README.md` says of labelers is true: its labeler labels, and its numbers are ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from house import ROOT
from labeler import IMAGE, packed

from imagineerd import link
from imagineerd.config import find_paths, labeler_of, load_config
from imagineerd.labels.answers import read_answer
from imagineerd.labels.prompts import PICTURE
from imagineerd.protocol import MAX_CAPTION, MAX_TAG, MAX_TAGS
from imagineerd.worker import containers, scratch
from imagineerd.worker.containers import HOME, HOME_SIZE, LAST_WORDS, MAX_OUTPUT, PIDS, Owner
from imagineerd.worker.kinds.label import NOT_RUN

README = (ROOT / "imagineerd" / "labels" / "README.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def labeler(tmp_path: Path) -> link.Labeler:
    """The labeler of the README, as the daemon reads it."""
    paths = find_paths({"HOME": str(tmp_path), "IMAGINEER_RUNTIME_DIR": "/run/i"})
    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.write_text(block("yaml"))
    return labeler_of(load_config(paths), paths)


@pytest.fixture
def client(docker_socket: Path) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{docker_socket}")
    yield client
    client.close()


def test_its_labeler_labels(client: docker.DockerClient, labeler: link.Labeler, tmp_path: Path) -> None:
    files = packed({"Dockerfile": block("dockerfile").encode(), "label": block("sh").encode()})
    client.images.build(fileobj=files, custom_context=True, tag=labeler.image, buildargs={"BASE": IMAGE}, rm=True)
    (tmp_path / "take.png").write_bytes(b"a picture")
    order = link.Label(1, 1, str(tmp_path / "take.png"), "Look.", labeler)

    with scratch.given(order, tmp_path / "scratch") as given:
        ended = containers.run(client, order, given.files, Owner("a contract", set()), lambda: False)

    answer = read_answer(ended.stdout)
    assert answer is not None
    assert (answer.caption, answer.rating, answer.tags) == ("A picture of 9 bytes.", "SAFE", ("card", "png"))


@pytest.mark.parametrize(
    "said",
    [
        f"`{PICTURE}`",
        f"`{scratch.SECRETS}/credentials.json`",
        f"`{scratch.SECRETS}/variables/NAME`",
        f"`$HOME` (`{HOME}`)",
        f"in memory, {HOME_SIZE.removesuffix('m')} MB each",
        f"with {PIDS} processes",
        f"more than {MAX_OUTPUT >> 20} MiB",
        f"last {LAST_WORDS >> 10} KiB",
        f"at most {MAX_CAPTION:,} characters",
        f"{MAX_TAGS} at most, of {MAX_TAG} characters",
        " or ".join(map(str, sorted(NOT_RUN))),
        " or ".join(map(str, sorted(containers.KILLED))),
    ],
)
def test_what_it_promises_is_so(said: str) -> None:
    assert said in README

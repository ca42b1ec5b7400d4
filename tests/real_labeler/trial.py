"""Build the image through the daemon, run the CLI in it as the daemon does, and see what it says without a login."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import docker
import msgspec
from docker_engine import docker_engine
from house import House, short_folder, wait_until

from imagineerd.client import Client, Event
from imagineerd.protocol import Building, LabelerBuilt
from real_labeler import base

IMAGE: Final = "imagineer-claude-cli:latest"
BUILD_S: Final = 1200.0
LAST_LINES: Final = 8
ANSWER_S: Final = 120.0


class Outcome(msgspec.Struct, kw_only=True):
    """What was built and what it said, and what was found."""

    base_seconds: float = 0.0
    build_seconds: float = 0.0
    build_lines: int = 0
    last_lines: list[str] = []
    image_mb: int = 0
    user: str = ""
    healthcheck: list[str] = []
    cli: str = ""
    without_login: str = ""
    seconds_to_say_so: float = 0.0
    containers_left: int = 0
    findings: list[str] = []


def run(debian: Path | None) -> Outcome:
    """Go the whole way, as far as it goes without an account."""
    outcome = Outcome()
    with docker_engine() as engine, tempfile.TemporaryDirectory() as scratch:
        client = docker.DockerClient(base_url=f"unix://{engine}", timeout=int(BUILD_S))
        try:
            outcome.base_seconds = _timed(lambda: base.make_base(client, debian, Path(scratch)))
            with _at_home(engine) as house:
                _build(house, outcome)
                if not outcome.findings:
                    _look_at(client, outcome)
                    _label(house, client, outcome)
        finally:
            client.close()
    return outcome


@contextmanager
def _at_home(engine: Path) -> Iterator[House]:
    section = {"network": "none", "login_by": "none", "concurrency": 1}
    house = House(short_folder()).with_fake_worker(labeling=json.dumps(section))
    house.environ["DOCKER_HOST"] = f"unix://{engine}"
    try:
        yield house.start()
    finally:
        house.close()


def _build(house: House, outcome: Outcome) -> None:
    """As `imagineer labels build --base NAME --network host` does."""
    began = time.monotonic()
    with house.client() as client, closing(client.events()) as messages:
        next(messages)
        client.build_labeler(base.NAME, network="host")
        for message in messages:
            if isinstance(message, Building):
                outcome.build_lines += 1
                outcome.last_lines = [*outcome.last_lines[1 - LAST_LINES :], message.line]
            if isinstance(message, Event) and isinstance(message.body, LabelerBuilt):
                outcome.findings += [message.body.error.message] if message.body.error else []
                break
    outcome.build_seconds = round(time.monotonic() - began, 1)


def _look_at(client: docker.DockerClient, outcome: Outcome) -> None:
    image = client.images.get(IMAGE)
    outcome.image_mb = image.attrs["Size"] >> 20
    outcome.user = image.attrs["Config"]["User"]
    outcome.healthcheck = image.attrs["Config"]["Healthcheck"]["Test"]
    said = client.containers.run(IMAGE, network_mode="none", environment={"HOME": "/home/node"}, remove=True)
    outcome.cli = said.decode().strip()
    if "Claude Code" not in outcome.cli:
        outcome.findings.append(f"claude --version says {outcome.cli!r}.")


def _label(house: House, engine: docker.DockerClient, outcome: Outcome) -> None:
    """The real CLI in the hardened container: it runs, prints its envelope, and is not logged in."""
    with house.client() as client:
        batch = client.generate("x", 1).batch.id
        wait_until(lambda: client.batch(batch).batch.takes == 1)
        began = time.monotonic()
        client.label(batch_id=batch)
        outcome.without_login = wait_until(lambda: _said(client, batch), ANSWER_S)
        outcome.seconds_to_say_so = round(time.monotonic() - began, 1)
    outcome.containers_left = len(engine.containers.list(all=True))
    if "not logged in" not in outcome.without_login:
        outcome.findings.append("The CLI did not say that it is not logged in.")
    if outcome.containers_left:
        outcome.findings.append(f"{outcome.containers_left} containers are left.")


def _said(client: Client, batch: str) -> str:
    """Return why labels wait, or why the job failed."""
    labeling = client.status().labeling
    failed = [job.error.message for job in client.jobs(batch_id=batch).jobs if job.error]
    return failed[0] if failed else labeling.detail.partition(" Labeling goes on")[0] if labeling else ""


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return round(time.monotonic() - began, 1)

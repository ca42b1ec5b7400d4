"""Labels from end to end: a real daemon, a real engine, a stand-in for the labeler."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import msgspec
import pytest
from docker_engine import mortal_engine
from house import House, short_folder, wait_until
from labeler import IMAGE, build_stand_in

from imagineerd import protocol
from imagineerd.client import Client, Event, Followed
from imagineerd.errors import NotFound, WrongState
from imagineerd.jobs import Job, LabelSpec, State
from imagineerd.protocol import BatchDetail, Building, JobMoved, LabelChanged, LabelerBuilt, Take, Worker
from imagineerd.worker.containers import OWNER

LABEL_S = 90.0
WORDS = ["BOLD", "CHATTY", "CRASHING", "EXPIRED", "FORKING", "GARBAGE", "HUNGRY", "LIMITED", "SLEEPY", "SLOW", "THIEF"]
TOKEN = "sk-a-token-of-many-characters"  # noqa: S105 - nobody's


def labeling(**changes: object) -> dict[str, str]:
    section = {"image": IMAGE, "network": "none", "memory_mb": 64, "login_by": "none", "timeout_s": 60, **changes}
    return {"labeling": json.dumps(section)}


def at_home(house: House, docker_socket: Path, **changes: object) -> House:
    """Let the daemon draw with the fake worker and label with the stand-in; each of its behaviours is a prompt."""
    house.with_fake_worker(**labeling(**changes))  # type: ignore[arg-type]
    house.environ["DOCKER_HOST"] = f"unix://{docker_socket}"
    prompts = house.paths.config_file.parent / "labels"
    prompts.mkdir(parents=True, exist_ok=True)
    for word in WORDS:
        (prompts / f"{word.lower()}.txt").write_text(word)
    return house


@pytest.fixture(scope="module")
def labeler(docker_socket: Path) -> Iterator[House]:
    """A daemon that labels, for all tests of this module."""
    house = House(short_folder())
    yield at_home(house, docker_socket).start()
    house.close()


@pytest.fixture
def client(labeler: House) -> Iterator[Client]:
    with labeler.client() as client:
        yield client


@pytest.fixture
def deck(client: Client) -> BatchDetail:
    return dealt(client)


def dealt(client: Client, cards: tuple[int, ...] = (1, 2)) -> BatchDetail:
    """Deal a few cards and wait for them."""
    batch = client.deal("zodiac", "x", cards=cards).batch.id
    wait_until(lambda: all(slot.takes for slot in client.batch(batch).slots))
    return client.batch(batch)


def takes(detail: BatchDetail) -> list[Take]:
    return [take for slot in detail.slots for take in slot.takes]


def label(client: Client, detail: BatchDetail, **options: Any) -> tuple[int, ...]:
    """Have a batch labelled and wait until no job of that is open."""
    return tuple(job.id for job in ended(client, client.label(batch_id=detail.batch.id, **options).jobs))


def state(client: Client, job: int) -> State:
    return next(found.state for found in client.jobs(before=job + 1, limit=1).jobs)


@contextlib.contextmanager
def followed(house: House) -> Iterator[Iterator[Followed]]:
    with house.client() as client, contextlib.closing(client.events()) as messages:
        next(messages)
        yield messages


def until(messages: Iterator[Followed], wanted: Callable[[Followed], bool]) -> list[Followed]:
    seen: list[Followed] = []
    for message in messages:
        seen.append(message)
        if wanted(message):
            return seen
    raise AssertionError("It did not come.")


def ended(client: Client, jobs: tuple[int, ...]) -> list[Job]:
    """Wait until none of these jobs is open, and return them, the oldest first."""
    wait_until(lambda: not [job for job in jobs if state(client, job) in {State.QUEUED, State.RUNNING}], LABEL_S)
    return [client.jobs(before=job + 1, limit=1).jobs[0] for job in jobs]


def of_daemon(socket: Path, client: Client) -> list[Any]:
    """Return the containers of a daemon."""
    engine = docker.DockerClient(base_url=f"unix://{socket}")
    try:
        epoch = client.status().epoch
        return list(engine.api.containers(all=True, filters={"label": f"{OWNER}={epoch}"}))
    finally:
        engine.close()


# ---------------------------------------------------------------- labelling


def test_a_batch_is_labelled_and_its_cards_do_not_notice(client: Client, deck: BatchDetail) -> None:
    jobs = label(client, deck)

    after = client.batch(deck.batch.id)
    assert [take.label.caption for take in takes(after) if take.label] == ["A card with a ram."] * 2
    assert {take.label.model for take in takes(after) if take.label} == {"claude-stand-in"}
    assert after.batch.states == deck.batch.states == {"done": 2}
    assert [slot.job for slot in after.slots] == [slot.job for slot in deck.slots]
    specs = [job.spec for job in client.jobs(batch_id=deck.batch.id).jobs if job.id in jobs]
    assert {spec.prompt for spec in specs if isinstance(spec, LabelSpec)} == {"default"}


def test_the_sidecar_has_the_label(client: Client, deck: BatchDetail) -> None:
    label(client, deck)

    take = takes(deck)[0]
    sidecar = (Path(deck.batch.folder) / take.file).with_suffix(".json")
    wait_until(lambda: json.loads(sidecar.read_text()).get("label", {}).get("caption") == "A card with a ram.")


def test_what_has_a_label_is_skipped_unless_forced(client: Client, deck: BatchDetail) -> None:
    label(client, deck)

    assert client.label(batch_id=deck.batch.id) == protocol.Labeling(skipped=2)
    label(client, deck, prompt="bold", force=True)
    assert {take.label.rating for take in takes(client.batch(deck.batch.id)) if take.label} == {"EXPLICIT"}
    assert {take.label.is_nsfw for take in takes(client.batch(deck.batch.id)) if take.label} == {True}
    assert len(client.labels(takes(deck)[0].id).labels) == 2


def test_single_takes_are_labelled(client: Client, deck: BatchDetail) -> None:
    first, second = takes(deck)

    client.label([second.id])

    wait_until(lambda: takes(client.batch(deck.batch.id))[1].label, LABEL_S)
    assert takes(client.batch(deck.batch.id))[0].label is None
    assert first.label is None


def test_who_follows_hears_of_every_label(labeler: House, client: Client, deck: BatchDetail) -> None:
    with followed(labeler) as messages:
        client.label([takes(deck)[0].id])
        seen = until(messages, lambda message: isinstance(message, Event) and isinstance(message.body, JobMoved)
                     and message.body.kind == "label" and message.body.state is State.DONE)  # fmt: skip

    changed = [message.body for message in seen if isinstance(message, Event)]
    told = [body for body in changed if isinstance(body, LabelChanged)]
    assert [(body.take, body.slot) for body in told] == [(takes(deck)[0].id, 1)]
    assert told[0].label is not None
    assert told[0].label.rating == "SAFE"


def test_a_deck_is_labelled_while_it_is_dealt(client: Client) -> None:
    batch = client.deal("zodiac", "x", cards=(1, 2, 3), label="default").batch.id

    wait_until(lambda: [take for take in takes(client.batch(batch)) if take.label][2:], LABEL_S)


def test_an_answer_that_is_not_understood_fails_its_job_and_is_kept(client: Client, deck: BatchDetail) -> None:
    (job, _) = label(client, deck, prompt="garbage")

    failed = next(found for found in client.jobs(batch_id=deck.batch.id).jobs if found.id == job)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert "not understood" in failed.error.message
    (kept,) = client.labels(takes(deck)[0].id).labels
    assert kept.answer == "I would rather talk about the weather."
    assert client.batch(deck.batch.id).batch.states == {"done": 2}


def test_a_failed_label_can_be_retried(client: Client, deck: BatchDetail) -> None:
    jobs = label(client, deck, prompt="crashing")

    assert client.retry(batch_id=deck.batch.id).jobs == jobs


def test_a_label_that_is_made_can_be_cancelled(client: Client, deck: BatchDetail) -> None:
    jobs = client.label(batch_id=deck.batch.id, prompt="slow").jobs
    wait_until(lambda: state(client, jobs[0]) is State.RUNNING)

    client.cancel(batch_id=deck.batch.id)

    wait_until(lambda: [state(client, job) for job in jobs] == [State.CANCELLED] * 2)


def test_what_a_labeler_does_to_its_container_fails_its_picture_and_nothing_else(
    house: House, docker_socket: Path
) -> None:
    at_home(house, docker_socket, timeout_s=30, concurrency=4).start()
    with house.client() as client:
        forking, hungry, chatty, good = takes(dealt(client, (1, 2, 3, 4)))
        names = {"forking": forking, "hungry": hungry, "chatty": chatty, "default": good}

        jobs = [client.label([take.id], prompt=name).jobs[0] for name, take in names.items()]
        found = ended(client, tuple(jobs))

        assert [(job.state, job.error.message if job.error else "") for job in found] == [
            (State.FAILED, "The labeler gave no answer within 30 seconds (labeling.timeout_s)."),
            (State.FAILED, "The labeler needed more than 64 MB (labeling.memory_mb)."),
            (State.DONE, ""),
            (State.DONE, ""),
        ]
        assert not of_daemon(docker_socket, client)
        assert dealt(client).batch.takes == 2
        assert client.status().labeling.restarts == 0  # type: ignore[union-attr]


def test_more_are_labelled_at_a_time_as_soon_as_the_configuration_says_so(house: House, docker_socket: Path) -> None:
    at_home(house, docker_socket, concurrency=1).start()
    with house.client() as client:
        jobs = client.label(batch_id=dealt(client, (1, 2, 3)).batch.id, prompt="slow").jobs
        wait_until(lambda: of_daemon(docker_socket, client))
        assert [state(client, job) for job in jobs].count(State.RUNNING) == 1

        house.configured(**labeling(concurrency=3))
        os.kill(house.pid, signal.SIGHUP)

        wait_until(lambda: len(of_daemon(docker_socket, client)) == 3)
        client.cancel(jobs)
        wait_until(lambda: not of_daemon(docker_socket, client))


# ---------------------------------------------------------------- by hand


def test_a_label_is_changed_by_hand_and_changed_back(client: Client, deck: BatchDetail) -> None:
    label(client, deck)
    take = takes(client.batch(deck.batch.id))[0]
    sidecar = (Path(deck.batch.folder) / take.file).with_suffix(".json")
    assert take.label is not None

    edited = client.edit_label(take.id, caption="A goat.", rating="ADULT").label
    assert edited is not None
    assert (edited.caption, edited.tags, edited.is_nsfw) == ("A goat.", ("ram", "card"), True)
    assert json.loads(sidecar.read_text())["label"]["caption"] == "A goat."

    assert client.restore_label(take.id, take.label.id).label == take.label
    assert json.loads(sidecar.read_text())["label"]["caption"] == "A card with a ram."
    assert client.restore_label(take.id).label is None
    assert "label" not in json.loads(sidecar.read_text())


# ---------------------------------------------------------------- what is missing


def test_the_prompts_are_listed(client: Client) -> None:
    assert {"default", "sd_training", "bold"} <= set(client.label_prompts().names)
    with pytest.raises(NotFound, match='no label prompt "nothing"'):
        client.label(batch_id="last", prompt="nothing")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"image": "nothing:1"}, "The image nothing:1 is not there. Run: imagineer labels build."),
        ({"login_by": "file"}, "claude setup-token"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_queued(
    house: House, docker_socket: Path, changes: dict[str, object], sentence: str
) -> None:
    with at_home(house, docker_socket, **changes).start().client() as client:
        deck = dealt(client)
        with pytest.raises(WrongState) as caught:
            client.label(batch_id=deck.batch.id)

        assert sentence in caught.value.message
        assert client.status().jobs["queued"] == 0
        with pytest.raises(WrongState):
            client.deal("zodiac", "x", label="default")


def test_a_limit_rests_the_lane_and_labeling_goes_on_by_itself(house: House, docker_socket: Path) -> None:
    at_home(house, docker_socket).start()
    with house.client() as client, followed(house) as messages:
        deck = dealt(client, (1, 2, 3))
        prompt = house.paths.config_file.parent / "labels" / "limited.txt"
        jobs = client.label(batch_id=deck.batch.id, prompt="limited").jobs
        until(messages, lambda message: isinstance(message, Worker) and "reached its limit" in message.detail)

        assert prompt.read_text() == "LIMITED"
        assert {state(client, job) for job in jobs} <= {State.QUEUED, State.RUNNING}
        labels = client.status().labeling
        assert labels is not None
        assert "Labeling goes on at" in labels.detail
        until(messages, lambda message: isinstance(message, Worker) and message.lane == "io" and not message.detail)
        assert not [job for job in client.jobs(batch_id=deck.batch.id).jobs if job.error]
        client.cancel(jobs)


def test_a_command_that_is_not_there_rests_the_lane_until_the_configuration_is_mended(
    house: House, docker_socket: Path
) -> None:
    with at_home(house, docker_socket, command="clod").start().client() as client:
        jobs = client.label(batch_id=dealt(client).batch.id).jobs
        wait_until(lambda: (found := client.status().labeling) and "cannot run labeling.command" in found.detail)

        client.set_config("labeling.command", "claude")

        assert [(job.state, job.attempts) for job in ended(client, jobs)] == [(State.DONE, 1)] * 2


def test_a_login_that_expired_rests_the_lane(house: House, docker_socket: Path) -> None:
    with at_home(house, docker_socket).start().client() as client, followed(house) as messages:
        deck = dealt(client)
        client.label(batch_id=deck.batch.id, prompt="expired")

        until(messages, lambda message: isinstance(message, Worker) and "claude setup-token" in message.detail)

        wait_until(lambda: client.status().jobs["running"] == 0)
        assert client.status().jobs["queued"] == 2


@pytest.mark.parametrize("login", [{"login_by": "file"}, {"login_by": "variable", "variable": "A_TOKEN"}])
def test_a_login_is_found_nowhere_but_where_it_was(house: House, docker_socket: Path, login: dict[str, object]) -> None:
    original = house.root / ".claude" / ".credentials.json"
    original.parent.mkdir()
    original.write_text(json.dumps({"oauth": {"accessToken": TOKEN}}))
    house.environ["A_TOKEN"] = TOKEN
    at_home(house, docker_socket, **login).start()
    with house.client() as client:
        deck = dealt(client, (1,))
        for prompt in ("default", "thief", "garbage", "crashing"):
            label(client, deck, prompt=prompt, force=True)
        client.label(batch_id=deck.batch.id, prompt="expired", force=True)
        wait_until(lambda: (found := client.status().labeling) and "not logged in" in found.detail, LABEL_S)
        client.cancel(batch_id=deck.batch.id)
        client.label(batch_id=deck.batch.id, prompt="slow", force=True)
        client.resume()
        (container,) = wait_until(lambda: of_daemon(docker_socket, client))
        assert TOKEN not in json.dumps(inspected(docker_socket, container["Id"]))
        worker = client.status().labeling
        assert worker is not None

    os.kill(house.pid, signal.SIGSTOP)  # so that neither of them tidies up after the other
    os.kill(worker.pid, signal.SIGKILL)
    house.kill()
    house.start()

    with house.client() as client:
        client.cancel(batch_id=deck.batch.id)
        wait_until(lambda: not of_daemon(docker_socket, client))
        wait_until(lambda: not list((house.paths.runtime_dir / "labels").iterdir()))
        told = msgspec.json.encode(client.labels(takes(deck)[0].id)).decode()
        assert TOKEN not in told
        assert "[login]" in told or login["login_by"] == "variable"
    files = [path for path in house.root.rglob("*") if path.is_file() and path != original]
    assert house.paths.database in files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def inspected(socket: Path, container: str) -> dict[str, Any]:
    engine = docker.DockerClient(base_url=f"unix://{socket}")
    try:
        return dict(engine.api.inspect_container(container))
    finally:
        engine.close()


# ---------------------------------------------------------------- deaths


def test_an_engine_that_dies_gives_labels_back_and_they_are_made_when_it_is_there_again(house: House) -> None:
    with mortal_engine() as engine:
        build_stand_in(engine.socket)
        at_home(house, engine.socket).start()
        with house.client() as client:
            jobs = client.label(batch_id=dealt(client).batch.id, prompt="sleepy").jobs
            wait_until(lambda: of_daemon(engine.socket, client))

            engine.end()
            wait_until(lambda: (found := client.status().labeling) and found.detail)
            wait_until(lambda: {state(client, job) for job in jobs} == {State.QUEUED})
            engine.start()
            client.resume()

            assert [(job.state, job.attempts) for job in ended(client, jobs)] == [(State.DONE, 1)] * 2
            wait_until(lambda: not of_daemon(engine.socket, client))


def test_a_daemon_that_is_killed_leaves_no_container_and_labels_after_all(house: House, docker_socket: Path) -> None:
    at_home(house, docker_socket).start()
    with house.client() as client:
        deck = dealt(client)
        jobs = client.label(batch_id=deck.batch.id, prompt="sleepy").jobs
        wait_until(lambda: of_daemon(docker_socket, client))

    house.kill()
    house.start()

    with house.client() as client:
        wait_until(lambda: {state(client, job) for job in jobs} == {State.DONE}, LABEL_S)
        assert all(take.label for take in takes(client.batch(deck.batch.id)))
        assert len(client.labels(takes(deck)[0].id).labels) == 1
        assert not of_daemon(docker_socket, client)


def test_a_job_that_was_cancelled_before_the_daemon_died_leaves_no_container_either(
    house: House, docker_socket: Path
) -> None:
    at_home(house, docker_socket).start()
    with house.client() as client:
        deck = dealt(client, (1,))
        client.label(batch_id=deck.batch.id, prompt="slow")
        wait_until(lambda: of_daemon(docker_socket, client))

    house.kill()
    house.start()

    with house.client() as client:
        client.cancel(batch_id=deck.batch.id)
        wait_until(lambda: not of_daemon(docker_socket, client))


def test_a_daemon_that_stops_gives_its_labels_back(house: House, docker_socket: Path) -> None:
    at_home(house, docker_socket).start()
    with house.client() as client:
        deck = dealt(client, (1,))
        (job,) = client.label(batch_id=deck.batch.id, prompt="slow").jobs
        wait_until(lambda: of_daemon(docker_socket, client))
    assert house.stop() == 0

    house.start()

    with house.client() as client:
        found = next(found for found in client.jobs(batch_id=deck.batch.id).jobs if found.id == job)
        assert found.attempts <= 1
        client.cancel([job])


def test_a_hundred_pictures_are_labelled_four_at_a_time(house: House, docker_socket: Path) -> None:
    with at_home(house, docker_socket, concurrency=4).start().client() as client, followed(house) as messages:
        batch = client.generate("x", 100).batch.id
        wait_until(lambda: client.batch(batch).batch.takes == 100)

        jobs = set(client.label(batch_id=batch).jobs)
        most = running = 0
        while jobs:
            message = next(messages)
            if isinstance(message, Event) and isinstance(message.body, JobMoved) and message.body.kind == "label":
                running += {State.RUNNING: 1}.get(message.body.state, -1)
                most = max(most, running)
                jobs -= {message.body.job} if message.body.state is State.DONE else set()

        assert most == 4
        assert all(take.label for take in takes(client.batch(batch)))
        assert not of_daemon(docker_socket, client)


# ---------------------------------------------------------------- the image


def test_an_image_is_built_once_at_a_time(house: House) -> None:
    with socket.socket(socket.AF_UNIX) as engine:  # which takes every question and answers none
        engine.bind(str(house.root / "d.sock"))
        engine.listen()
        with at_home(house, house.root / "d.sock").start().client() as client:
            client.build_labeler()

            with pytest.raises(WrongState, match=f"The image {IMAGE} is being built already: wait for that"):
                client.build_labeler()


def test_a_build_is_followed_to_its_end(labeler: House, client: Client) -> None:
    with followed(labeler) as messages:
        client.build_labeler(base=IMAGE)  # which has no npm
        seen = until(messages, lambda message: isinstance(message, Event) and isinstance(message.body, LabelerBuilt))

    built = seen[-1]
    assert isinstance(built, Event)
    assert isinstance(built.body, LabelerBuilt)
    assert built.body.error is not None
    assert built.body.image == IMAGE
    assert [message.line for message in seen if isinstance(message, Building)]

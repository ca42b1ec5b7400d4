"""Labels from end to end: a real daemon, a real engine, a stand-in for the labeler."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from house import House, short_folder, wait_until
from labeler import IMAGE

from imagineerd import protocol
from imagineerd.client import Client, Event, Followed
from imagineerd.errors import NotFound, WrongState
from imagineerd.jobs import LabelSpec, State
from imagineerd.protocol import BatchDetail, Building, JobMoved, LabelChanged, LabelerBuilt, Take, Worker
from imagineerd.worker.containers import OWNER

LABEL_S = 90.0


def labeling(**changes: object) -> dict[str, str]:
    section = {"image": IMAGE, "network": "none", "memory_mb": 64, "login_by": "none", "timeout_s": 60, **changes}
    return {"labeling": json.dumps(section)}


def at_home(house: House, docker_socket: Path, **changes: object) -> House:
    """Let the daemon draw with the fake worker and label with the stand-in; each of its behaviours is a prompt."""
    house.with_fake_worker(**labeling(**changes))  # type: ignore[arg-type]
    house.environ["DOCKER_HOST"] = f"unix://{docker_socket}"
    prompts = house.paths.config_file.parent / "labels"
    prompts.mkdir(parents=True, exist_ok=True)
    for word in ("BOLD", "CRASHING", "EXPIRED", "GARBAGE", "LIMITED", "SLEEPY", "SLOW"):
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
    jobs = client.label(batch_id=detail.batch.id, **options).jobs
    wait_until(lambda: not [job for job in jobs if state(client, job) in {State.QUEUED, State.RUNNING}], LABEL_S)
    return jobs


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
    assert json.loads(sidecar.read_text())["label"]["caption"] == "A card with a ram."


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


def test_a_login_that_expired_rests_the_lane(house: House, docker_socket: Path) -> None:
    with at_home(house, docker_socket).start().client() as client, followed(house) as messages:
        deck = dealt(client)
        client.label(batch_id=deck.batch.id, prompt="expired")

        until(messages, lambda message: isinstance(message, Worker) and "claude setup-token" in message.detail)

        wait_until(lambda: client.status().jobs["running"] == 0)
        assert client.status().jobs["queued"] == 2


# ---------------------------------------------------------------- deaths


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

        began = time.monotonic()
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
        assert time.monotonic() - began < 300


# ---------------------------------------------------------------- the image


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

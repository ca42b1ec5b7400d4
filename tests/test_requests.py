"""Every request, asked of a real daemon (with the fake worker) through the client."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import zmq
from house import House, drawn, short_folder, wait_until
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd import protocol
from imagineerd.client import Client
from imagineerd.errors import Draining, Invalid, NotFound, WrongState
from imagineerd.jobs import State
from imagineerd.protocol import Settings


@pytest.fixture
def client(faking: House) -> Iterator[Client]:
    with faking.client() as client:
        yield client


# ---------------------------------------------------------------- keeping and deleting


def test_a_take_is_told_with_all_that_is_known_of_it(client: Client) -> None:
    settings = Settings(steps=5, seed=3, negative_prompt="blurry", scheduler="euler")
    batch = client.generate("a fox", settings=settings, name="Fox").batch.id
    (take,) = drawn(client, batch).slots[0].takes

    found = client.take(take.id)

    assert (found.about.take, found.about.card, found.about.pick) == (take, "Fox", True)
    assert (found.spec.prompt, found.spec.steps, found.seconds_per_step) == ("a fox", 5, take.duration / 5)
    assert (found.sidecar_bytes > 0, found.thumb_bytes) == (True, len(b"a small picture"))
    again = client.generate(found.spec.prompt, settings=found.settings)
    spec = client.jobs(batch_id=again.batch.id).jobs[0].spec
    assert msgspec.structs.replace(spec, name="Fox", model_revision=found.spec.model_revision) == found.spec


def test_a_favourite_is_one_until_it_is_none(client: Client) -> None:
    batch = client.generate("a fox").batch.id
    (take,) = drawn(client, batch).slots[0].takes

    client.favourite([take.id])
    assert client.batch(batch).slots[0].takes[0].favourite
    assert [found.take.id for found in client.search(f"is:favourite batch:{batch}").takes] == [take.id]
    client.favourite([take.id], on=False)
    assert client.batch(batch).slots[0].takes == (take,)


def test_a_deleted_take_and_its_picture_come_back(client: Client, faking: House) -> None:
    batch = client.generate("a fox", 2).batch.id
    first, second = drawn(client, batch).slots[0].takes
    picture = client.picture(first.id)

    assert client.delete([first.id]).takes == (first.id,)

    slot = client.batch(batch).slots[0]
    assert (slot.takes, slot.pick) == ((second,), second.id)
    assert [found.take.id for found in client.trash().takes] == [first.id]
    assert client.picture(first.id) == picture
    assert list((faking.paths.data_dir / "trash").glob("*.png"))
    with pytest.raises(WrongState, match=f"Take {first.id} is in the trash: restore it first"):
        client.pick(first.id)
    assert client.restore([first.id]).takes == (first.id,)
    assert client.batch(batch).slots[0].takes == (first, second)
    assert client.batch(batch).slots[0].pick == first.id
    assert client.picture(first.id) == picture


def test_an_emptied_trash_brings_nothing_back(client: Client) -> None:
    batch = client.generate("a fox", 2).batch.id
    takes = drawn(client, batch).slots[0].takes
    client.delete(batch_id=batch)

    emptied = client.empty_trash()

    assert emptied.takes == tuple(take.id for take in takes)
    assert emptied.bytes > sum(take.bytes for take in takes)
    for ask in (client.picture, client.take, lambda take: client.restore([take])):
        with pytest.raises(NotFound, match="was deleted for good"):
            ask(takes[0].id)


# ---------------------------------------------------------------- searching


def test_takes_are_found_by_what_was_asked_for(client: Client) -> None:
    batch = client.deal("zodiac", "unmistakable moss", cards=[1, 2]).batch.id
    drawn(client, batch)

    found = client.search('theme:unmistak card:"Aries"').takes

    assert [(take.card, take.set, take.theme) for take in found] == [("Aries", "zodiac", "unmistakable moss")]
    assert len(client.search(f"moss batch:{batch}").takes) == 2
    assert len(client.search("moss", limit=1).takes) == 1


def test_a_filter_that_is_none_is_refused_with_the_nearest(client: Client) -> None:
    with pytest.raises(Invalid, match='There is no filter "sets:"') as caught:
        client.search("sets:tarot")

    assert caught.value.field == "$.query"


# ---------------------------------------------------------------- pages


def test_pages_follow_each_other_without_a_gap(client: Client) -> None:
    for _ in range(3):
        client.deal("zodiac", cards=[1, 2])
    known = [job.id for job in client.jobs(limit=1000).jobs]

    found: list[int] = []
    page = client.jobs(limit=4)
    while page.before:
        found += [job.id for job in page.jobs]
        page = client.jobs(limit=4, before=page.before)
    assert found + [job.id for job in page.jobs] == known == sorted(known, reverse=True)


def test_batches_are_listed_newest_first(client: Client) -> None:
    newest = client.generate("a fox").batch.id

    page = client.batches(limit=1)
    assert (page.batches[0].id, page.before) == (newest, newest)
    assert client.batch("last").batch.id == newest


# ---------------------------------------------------------------- whatever is asked

ASKED = sorted(set(protocol.REQUESTS) - {"hello", "stop", "config_set", "subscribe", "blob_stat", "blob_get"})
numbers = st.sampled_from([1, 2, 5, 10**9, 2**53, 2**63 - 1, 2**63, 2**64 - 1])
words = st.sampled_from(
    ["zodiac", "last", "single", "", "%", "_", "..", "/", "\0", "\U0010ffff", "' OR 1=1 --", "{name}", "x" * 200]
)
choices = st.fixed_dictionaries(
    {},
    optional={
        "seed": numbers,
        "model": words,
        "negative_prompt": words,
        "width": st.sampled_from([64, 96, 2048]),
        "mix": st.lists(st.fixed_dictionaries({"name": words}), max_size=2),
    },
)
ONE_OF_EACH = {
    "idem": words,
    "set": words,
    "batch": words,
    "prompt": words,
    "name": words,
    "theme": words,
    "seed": numbers,
    "before": numbers | words,
    "take": numbers,
    "count": st.integers(1, 100),
    "limit": st.integers(1, 1000),
    "cards": st.lists(numbers, max_size=3),
    "jobs": st.lists(numbers, max_size=3),
    "slots": st.lists(numbers, min_size=1, max_size=3),
    "states": st.lists(st.sampled_from(list(State)), max_size=3),
    "settings": choices,
    "priority": st.integers(-100, 100),
    "hold": st.booleans(),
    "failed": st.booleans(),
    "now": st.booleans(),
    "end": st.sampled_from(["top", "bottom"]),
    "after": numbers,
}


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """Draw a request that is right in its types."""
    kind = draw(st.sampled_from(ASKED))
    fields = msgspec.structs.fields(protocol.REQUESTS[kind])
    wanted = [field.name for field in fields if field.name in ONE_OF_EACH and (field.required or draw(st.booleans()))]
    return kind, {name: draw(ONE_OF_EACH[name]) for name in wanted}


@pytest.fixture(scope="module")
def asked() -> Iterator[zmq.Socket[bytes]]:
    """A session with a daemon whose worker draws nothing."""
    house = House(short_folder()).with_fake_worker("broken", daemon="{queue_limit: 200}").start()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.RCVTIMEO, 20_000)
    socket.connect(f"ipc://{house.paths.ctl_socket}")
    socket.send_multipart(protocol.encode(protocol.Hello(), rid=1))
    socket.recv_multipart()
    yield socket
    context.destroy(linger=0)
    house.close()


@settings(max_examples=150, deadline=None)
@given(question=questions())
def test_no_question_whatever_its_values_is_a_fault_of_ours(
    asked: zmq.Socket[bytes], question: tuple[str, dict[str, object]]
) -> None:
    kind, body = question
    asked.send_multipart([protocol.encode_head(protocol.Head(1, kind, 7)), msgspec.msgpack.encode(body)])
    head, frame = asked.recv_multipart()

    answer = protocol.decode_from_daemon(protocol.decode_head(head).kind, frame)
    assert not (isinstance(answer, protocol.Error) and answer.code in {"E_INTERNAL", "E_PROTO"})


# ---------------------------------------------------------------- the end


def test_while_the_daemon_stops_it_answers_and_takes_no_more_work(house: House) -> None:
    house.with_fake_worker("stubborn").start()
    with house.client() as client:
        wait_until(lambda: client.status().worker.phase == "idle")
        client.stop()

        with pytest.raises(Draining):
            client.deal("zodiac")
        assert client.status().pid == house.pid
    assert house.wait() == 0

"""What was drawn before is not drawn again: a real daemon, the fake worker, and files."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, drawn, short_folder

from imagineerd.client import Client, Event
from imagineerd.jobs import State
from imagineerd.protocol import BatchDetail, Settings, StepsAxis, Take, TakeAdded
from imagineerd.reuse import copy_take
from imagineerd.store.reuse import Reusable


@pytest.fixture(scope="module")
def reusing() -> Iterator[House]:
    """A daemon that reuses, for all tests of this module."""
    house = House(short_folder()).with_fake_worker(generation="{reuse: true}")
    yield house.start()
    house.close()


@pytest.fixture
def client(reusing: House) -> Iterator[Client]:
    with reusing.client() as client:
        yield client


def settings(seed: int) -> Settings:
    return Settings(steps=2, seed=seed)


def takes_of(detail: BatchDetail) -> list[Take]:
    return [take for slot in detail.slots for take in slot.takes]


def deal(client: Client, seed: int, **options: bool) -> tuple[int, BatchDetail]:
    """Deal three cards and wait for them; return how many were drawn before, and the batch."""
    dealt = client.deal("zodiac", "gold", settings(seed), cards=(1, 2, 3), **options)  # type: ignore[arg-type]
    return dealt.cached, drawn(client, dealt.batch.id)


def path_of(detail: BatchDetail, take: Take) -> Path:
    return Path(detail.batch.folder) / take.file


def test_a_deck_that_was_dealt_before_with_the_same_seeds_is_there_at_once(client: Client) -> None:
    _, first = deal(client, 100)
    cached, second = deal(client, 100)

    assert (cached, second.batch.states) == (3, {"done": 3})
    assert [take.sha256 for take in takes_of(second)] == [take.sha256 for take in takes_of(first)]
    assert {take.cached for take in takes_of(second)} == {True}
    assert {take.cached for take in takes_of(first)} == {False}
    assert first.batch.folder != second.batch.folder


def test_its_files_stand_on_their_own_and_tell_what_they_are(client: Client) -> None:
    _, first = deal(client, 200)
    _, second = deal(client, 200)
    old, new = takes_of(first)[0], takes_of(second)[0]
    about = json.loads(path_of(second, new).with_suffix(".json").read_bytes())
    content = path_of(second, new).read_bytes()
    client.delete(takes=[old.id])
    client.empty_trash()

    assert (about["job"], about["batch"], about["cached_from"]) == (new.job, second.batch.id, old.id)
    assert not path_of(first, old).exists()
    assert path_of(second, new).read_bytes() == content
    assert path_of(second, new).with_name(".thumbs").joinpath(f"{Path(new.file).stem}.jpg").exists()


def test_what_is_to_be_fresh_is_drawn(client: Client) -> None:
    deal(client, 300)
    cached, second = deal(client, 300, fresh=True)

    assert cached == 0
    assert {take.cached for take in takes_of(second)} == {False}


def test_seeds_by_chance_meet_nothing(client: Client) -> None:
    client.generate("a fox", 2, Settings(steps=2))

    assert client.generate("a fox", 2, Settings(steps=2)).cached == 0


def test_what_is_held_stays_held(client: Client) -> None:
    deal(client, 400)

    assert client.deal("zodiac", "gold", settings(400), cards=(1, 2, 3), hold=True).cached == 0


def test_a_picture_in_the_trash_is_not_offered(client: Client) -> None:
    _, first = deal(client, 500)
    client.delete(takes=[take.id for take in takes_of(first)])

    assert deal(client, 500)[0] == 0


def test_a_picture_that_was_changed_or_is_gone_is_drawn_again(client: Client) -> None:
    _, first = deal(client, 600)
    one, other, _ = takes_of(first)
    path_of(first, one).write_bytes(b"no picture")
    path_of(first, other).unlink()
    _, second = deal(client, 600)

    assert [take.cached for take in takes_of(second)] == [False, False, True]
    assert all(path_of(second, take).stat().st_size > 20 for take in takes_of(second))


def test_a_grid_takes_the_cells_that_are_there(client: Client) -> None:
    drawn(client, client.grid([StepsAxis(values=(2, 3))], "a raven", settings=Settings(seed=700)).batch.id)
    dealt = client.grid([StepsAxis(values=(2, 3, 4))], "a raven", settings=Settings(seed=700))

    assert dealt.cached == 2
    assert [take.cached for take in takes_of(drawn(client, dealt.batch.id))] == [True, True, False]


def test_who_follows_hears_that_it_was_there(client: Client, reusing: House) -> None:
    deal(client, 800)
    with reusing.client() as follower:
        events = follower.events()
        next(events)
        client.deal("zodiac", "gold", settings(800), cards=(1,))
        added = next(e.body for e in events if isinstance(e, Event) and isinstance(e.body, TakeAdded))

    assert added.take.cached


def test_a_daemon_that_is_killed_in_between_leaves_one_picture_for_each_card(house: House) -> None:
    house.with_fake_worker(generation="{reuse: true}").start()
    with house.client() as client:
        drawn(client, client.deal("zodiac", "gold", settings(900)).batch.id)
        again = client.deal("zodiac", "gold", settings(900))
    house.kill()
    house.start()
    with house.client() as client:
        detail = drawn(client, again.batch.id)

    assert again.cached == 12
    assert {(slot.state, len(slot.takes)) for slot in detail.slots} == {(State.DONE, 1)}
    assert len(list(Path(detail.batch.folder).glob("*.png"))) == 12


def test_where_files_cannot_be_linked_they_are_copied(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "fsync", note)
    _, first = deal(client, 1000)
    take = takes_of(first)[0]
    made: list[Path] = []
    found = Reusable(1, "b", 1, "Aries", tmp_path, take, Path(first.batch.folder))

    new = copy_take(found, made)
    again = copy_take(found, [])

    assert new is not None
    assert again is not None
    assert [path.name for path in made] == ["01_aries.json", "01_aries.jpg", "01_aries.png"]
    assert made[-1].read_bytes() == path_of(first, take).read_bytes()
    assert ".01_aries.png.part" in synced
    assert again.file == "01_aries_2.png"

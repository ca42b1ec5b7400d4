"""Dealing, asked of a real daemon (with the fake worker)."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House, drawn, wait_until

from imagineerd.client import Client
from imagineerd.errors import Conflict, Full, Invalid, LoraError, ModelError, NotFound
from imagineerd.jobs import MAX_SEED, LoraWeight, State
from imagineerd.protocol import Settings

SLOW = Settings(steps=100)


def test_a_deal_is_drawn_and_every_slot_has_its_pick(client: Client) -> None:
    detail = drawn(client, client.deal("zodiac", "at sea").batch.id)

    assert detail.batch.takes == detail.batch.slots == 12
    assert all(slot.pick == slot.takes[0].id for slot in detail.slots)
    assert all((Path(detail.batch.folder) / slot.takes[0].file).is_file() for slot in detail.slots)


def test_what_is_drawn_only_to_be_looked_at_is_in_no_list(client: Client) -> None:
    heard = [
        client.generate("a fox", 1, Settings(steps=1), audition=True),
        client.deal("zodiac", "at sea", cards=[3], audition=True),
    ]
    ids = {dealt.batch.id for dealt in heard}

    assert all(drawn(client, id_).batch.takes == 1 for id_ in ids)
    assert all(id_.startswith("audition_") for id_ in ids)
    assert ids.isdisjoint(batch.id for batch in client.batches().batches)
    assert ids <= {batch.id for batch in client.batches(auditions=True).batches if batch.audition}


def test_the_same_key_again_does_nothing_and_is_answered_as_before(client: Client) -> None:
    first = client.deal("zodiac", "at sea", cards=[1], idem="once")
    again = client.deal("zodiac", "at sea", cards=[1], idem="once")

    assert again.repeated
    assert (again.batch.id, again.jobs) == (first.batch.id, first.jobs)


def test_the_same_key_for_something_else_is_a_conflict(client: Client) -> None:
    client.deal("zodiac", "at sea", cards=[1], idem="mine")

    with pytest.raises(Conflict):
        client.deal("zodiac", "at night", cards=[1], idem="mine")
    with pytest.raises(Conflict):
        client.generate("a fox", idem="mine")


def test_one_prompt_is_drawn_as_often_as_asked_into_one_slot(client: Client) -> None:
    dealt = client.generate("a fox", 3, Settings(seed=7, steps=1), name="Fox")

    (slot,) = drawn(client, dealt.batch.id).slots
    assert (slot.name, sorted(take.seed for take in slot.takes)) == ("Fox", [7, 8, 9])


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (Settings(model="no such model"), ModelError),
        (Settings(mix=(LoraWeight("no such LoRA"),)), LoraError),
        (Settings(seed=MAX_SEED), Invalid),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_accepted(
    client: Client, settings: Settings, error: type[Exception]
) -> None:
    before = sum(client.status().jobs.values())

    with pytest.raises(error):
        client.deal("zodiac", "at sea", settings)

    assert sum(client.status().jobs.values()) == before


def test_a_card_the_set_does_not_have_is_refused_by_its_path(client: Client) -> None:
    with pytest.raises(NotFound) as caught:
        client.deal("zodiac", cards=[13])

    assert caught.value.field == "$.cards"


def test_a_reroll_draws_one_more_take_with_a_new_seed_and_leaves_the_pick(client: Client) -> None:
    batch = client.deal("zodiac", settings=Settings(seed=1), cards=[1, 2]).batch.id
    before = drawn(client, batch)
    client.reroll(batch, [2], seed=99)

    slot = drawn(client, batch).slots[1]
    assert [take.seed for take in slot.takes] == [2, 99]
    assert slot.pick == before.slots[1].pick


def test_another_take_can_be_picked(client: Client) -> None:
    batch = client.generate("a fox", 2).batch.id
    (slot,) = drawn(client, batch).slots
    other = next(take.id for take in slot.takes if take.id != slot.pick)
    client.pick(other)

    assert client.batch(batch).slots[0].pick == other


def test_a_reroll_whose_seeds_would_run_out_is_refused(client: Client) -> None:
    batch = client.deal("zodiac", cards=[1, 2]).batch.id

    with pytest.raises(Invalid, match="leaves no room") as caught:
        client.reroll(batch, [1, 2], seed=MAX_SEED)
    assert caught.value.field == "$.seed"


def test_complete_deals_what_is_missing_with_its_own_seed(client: Client) -> None:
    batch = client.deal("zodiac", "SLOW", Settings(seed=5, steps=100), [1, 2]).batch.id
    second = max(job.id for job in client.jobs(batch_id=batch).jobs)
    client.cancel([second])
    wait_until(lambda: client.batch(batch).slots[1].state is State.CANCELLED)
    dealt = client.complete(batch)
    client.cancel(batch_id=batch)

    (job,) = (job for job in client.jobs(batch_id=batch).jobs if job.id in dealt.jobs)
    assert (job.slot, job.spec.seed) == (2, 6)


def test_complete_of_a_complete_batch_does_nothing(client: Client) -> None:
    batch = drawn(client, client.deal("zodiac", cards=[1]).batch.id).batch.id

    assert client.complete(batch).jobs == ()


def test_the_queue_takes_no_more_than_its_limit(house: House) -> None:
    house.with_fake_worker(daemon="{queue_limit: 12}").start()
    with house.client() as client:
        client.deal("zodiac", "SLOW", SLOW)
        with pytest.raises(Full, match="12 more do not fit") as caught:
            client.deal("zodiac", "SLOW", SLOW)

        assert caught.value.retry == "later"
        assert len(client.batches().batches) == 1

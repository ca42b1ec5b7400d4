"""Every request, asked of a real daemon (with the fake worker) through the client."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from house import House, short_folder, wait_until
from hypothesis import given, settings
from hypothesis import strategies as st
from lora_files import cross_attention, pair, write_lora

from imagineerd import protocol
from imagineerd.client import Client, Event
from imagineerd.errors import (
    Conflict,
    Draining,
    Full,
    Invalid,
    LoraError,
    ModelError,
    NotFound,
    VersionMismatch,
    WrongState,
)
from imagineerd.jobs import A_FEW, MAX_SEED, LoraWeight, State
from imagineerd.lora.library import SHIPPED
from imagineerd.network.access import Peer
from imagineerd.protocol import BatchDetail, Settings, decode_request, encode
from imagineerd.requests import Requests
from imagineerd.server import Client as Caller

SLOW = Settings(steps=100)


@pytest.fixture
def client(faking: House) -> Iterator[Client]:
    with faking.client() as client:
        yield client


def drawn(client: Client, batch: str) -> BatchDetail:
    """Wait until nothing of a batch is open; return it."""

    def finished() -> BatchDetail | None:
        detail = client.batch(batch)
        return None if {"queued", "running"} & detail.batch.states.keys() else detail

    return wait_until(finished)


# ---------------------------------------------------------------- versions


def test_a_client_of_a_later_version_is_told_what_the_daemon_speaks(client: Client) -> None:
    with pytest.raises(VersionMismatch, match=r"^This daemon speaks protocol 1, the client 2 to 3: update the older"):
        client.ask(protocol.Hello(proto_min=2, proto_max=3))


def test_a_client_that_speaks_several_versions_is_answered_with_the_daemon_s(client: Client) -> None:
    assert client.ask(protocol.Hello(proto_min=1, proto_max=9)).proto == 1


def test_a_client_of_today_is_told_by_a_daemon_of_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 says hello without naming its version: that must mean 1 for ever."""
    today = decode_request("hello", encode(protocol.Hello(client="of today"))[1])
    monkeypatch.setattr(protocol, "VERSION", 2)
    tomorrow = Requests.__new__(Requests)

    with pytest.raises(VersionMismatch, match="speaks protocol 2, the client 1 to 1"):
        tomorrow._welcome(today, Caller(b"", Peer("admin")))


# ---------------------------------------------------------------- looking


def test_the_status_says_how_the_daemon_is(client: Client, faking: House) -> None:
    status = client.status()

    assert status.pid == faking.pid
    assert status.model.name == "starter"
    assert set(status.jobs) == {state.value for state in State}
    assert status.data_dir == str(faking.paths.data_dir)
    assert status.disk_free > 0


def test_the_shipped_sets_are_listed_without_problems(client: Client) -> None:
    found = {entry.id: entry.cards for entry in client.sets().sets}

    assert found["zodiac"] == 12
    assert not any(entry.problems for entry in client.sets().sets)


def test_a_set_is_shown_by_the_beginning_of_its_name(client: Client) -> None:
    detail = client.show_set("zod")

    assert detail.info.id == "zodiac"
    assert [card.index for card in detail.cards] == list(range(1, 13))


def test_a_set_that_is_not_there_is_told_with_the_nearest(client: Client) -> None:
    with pytest.raises(NotFound, match="zodiac"):
        client.show_set("zodaic")


def test_the_doctor_looks_at_everything(client: Client) -> None:
    assert {check.level for check in client.doctor().checks} <= {"ok", "warn", "fail"}


def test_the_same_seed_makes_up_the_same_themes(client: Client) -> None:
    made = client.themes(5)

    assert client.themes(5, made.seed) == made
    assert len(set(made.themes)) == 5


# ---------------------------------------------------------------- LoRAs


@pytest.fixture
def library(faking: House) -> Iterator[Path]:
    folder = faking.paths.data_dir / "loras"
    write_lora(folder / "cards" / "Ink.safetensors", cross_attention(128))
    write_lora(folder / "Photo.safetensors", cross_attention(768))
    write_lora(folder / "Odd.safetensors", pair("lora_unet_x", 32, 32))
    yield folder
    shutil.rmtree(folder)


def test_loras_are_listed_and_shown_as_the_folder_is_now(client: Client, library: Path) -> None:
    write_lora(library / "New.safetensors", cross_attention(2048))

    found = client.loras()

    own = {info.name: info.base for info in found.loras if not (SHIPPED / f"{info.name}.safetensors").exists()}
    assert own == {"New": "sdxl", "Odd": "unknown", "Photo": "sd1", "Ink": "starter"}
    assert found.folder == str(library)
    assert client.lora("ink").info in found.loras
    assert client.lora("ink").sha256 == hashlib.sha256((library / "cards" / "Ink.safetensors").read_bytes()).hexdigest()
    with pytest.raises(LoraError, match='Did you mean "Photo"'):
        client.lora("phto")


@pytest.mark.usefixtures("library")
def test_the_library_is_read_in_pages_by_path(client: Client) -> None:
    names, after = [], None
    while page := client.loras(limit=2, after=after).loras:
        names.append([info.name for info in page])
        after = client.loras(limit=2, after=after).after
        if after is None:
            break

    assert [len(page) for page in names[:-1]] == [2] * (len(names) - 1)
    assert [name for page in names for name in page] == [info.name for info in client.loras().loras]
    assert [name for page in names for name in page if name in {"Odd", "Photo", "Ink"}] == ["Odd", "Photo", "Ink"]


def test_a_new_lora_is_told_to_who_follows(client: Client, library: Path) -> None:
    events = client.events()
    next(events)
    write_lora(library / "Fresh.safetensors", cross_attention(128))

    changes = (message.body for message in events if isinstance(message, Event))
    told = next(body for body in changes if isinstance(body, protocol.LorasChanged) and "Fresh" in body.added)

    assert "Fresh" not in told.removed


# ---------------------------------------------------------------- saved mixes


@pytest.fixture
def gothic(client: Client, library: Path) -> protocol.MixInfo:
    write_lora(library / "Gold.safetensors", cross_attention(128))
    client.note_lora("gold", weight=0.3)
    return client.save_mix("card-gothic", [LoraWeight("ink", 0.6), LoraWeight("gold", noted=True)])


def test_a_mix_is_saved_with_exact_weights_and_listed(client: Client, gothic: protocol.MixInfo) -> None:
    assert gothic.mix == (LoraWeight("Ink", 0.6), LoraWeight("Gold", 0.3))
    assert client.mixes().mixes == (gothic,)
    assert client.mix("Card-Gothic") == gothic


@pytest.mark.usefixtures("gothic")
def test_a_mix_is_drawn_with_by_name_and_its_batch_remembers_it(client: Client) -> None:
    settings = Settings(mix=(LoraWeight("card-gothic", 0.5), LoraWeight("odd", 0.1)), steps=1)
    plan = client.plan("zodiac", settings=settings, cards=[1])
    dealt = client.deal("zodiac", settings=settings, cards=[1])
    client.delete_mix("card-gothic")

    (job,) = client.jobs(batch_id=dealt.batch.id).jobs
    assert [(lora.name, lora.weight) for lora in job.spec.mix] == [("Ink", 0.3), ("Gold", 0.15), ("Odd", 0.1)]
    assert all(len(lora.sha256) == 64 for lora in job.spec.mix)
    assert job.spec.mix == plan.cards[0].mix
    assert client.batch(dealt.batch.id).batch.mixes == ("card-gothic",)
    assert client.generate("a fox", 1, Settings(steps=1)).batch.mixes == ()


def test_a_set_and_its_rows_may_name_mixes(client: Client, faking: House, gothic: protocol.MixInfo) -> None:
    folder = faking.paths.config_file.parent / "sets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("comets:\n  loras:\n  - path: card-gothic\n")
    (folder / "comets.csv").write_text("name,loras\nHalley,\nEncke,card-gothic:0.5 Odd:0.2\n")
    try:
        plan = client.plan("comets")
        batch = client.deal("comets", settings=Settings(steps=1)).batch
    finally:
        shutil.rmtree(folder)

    weights = [[(lora.name, lora.weight) for lora in card.mix] for card in plan.cards]
    assert weights == [[("Ink", 0.6), ("Gold", 0.3)], [("Ink", 0.3), ("Gold", 0.15), ("Odd", 0.2)]]
    assert batch.mixes == (gothic.name,)


@pytest.mark.usefixtures("gothic")
def test_trigger_words_come_with_a_lora_and_go_with_it(client: Client) -> None:
    client.note_lora("ink", trigger="ink wash")
    mixes = ((LoraWeight("card-gothic"),), (LoraWeight("ink", 0.0),), ())
    dealt = [client.generate("a fox, <trigger>", 1, Settings(steps=1, mix=mix)).batch.id for mix in mixes]
    prompts = [client.jobs(batch_id=batch).jobs[0].spec.prompt for batch in dealt]
    (card,) = client.plan("zodiac", settings=Settings(mix=(LoraWeight("ink"),)), cards=[1]).cards

    assert prompts == ["a fox, ink wash", "a fox", "a fox"]
    assert (card.triggers, card.missing) == (("ink wash",), ("ink wash",))


@pytest.mark.usefixtures("gothic")
def test_a_mix_is_renamed_and_each_change_is_told(client: Client) -> None:
    events = client.events()
    next(events)
    assert client.rename_mix("card-gothic", "dark").name == "dark"
    client.delete_mix("dark")

    changes = (message.body for message in events if isinstance(message, Event))
    told = (body for body in changes if isinstance(body, protocol.MixesChanged))
    assert [next(told).names, next(told).names] == [("card-gothic", "dark"), ("dark",)]


@pytest.mark.usefixtures("gothic")
@pytest.mark.parametrize("name", ["ink", "two words"])
def test_a_mix_may_not_be_called_as_a_lora_or_anyhow(client: Client, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        client.save_mix(name, [LoraWeight("Gold")])
    with pytest.raises(Invalid, match="name"):
        client.rename_mix("card-gothic", name)


@pytest.mark.usefixtures("gothic")
def test_a_mix_of_a_lora_that_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(LoraError, match='There is no LoRA "Silver"'):
        client.save_mix("silver", [LoraWeight("Silver")])


def test_a_note_is_kept_beside_its_lora(client: Client, library: Path) -> None:
    client.note_lora("ink", trigger="ink wash", weight=0.7)
    detail = client.note_lora("ink", notes="Quiet.")

    assert (detail.info.trigger, detail.info.weight, detail.notes) == ("ink wash", 0.7, "Quiet.")
    assert client.lora("ink") == detail
    assert (library / "cards" / "Ink.json").is_file()


@pytest.mark.usefixtures("library")
def test_a_lora_of_another_base_is_refused_before_anything_is_accepted(client: Client) -> None:
    settings, before = Settings(mix=(LoraWeight("photo"),), steps=1), sum(client.status().jobs.values())
    refused = [
        lambda: client.plan("zodiac", "at sea", settings),
        lambda: client.deal("zodiac", "at sea", settings),
        lambda: client.generate("a fox", 1, settings),
    ]

    for ask in refused:
        with pytest.raises(LoraError, match=r'"Photo" is for Stable Diffusion 1\.5 .*which the model "starter" is not'):
            ask()
    assert sum(client.status().jobs.values()) == before


@pytest.mark.usefixtures("library")
def test_a_lora_whose_base_is_unknown_passes_with_a_warning(client: Client) -> None:
    settings = Settings(mix=(LoraWeight("ink", 0.5), LoraWeight("odd")), steps=1)
    plan = client.plan("zodiac", "at sea", settings, [1])

    assert [lora.name for lora in plan.cards[0].mix] == ["Ink", "Odd"]
    assert [warning for warning in plan.warnings if "LoRA" in warning] == [
        'Nothing tells which model the LoRA "Odd" is for: it may not fit this one.'
    ]
    assert client.deal("zodiac", "at sea", settings, [1]).warnings == plan.warnings
    assert any("LoRA" in warning for warning in client.generate("a ram", 1, settings).warnings)


# ---------------------------------------------------------------- planning and dealing


def test_a_deal_does_what_its_plan_said(client: Client) -> None:
    settings = Settings(seed=40, steps=2, guidance_scale=4.0)
    plan = client.plan("zodiac", "at sea", settings, [2, 5])
    dealt = client.deal("zodiac", "at sea", settings, [2, 5])

    jobs = sorted(client.jobs(batch_id=dealt.batch.id).jobs, key=lambda job: job.id)
    assert [(card.prompt, card.seed) for card in plan.cards] == [(job.spec.prompt, job.spec.seed) for job in jobs]
    assert [job.spec.seed for job in jobs] == [41, 44]
    assert {(job.spec.steps, job.spec.guidance_scale, job.spec.width) for job in jobs} == {(2, 4.0, plan.width)}


def test_a_deal_is_drawn_and_every_slot_has_its_pick(client: Client) -> None:
    detail = drawn(client, client.deal("zodiac", "at sea").batch.id)

    assert detail.batch.takes == detail.batch.slots == 12
    assert all(slot.pick == slot.takes[0].id for slot in detail.slots)
    assert all((Path(detail.batch.folder) / slot.takes[0].file).is_file() for slot in detail.slots)


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


@pytest.mark.parametrize("ask", ["delete", "restore"])
def test_takes_or_a_batch_must_be_named(client: Client, ask: str) -> None:
    with pytest.raises(Invalid, match="Name either takes or one batch"):
        getattr(client, ask)()
    with pytest.raises(NotFound, match="There is no take 999999"):
        getattr(client, ask)([999_999])


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


# ---------------------------------------------------------------- more takes


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


# ---------------------------------------------------------------- cancel and retry


def test_a_whole_batch_is_cancelled_what_waits_at_once_and_what_runs_between_two_steps(client: Client) -> None:
    dealt = client.deal("zodiac", "SLOW", SLOW)
    wait_until(lambda: client.batch(dealt.batch.id).batch.states.get("running"))
    done = client.cancel(batch_id=dealt.batch.id)

    assert sorted(done.cancelled + done.stopping) == list(dealt.jobs)
    assert done.stopping
    assert drawn(client, dealt.batch.id).batch.states == {"cancelled": 12}


def test_what_was_cancelled_can_be_queued_again(client: Client) -> None:
    blocker = client.generate("SLOW", settings=SLOW)
    job = client.generate("a fox").jobs[0]
    client.cancel([job])
    client.cancel(blocker.jobs)

    assert client.retry([job]).jobs == (job,)
    wait_until(lambda: client.jobs([State.DONE]).jobs[0].id == job)


def test_what_is_done_cannot_be_queued_again(client: Client) -> None:
    dealt = client.generate("a fox")
    drawn(client, dealt.batch.id)

    with pytest.raises(WrongState, match="is done"):
        client.retry(dealt.jobs)
    assert client.cancel(dealt.jobs).ended == dealt.jobs


@pytest.mark.parametrize("ask", ["cancel", "retry", "hold", "release"])
def test_jobs_or_a_batch_must_be_named_and_not_both(client: Client, ask: str) -> None:
    method = getattr(client, ask)
    with pytest.raises(Invalid, match="either jobs or one batch"):
        method()
    with pytest.raises(Invalid, match="either jobs or one batch"):
        method([1], "last")


def test_a_job_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.cancel([10**9])


def test_all_that_failed_is_queued_again(client: Client) -> None:
    failed = client.deal("zodiac", "FAIL", cards=[1, 2])
    drawn(client, failed.batch.id)

    assert set(failed.jobs) <= set(client.retry(failed=True).jobs)
    drawn(client, failed.batch.id)


# ---------------------------------------------------------------- steering the queue


@pytest.fixture
def paused(client: Client) -> Iterator[Client]:
    """A client of a daemon whose queue is paused and empty."""
    client.pause()
    yield client
    waiting = [job.id for job in client.queue(1000).jobs]
    if waiting:
        client.cancel(waiting)
    client.resume()


def queue(client: Client) -> list[int]:
    return [job.id for job in client.queue(1000).jobs]


def test_a_paused_queue_takes_work_and_draws_none_until_it_is_resumed(client: Client) -> None:
    client.pause()
    dealt = client.deal("zodiac", cards=[1])
    assert client.status().paused
    assert client.queue().paused
    assert client.batch(dealt.batch.id).batch.states == {"queued": 1}

    client.resume()
    assert drawn(client, dealt.batch.id).batch.states == {"done": 1}
    assert not client.status().paused


def test_to_pause_at_once_stops_what_is_drawn_and_keeps_it(client: Client) -> None:
    (job,) = client.generate("SLOW", settings=SLOW).jobs
    wait_until(lambda: client.jobs([State.RUNNING]).jobs)
    client.pause(now=True)
    wait_until(lambda: client.queue().jobs[0].state is State.QUEUED)

    assert [(found.id, found.attempts) for found in client.queue().jobs] == [(job, 0)]
    client.cancel([job])
    client.resume()


def test_a_few_pictures_go_ahead_of_a_deck_and_many_do_not(paused: Client) -> None:
    deck = paused.deal("zodiac", cards=[1, 2])
    many = paused.generate("many", A_FEW + 1)
    few = paused.generate("few", 2)
    again = paused.reroll(deck.batch.id, [2])

    assert queue(paused) == [*few.jobs, *again.jobs, *deck.jobs, *many.jobs]


def test_a_priority_that_is_asked_for_is_given(paused: Client) -> None:
    low = paused.generate("low", priority=-5)
    deck = paused.deal("zodiac", cards=[1])
    high = paused.deal("zodiac", cards=[1], priority=50)

    assert queue(paused) == [*high.jobs, *deck.jobs, *low.jobs]


def test_clients_of_different_names_take_turns(paused: Client, faking: House) -> None:
    many = paused.deal("zodiac", cards=[1, 2, 3]).jobs
    with Client.connect(faking.paths, name="other") as other:
        few = other.deal("zodiac", cards=[1, 2]).jobs

    assert queue(paused) == [many[0], few[0], many[1], few[1], many[2]]


def test_jobs_and_batches_are_moved(paused: Client) -> None:
    first = paused.deal("zodiac", cards=[1, 2]).jobs
    second = paused.deal("zodiac", cards=[1, 2])

    assert paused.move(batch_id=second.batch.id, end="top").jobs == second.jobs
    assert queue(paused) == [*second.jobs, *first]
    paused.move([first[1]], before=second.jobs[1])
    assert queue(paused) == [second.jobs[0], first[1], second.jobs[1], first[0]]
    paused.move([second.jobs[0]], end="bottom")
    assert queue(paused) == [first[1], second.jobs[1], first[0], second.jobs[0]]


def test_what_is_moved_is_drawn_in_its_new_order(house: House) -> None:
    house.with_fake_worker(generation="{batch_size: 1}").start()
    with house.client() as client:
        client.pause()
        dealt = client.deal("zodiac", cards=[1, 2, 3])
        client.move([dealt.jobs[2]], end="top")
        client.set_priority(5, [dealt.jobs[1]])
        order = queue(client)
        client.resume()
        drawn(client, dealt.batch.id)

        started = sorted(client.jobs(batch_id="last").jobs, key=lambda job: job.started_at or 0)
        assert [job.id for job in started] == order == [dealt.jobs[1], dealt.jobs[2], dealt.jobs[0]]


def test_a_place_must_be_named_and_only_one(paused: Client) -> None:
    (job,) = paused.generate("a fox").jobs
    with pytest.raises(Invalid, match="Say where to"):
        paused.move([job])
    with pytest.raises(Invalid, match="Say where to"):
        paused.move([job], end="top", before=job)


def test_a_deck_can_be_held_and_released(client: Client) -> None:
    dealt = client.deal("zodiac", cards=[1, 2], hold=True)
    assert client.batch(dealt.batch.id).batch.states == {"held": 2}
    assert client.complete(dealt.batch.id).jobs == ()

    assert client.release(batch_id=dealt.batch.id).jobs == dealt.jobs
    assert drawn(client, dealt.batch.id).batch.states == {"done": 2}


def test_a_waiting_job_can_be_held_and_is_then_passed_over(paused: Client) -> None:
    dealt = paused.deal("zodiac", cards=[1, 2])
    assert paused.hold(dealt.jobs[:1]).jobs == dealt.jobs[:1]
    paused.resume()

    assert drawn(paused, dealt.batch.id).batch.states == {"held": 1, "done": 1}
    paused.cancel(batch_id=dealt.batch.id)
    assert paused.batch(dealt.batch.id).batch.states == {"cancelled": 1, "done": 1}


def test_the_queue_is_read_page_by_page(paused: Client) -> None:
    jobs = paused.deal("zodiac").jobs
    found: list[int] = []
    page = paused.queue(5)
    while page.after:
        found += [job.id for job in page.jobs]
        page = paused.queue(5, page.after)

    assert (*found, *(job.id for job in page.jobs)) == jobs


def test_pause_order_and_holds_outlive_a_kill(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        client.pause()
        dealt = client.deal("zodiac", cards=[1, 2, 3, 4])
        client.move([dealt.jobs[3]], end="top")
        client.hold([dealt.jobs[1]])
        before = queue(client)
        house.kill()
        house.start()

        assert client.status().paused
        assert queue(client) == before == [dealt.jobs[3], dealt.jobs[0], dealt.jobs[2]]
        client.resume()
        assert drawn(client, dealt.batch.id).batch.states == {"done": 3, "held": 1}


def test_a_daemon_may_start_paused(house: House) -> None:
    house.with_fake_worker(daemon="{start_paused: true}").start()
    with house.client() as client:
        assert client.status().paused
        client.resume()
        assert not client.status().paused


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


# ---------------------------------------------------------------- configuration


def test_a_setting_is_changed_at_once_and_taken_back(client: Client, faking: House) -> None:
    assert client.set_config("generation.steps", "3").values["generation"]["steps"] == 3
    assert client.plan("zodiac").cards[0].steps == 3
    assert "steps: 3" in faking.paths.config_file.read_text()

    assert client.set_config("generation.steps").values["generation"]["steps"] is None


def test_a_setting_that_waits_for_a_restart_says_so(client: Client) -> None:
    assert client.set_config("hardware.threads", "1").restart_needed
    client.set_config("hardware.threads")


def test_a_wrong_setting_is_refused_and_nothing_changes(client: Client) -> None:
    before = client.config()

    with pytest.raises(Invalid, match="151"):
        client.set_config("generation.steps", "151")
    assert client.config().values == before.values


@pytest.mark.parametrize("name", ["/etc", "../models/mine", "~/mine", "loras/mine.safetensors", "/a/b.safetensors"])
def test_a_request_cannot_name_a_file_of_the_daemons_machine(client: Client, name: str) -> None:
    with pytest.raises(ModelError, match=r"set model\.default"):
        client.generate("fox", settings=Settings(model=name))


def test_the_queue_takes_no_more_than_its_limit(house: House) -> None:
    house.with_fake_worker(daemon="{queue_limit: 12}").start()
    with house.client() as client:
        client.deal("zodiac", "SLOW", SLOW)
        with pytest.raises(Full, match="12 more do not fit") as caught:
            client.deal("zodiac", "SLOW", SLOW)

        assert caught.value.retry == "later"
        assert len(client.batches().batches) == 1


def test_a_model_that_is_not_there_leaves_the_daemon_answering(house: House) -> None:
    house.with_fake_worker(model="{default: ./gone}").start()
    with house.client() as client:
        status = client.status()
        assert (status.model.name, status.model.present) == ("./gone", False)
        assert client.doctor().checks
        with pytest.raises(ModelError):
            client.deal("zodiac")
        wait_until(lambda: client.status().worker.phase == "idle")
        assert drawn(client, client.deal("zodiac", settings=Settings(model="starter")).batch.id).batch.takes == 12


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

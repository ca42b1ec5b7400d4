"""LoRAs and saved mixes, asked of a real daemon."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House
from lora_files import cross_attention, pair, write_lora

from imagineerd import protocol
from imagineerd.client import Client, Event
from imagineerd.errors import Invalid, LoraError
from imagineerd.jobs import LoraWeight
from imagineerd.lora.library import SHIPPED
from imagineerd.protocol import Settings


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
@pytest.mark.parametrize("name", ["ink", "two: words"])
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

"""A grid is drawn as one batch, and its sheet is there when it ends, whoever waits for it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, wait_until
from lora_files import cross_attention, write_lora
from PIL import Image

from imagineerd.client import Client
from imagineerd.errors import Invalid, LoraError, NotFound
from imagineerd.jobs import LoraWeight, State
from imagineerd.protocol import BatchDetail, LoraAxis, SeedAxis, Settings, StepsAxis, ThemeAxis

INK = LoraAxis(lora="Ink", values=(0.0, 0.5, 1.0))
STEPS = StepsAxis(values=(1, 2))


@pytest.fixture
def client(faking: House) -> Iterator[Client]:
    with faking.client() as client:
        yield client


@pytest.fixture
def library(faking: House) -> Iterator[Path]:
    folder = faking.paths.data_dir / "loras"
    for name in ("Ink", "Gold"):
        write_lora(folder / f"{name}.safetensors", cross_attention(128))
    yield folder
    shutil.rmtree(folder)


def ended(client: Client, batch: str) -> BatchDetail:
    def look() -> BatchDetail | None:
        detail = client.batch(batch)
        return None if {"queued", "running"} & detail.batch.states.keys() else detail

    return wait_until(look)


def sheet_of(detail: BatchDetail) -> Path:
    return Path(detail.batch.folder) / "sheet.png"


@pytest.mark.usefixtures("library")
def test_a_grid_is_one_batch_with_a_slot_for_each_cell(client: Client) -> None:
    dealt = client.grid([INK, STEPS], prompt="a fox", settings=Settings(seed=5, mix=(LoraWeight("Gold", 0.2),)))

    jobs = {job.slot: job.spec for job in client.jobs(batch_id=dealt.batch.id).jobs}
    assert dealt.batch.id.startswith("grid_")
    assert client.batch(dealt.batch.id).batch.grid == (INK, STEPS)
    assert [[(lora.name, lora.weight) for lora in jobs[slot].mix] for slot in (1, 3)] == [
        [("Gold", 0.2), ("Ink", 0.0)],
        [("Gold", 0.2), ("Ink", 1.0)],
    ]
    assert {spec.seed for spec in jobs.values()} == {5}
    assert [jobs[slot].name for slot in (1, 6)] == ["Ink 0, 1 steps", "Ink 1, 2 steps"]


@pytest.mark.usefixtures("library")
def test_its_jobs_are_queued_mix_by_mix(client: Client) -> None:
    dealt = client.grid([INK, STEPS], prompt="a fox")

    jobs = sorted(client.jobs(batch_id=dealt.batch.id).jobs, key=lambda job: job.id)
    assert [(job.spec.mix[0].weight, job.slot) for job in jobs] == [
        (0.0, 1), (0.0, 4), (0.5, 2), (0.5, 5), (1.0, 3), (1.0, 6),
    ]  # fmt: skip


def test_the_sheet_is_there_when_the_last_cell_has_ended_though_nobody_asked(client: Client) -> None:
    dealt = client.grid([STEPS, SeedAxis(values=(1, 2))], set_id="zodiac", card=3, theme="at sea")
    detail = ended(client, dealt.batch.id)

    wait_until(sheet_of(detail).exists)

    assert detail.batch.title == "Zodiac: Gemini"
    with Image.open(sheet_of(detail)) as image:
        assert image.format == "PNG"


def test_the_sheet_is_fetched_like_a_picture_and_shows_the_picks(client: Client) -> None:
    batch = client.grid([SeedAxis(values=(1, 2))], prompt="a fox").batch.id
    ended(client, batch)
    before = client.sheet(batch)
    client.reroll(batch, [1], seed=200)
    slot = ended(client, batch).slots[0]
    assert client.sheet(batch) == before

    client.pick(slot.takes[-1].id)
    after = client.sheet(batch)

    assert len(slot.takes) == 2
    assert after != before
    assert Image.open(io.BytesIO(after)).size == Image.open(io.BytesIO(before)).size


def test_a_pick_that_changes_draws_the_sheet_anew_by_itself(client: Client) -> None:
    batch = client.grid([SeedAxis(values=(1, 2))], prompt="a fox").batch.id
    ended(client, batch)
    client.reroll(batch, [1], seed=200)
    detail = ended(client, batch)
    before = client.sheet(batch)
    client.pick(detail.slots[0].takes[-1].id)

    assert wait_until(lambda: sheet_of(detail).read_bytes() != before)


def test_a_cell_whose_picture_is_deleted_leaves_its_place_until_it_is_restored(client: Client) -> None:
    batch = client.grid([SeedAxis(values=(1, 2))], prompt="a fox").batch.id
    detail = ended(client, batch)
    before, takes = client.sheet(batch), [detail.slots[0].takes[0].id]
    client.delete(takes)
    assert wait_until(lambda: sheet_of(detail).read_bytes() != before)

    client.restore(takes)
    assert wait_until(lambda: sheet_of(detail).read_bytes() == before)


def test_a_cell_that_failed_leaves_its_place(client: Client) -> None:
    themes = ThemeAxis(values=("at sea", "FAIL"))
    detail = ended(client, client.grid([themes], set_id="zodiac", card=1).batch.id)

    assert [slot.state for slot in detail.slots] == [State.DONE, State.FAILED]
    assert client.sheet(detail.batch.id)


def test_a_batch_that_is_no_grid_has_no_sheet(client: Client) -> None:
    batch = client.generate("a fox", 1, Settings(steps=1)).batch.id

    with pytest.raises(NotFound, match="is no grid and has no contact sheet"):
        client.sheet(batch)


def test_what_makes_no_grid_is_refused_before_anything_is_accepted(client: Client) -> None:
    before = sum(client.status().jobs.values())

    with pytest.raises(Invalid, match="has 420 cells"):
        client.grid([SeedAxis(values=tuple(range(420)))], prompt="a fox")
    with pytest.raises(LoraError, match='no LoRA "Silver"'):
        client.grid([LoraAxis(lora="Silver", values=(0.0, 1.0))], prompt="a fox")
    with pytest.raises(NotFound, match="has no card 13"):
        client.grid([STEPS], set_id="zodiac", card=13)
    assert sum(client.status().jobs.values()) == before

"""The whole ring: the daemon, the real worker, the starter model, and a deck of cards that can be looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from house import House, wait_until
from PIL import Image
from safetensors.numpy import save_file

from imagineerd.client import Client
from imagineerd.jobs import LoraWeight, State
from imagineerd.protocol import BatchDetail, DeviceWorker, Settings

QUICK = Settings(steps=4, seed=1000)
DRAW_S = 120.0


@pytest.fixture(scope="module")
def deck(running: House) -> BatchDetail:
    """The zodiac, dealt and drawn."""
    with running.client() as client:
        batch = client.deal("zodiac", "gold on black", QUICK).batch.id
        wait_until(lambda: client.batch(batch).batch.takes == 12, DRAW_S)
        return client.batch(batch)


@pytest.fixture
def client(running: House) -> Iterator[Client]:
    with running.client() as client:
        yield client


def files_of(deck: BatchDetail) -> list[Path]:
    return [Path(deck.batch.folder) / slot.takes[0].file for slot in deck.slots]


def test_every_card_is_a_picture_of_the_model_s_own_size(client: Client, deck: BatchDetail) -> None:
    size = client.plan("zodiac", settings=QUICK).width, client.plan("zodiac", settings=QUICK).height

    for path in files_of(deck):
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.size) == ("PNG", size)
    assert size in client.status().model.sizes


def test_every_card_differs(deck: BatchDetail) -> None:
    assert len({slot.takes[0].sha256 for slot in deck.slots}) == 12


def test_beside_every_card_stands_how_it_was_made(deck: BatchDetail) -> None:
    for slot, path in zip(deck.slots, files_of(deck), strict=True):
        about = json.loads(path.with_suffix(".json").read_bytes())
        assert (about["seed"], about["steps"], about["batch"]) == (999 + slot.index, 4, deck.batch.id)
        assert (about["slot"], about["name"], about["model"]) == (slot.index, slot.name, "starter")
        with Image.open(path) as image:
            assert json.loads(image.text["imagineer"]) == about  # type: ignore[attr-defined]


def test_every_card_has_a_thumbnail(client: Client, deck: BatchDetail) -> None:
    for slot in deck.slots:
        with Image.open(BytesIO(client.picture(slot.takes[0].id, "thumb"))) as image:
            image.load()
            assert image.format == "JPEG"


def test_a_picture_comes_over_the_wire_as_it_lies_on_disk(client: Client, deck: BatchDetail) -> None:
    for slot, path in zip(deck.slots, files_of(deck), strict=True):
        assert client.picture(slot.takes[0].id) == path.read_bytes()


def test_nothing_else_lies_in_the_folder(deck: BatchDetail) -> None:
    folder = Path(deck.batch.folder)

    assert len(list(folder.iterdir())) == 2 * 12 + 1
    assert len(list((folder / ".thumbs").iterdir())) == 12


def test_the_same_seed_draws_the_same_card_again(client: Client, deck: BatchDetail) -> None:
    again = client.deal("zodiac", "gold on black", QUICK).batch.id
    wait_until(lambda: client.batch(again).batch.takes == 12, DRAW_S)

    pixels = [[Image.open(path).tobytes() for path in files_of(dealt)] for dealt in (deck, client.batch(again))]
    assert pixels[0] == pixels[1]


KEY = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"


def write_lora(path: Path, value: float) -> None:
    """Write a LoRA for one matrix of the starter model."""
    down, up = np.ones((4, 128), np.float16), np.full((112, 4), value, np.float16)
    path.parent.mkdir(exist_ok=True)
    save_file(
        {f"{KEY}.lora_down.weight": down, f"{KEY}.lora_up.weight": up, f"{KEY}.alpha": np.array(4.0, np.float32)}, path
    )


def test_a_broken_lora_fails_its_own_card_with_a_sentence_and_the_queue_goes_on(running: House, client: Client) -> None:
    folder = running.paths.data_dir / "loras"
    write_lora(folder / "Good.safetensors", 0.05)
    write_lora(folder / "Broken.safetensors", float("nan"))

    def draw(*mix: LoraWeight) -> int:
        return client.generate("ace of hearts", settings=Settings(steps=4, seed=3, mix=mix)).jobs[0]

    mixes = {
        "base": (),
        "broken": (LoraWeight("Broken"),),
        "good": (LoraWeight("Good"),),
        "off": (LoraWeight("Good", 0.0),),
    }
    numbers = {draw(*mix): name for name, mix in mixes.items()}
    wait_until(lambda: all(job.ended_at for job in client.jobs(limit=len(numbers)).jobs), DRAW_S)
    jobs = {numbers[job.id]: job for job in client.jobs(limit=len(numbers)).jobs}

    assert {name for name, job in jobs.items() if job.state is State.DONE} == {"base", "good", "off"}
    assert jobs["broken"].error is not None
    module = KEY.removeprefix("lora_")
    assert jobs["broken"].error.message == f'The LoRA "Broken" is damaged: {module} holds NaN or infinity.'
    drawn = {name: Image.open(BytesIO(client.picture(job.take))) for name, job in jobs.items() if job.take is not None}
    assert drawn["base"].tobytes() == drawn["off"].tobytes() != drawn["good"].tobytes()
    assert [json.loads(drawn[name].text["imagineer"])["mix"][0]["applied"] for name in ("good", "off")] == [1.0, 0.0]


def test_killed_in_the_middle_a_deck_is_completed_and_no_card_is_drawn_twice(running: House) -> None:
    with running.client() as client:
        batch = client.deal("zodiac", "ocean", Settings(steps=8, seed=5)).batch.id
        wait_until(lambda: client.batch(batch).batch.takes >= 1, DRAW_S)
        running.kill()
        running.start()
        cancelled = client.cancel(batch_id=batch)
        assert cancelled.cancelled + cancelled.stopping
        wait_until(lambda: not {"queued", "running"} & client.batch(batch).batch.states.keys(), DRAW_S)
        before = client.batch(batch)
        client.complete(batch)
        wait_until(lambda: client.batch(batch).batch.states == {"done": 12}, DRAW_S)
        after = client.batch(batch)

    assert [len(slot.takes) for slot in after.slots] == [1] * 12
    assert [slot.takes[0].seed for slot in after.slots] == list(range(5, 17))
    kept = [slot.takes for slot in before.slots if slot.state is State.DONE]
    assert [slot.takes for slot in after.slots if slot.takes in kept] == kept
    assert len(list(Path(after.batch.folder).glob("*.png"))) == 12


def drawn_on(house: House, device: str) -> tuple[list[bytes], list[float]]:
    """Draw four cards picture by picture; return their pixels, and of each worker the speed that it measured."""
    house.configured(hardware=f"{{device: '{device}', threads: 1}}", generation="{batch_size: 1, reuse: false}").start()
    with house.client() as client:
        client.pause()
        wait_until(lambda: [each.phase for each in workers_of(client)] == ["idle"] * len(device.split(",")), DRAW_S)
        batch = client.deal("zodiac", "gold on black", QUICK, cards=(1, 2, 3, 4)).batch.id
        client.resume()
        wait_until(lambda: client.batch(batch).batch.takes == 4, DRAW_S)
        files = files_of(client.batch(batch))
        return [Image.open(path).tobytes() for path in files], [each.seconds_per_step for each in workers_of(client)]


def workers_of(client: Client) -> tuple[DeviceWorker, ...]:
    worker = client.status().worker
    return worker.workers or (worker,)


def test_two_workers_share_a_deck_and_draw_the_same_bits_as_one(house: House) -> None:
    alone, _ = drawn_on(house, "cpu")
    house.stop()
    shared, speeds = drawn_on(house, "cpu, cpu")

    assert shared == alone
    assert len(speeds) == 2
    assert all(speeds)

"""What is known of a take comes from its row and its sidecar; a lost sidecar loses nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import decks
import msgspec
import pytest

from imagineerd.jobs import LoraWeight
from imagineerd.protocol import MixedLora, Settings, TakeDetail
from imagineerd.store import Store
from imagineerd.takes import Sidecar, detail, read_sidecar, settings_of
from imagineerd.trash import Trash

ABOUT = {
    "version": 1, "job": 1, "batch": "tarot", "slot": 1, "seed": 1,
    "mix": [{"name": "Ink", "weight": 0.7, "sha256": "ab", "autov3": "cd", "applied": 0.75}],
    "model_revision": "9d104f", "device": "cuda", "device_name": "A GPU", "dtype": "float16", "batch_size": 4,
    "versions": {"torch": "2.13"},
}  # fmt: skip


def known(tmp_path: Path, sidecar: str | None, *, deleted: bool = False) -> TakeDetail:
    """Return what is known of a take whose sidecar has this content."""

    async def work(store: Store) -> TakeDetail:
        await store.submit_batch(decks.deck("tarot", tmp_path), None, 100, 1.0)
        await store.claim([1], 2.0)
        await store.finish(1, 1, decks.picture("01_fool.png"), 3.0)
        home = tmp_path / "tarot"
        (home / ".thumbs").mkdir(parents=True)
        (home / ".thumbs" / "01_fool.jpg").write_bytes(b"small")
        (home / "01_fool.png").write_bytes(b"large")
        if sidecar is not None:
            (home / "01_fool.json").write_text(sidecar)
        trash = Trash(store, tmp_path / "trash")
        if deleted:
            await trash.delete([1], None)
        return await detail(store, trash, 1)

    return decks.with_store(tmp_path / "queue.db", work)


@pytest.mark.parametrize("deleted", [False, True])
def test_row_and_sidecar_tell_all_that_is_known(tmp_path: Path, deleted: bool) -> None:  # noqa: FBT001
    text = json.dumps(ABOUT)

    found = known(tmp_path, text, deleted=deleted)

    assert (found.about.card, found.about.title, found.about.pick) == ("Card 1", "The tarot", not deleted)
    assert found.spec == decks.spec(1)
    assert found.mix == (MixedLora(name="Ink", weight=0.7, sha256="ab", applied=0.75),)
    assert (found.model_revision, found.device, found.device_name) == ("9d104f", "cuda", "A GPU")
    assert (found.dtype, found.batch_size, found.versions) == ("float16", 4, {"torch": "2.13"})
    assert (found.about.take.bytes, found.sidecar_bytes, found.thumb_bytes) == (1234, len(text), 5)
    assert found.seconds_per_step == 0.5 / 4
    assert found.folder == str(tmp_path / ("trash" if deleted else "tarot"))


@pytest.mark.parametrize("sidecar", [None, "", "[]", '{"mix": 3}', '{"x": ' + "[" * 100_000])
def test_without_a_sidecar_the_row_tells_the_rest(tmp_path: Path, sidecar: str | None) -> None:
    found = known(tmp_path, sidecar)

    assert (found.spec, found.mix, found.device) == (decks.spec(1), (), "")


def test_a_take_without_labels_has_no_rating(tmp_path: Path) -> None:
    take = known(tmp_path, None).about.take

    assert (take.rating, take.is_nsfw) == (None, None)


def test_the_settings_of_a_take_draw_it_again() -> None:
    spec = msgspec.structs.replace(
        decks.spec(7), negative_prompt="blurry", scheduler="euler", mix=(LoraWeight("Ink", 0.7, "ab" * 32),)
    )

    assert settings_of(spec) == Settings(
        width=64, height=96, steps=4, guidance_scale=7.5, seed=7, scheduler="euler", negative_prompt="blurry",
        mix=(LoraWeight("Ink", 0.7),), model="starter",
    )  # fmt: skip


def test_the_sidecar_that_the_worker_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({**ABOUT, "prompt": "a fox", "threads": 2}))

    assert read_sidecar(tmp_path / "a.json") == Sidecar(
        mix=(MixedLora(name="Ink", weight=0.7, sha256="ab", applied=0.75),),
        model_revision="9d104f", device="cuda", device_name="A GPU", dtype="float16", batch_size=4,
        versions={"torch": "2.13"},
    )  # fmt: skip

"""After a crash, files and rows are brought together; nothing finished is made twice, nothing is deleted but debris."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from pathlib import Path

import decks
import pytest
from PIL import Image

from imagineerd.jobs import MAX_ATTEMPTS, State
from imagineerd.store import Store, pages
from imagineerd.store.reconcile import Reconciled, reconcile

WRITTEN = 1_700_000_000.0


def write(folder: Path, stem: str, *, job: int = 1, slot: int = 1, seed: int = 1, batch: str = "tarot") -> Path:  # noqa: PLR0913
    """Put a picture and its sidecar where the worker puts them."""
    (folder / ".thumbs").mkdir(parents=True, exist_ok=True)
    about = {"version": 1, "job": job, "attempt": 1, "batch": batch, "slot": slot, "seed": seed, "duration": 0.5}
    (folder / f"{stem}.json").write_text(json.dumps(about))
    path = folder / f"{stem}.png"
    Image.new("RGB", (64, 96), (16, 32, 48)).save(path)
    os.utime(path, (WRITTEN, WRITTEN))
    return path


async def crashed(store: Store, root: Path, cards: int = 3) -> Path:
    """Leave a deck with its first job running, as a daemon does that is killed."""
    await store.submit_batch(decks.deck("tarot", root, cards), None, 100, 1.0)
    await store.claim([1], 2.0)
    return root / "tarot"


def after_a_crash(tmp_path: Path, *files: str) -> Reconciled:
    """Reconcile a deck whose first job was running when pictures of these names were on disk."""

    async def work(store: Store) -> Reconciled:
        folder = await crashed(store, tmp_path)
        for stem in files:
            write(folder, stem)
        return await reconcile(store)

    return decks.with_store(tmp_path / "queue.db", work)


# ---------------------------------------------------------------- adopting


def test_a_picture_whose_row_is_missing_finishes_its_job(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")

        done = await reconcile(store)

        (take,) = done.adopted
        assert (take.job, take.file, take.seed, take.width, take.height) == (1, "01_fool.png", 1, 64, 96)
        assert (take.bytes, take.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        assert (take.color, take.created_at, take.duration) == ("#102030", WRITTEN, 0.5)
        assert (await store.run(pages.job, 1)).state is State.DONE
        assert (await store.get_batch("tarot")).slots[0].pick == take.id
        assert await store.recover(9.0) == {}

    decks.with_store(tmp_path / "queue.db", work)


def test_reconciling_again_changes_nothing(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        write(await crashed(store, tmp_path), "01_fool")
        await reconcile(store)
        before = await store.snapshot()

        assert await reconcile(store) == Reconciled((), (), ())
        assert await store.snapshot() == before

    decks.with_store(tmp_path / "queue.db", work)


def test_a_picture_is_adopted_after_recovery_too(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        write(await crashed(store, tmp_path), "01_fool")
        await store.recover(3.0)

        assert [take.job for take in (await reconcile(store)).adopted] == [1]
        assert [entry.job for entry in await store.waiting()] == [2, 3]

    decks.with_store(tmp_path / "queue.db", work)


def test_a_held_job_is_finished_by_its_picture(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path, 1)
        await store.recover(3.0)
        for _ in range(MAX_ATTEMPTS - 1):
            (job,) = await store.claim([1], 4.0)
            await store.give_back(1, job.attempts, "It died.", 5.0, counts=True)
        assert (await store.run(pages.job, 1)).state is State.HELD
        write(folder, "01_fool")

        assert [take.job for take in (await reconcile(store)).adopted] == [1]

    decks.with_store(tmp_path / "queue.db", work)


def test_a_second_crash_amid_reconciling_is_harmless(tmp_path: Path) -> None:
    async def first(store: Store) -> None:
        folder = await crashed(store, tmp_path)
        await store.claim([2], 2.0)
        write(folder, "01_fool")
        write(folder, "02_magician", job=2, slot=2, seed=2)
        await store.adopt(1, "tarot", 1, decks.picture("01_fool.png"), WRITTEN)

    async def second(store: Store) -> None:
        assert [take.job for take in (await reconcile(store)).adopted] == [2]
        assert (await store.counts())["done"] == 2

    decks.with_store(tmp_path / "queue.db", first)
    decks.with_store(tmp_path / "queue.db", second)


def test_two_pictures_of_one_job_make_one_take(tmp_path: Path) -> None:
    done = after_a_crash(tmp_path, "01_fool", "01_fool_2")

    assert [take.file for take in done.adopted] == ["01_fool.png"]
    assert [sentence.partition(": ")[2] for sentence in done.ignored] == ["no open job asks for this picture."]
    assert (tmp_path / "tarot" / "01_fool_2.png").exists()


def test_a_picture_is_adopted_as_the_worker_would_have_reported_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    outputs = pytest.importorskip("imagineerd.worker.outputs")
    about = {
        "prompt": "", "negative_prompt": "", "steps": 4, "guidance_scale": 7.5, "seed": 1, "scheduler": "dpm++",
        "karras_sigmas": True, "width": 64, "height": 96, "mix": [], "model": "starter", "duration": 0.25,
        "job": 1, "attempt": 1, "batch": "tarot", "slot": 1,
    }  # fmt: skip

    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path)
        pixels = torch.arange(96 * 64 * 3, dtype=torch.int64).remainder(251).to(torch.uint8).reshape(96, 64, 3)
        written = outputs.write_take(folder / "01_fool", pixels, about)

        (take,) = (await reconcile(store)).adopted

        assert (take.file, take.bytes, take.sha256) == (written.path.name, written.bytes, written.sha256)
        assert (take.color, take.duration, take.width, take.height) == (written.color, 0.25, 64, 96)

    decks.with_store(tmp_path / "queue.db", work)


# ---------------------------------------------------------------- leaving alone


@pytest.mark.parametrize(
    "other", [{"job": 99}, {"slot": 2}, {"seed": 5}, {"job": 2}], ids=["job", "slot", "seed", "job of another slot"]
)
def test_a_picture_that_no_open_job_asks_for_is_left_alone(tmp_path: Path, other: dict[str, int]) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool", **other)

        done = await reconcile(store)

        assert (done.adopted, done.ignored) == ((), (f"{path}: no open job asks for this picture.",))
        assert path.exists()
        assert path.with_suffix(".json").exists()

    decks.with_store(tmp_path / "queue.db", work)


def test_a_picture_of_a_cancelled_job_is_left_alone(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        await store.stop(1, 1, 3.0)

        assert (await reconcile(store)).adopted == ()
        assert path.exists()

    decks.with_store(tmp_path / "queue.db", work)


@pytest.mark.parametrize("sidecar", [None, "", "[]", '{"job": "one"}', '{"job": 1}'])
def test_a_picture_without_a_proper_sidecar_is_left_alone(tmp_path: Path, sidecar: str | None) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        path.with_suffix(".json").unlink()
        if sidecar is not None:
            path.with_suffix(".json").write_text(sidecar)

        done = await reconcile(store)

        assert done.ignored == (f"{path}: no sidecar of this batch lies beside this picture.",)
        assert path.exists()

    decks.with_store(tmp_path / "queue.db", work)


def test_a_picture_of_another_batch_is_left_alone(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path)
        (other, *_) = (await store.submit_batch(decks.deck("zodiac", tmp_path), None, 100, 1.0)).jobs
        write(folder, "01_fool", batch="zodiac", job=other)

        done = await reconcile(store)

        assert (done.adopted, len(done.ignored)) == ((), 1)
        assert (await store.run(pages.job, other)).state is State.QUEUED

    decks.with_store(tmp_path / "queue.db", work)


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.8])
def test_a_picture_that_is_cut_short_is_left_alone(tmp_path: Path, keep: float) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])

        done = await reconcile(store)

        assert done.adopted == ()
        assert f"{path}: this picture cannot be read" in done.ignored[0]
        assert path.exists()

    decks.with_store(tmp_path / "queue.db", work)


def test_a_picture_with_a_wrong_byte_is_left_alone(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)

        assert len((await reconcile(store)).ignored) == 1

    decks.with_store(tmp_path / "queue.db", work)


def test_something_else_called_png_is_left_alone(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        Image.new("RGB", (64, 96)).save(path, "JPEG")

        assert len((await reconcile(store)).ignored) == 1

    decks.with_store(tmp_path / "queue.db", work)


# ---------------------------------------------------------------- debris


def test_what_a_killed_worker_left_half_written_is_deleted(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path)
        path = write(folder, "01_fool")
        debris = [folder / ".0123.part", folder / "x.part", folder / ".thumbs" / ".4567.part"]
        for part in debris:
            part.write_bytes(b"half")

        await reconcile(store)

        assert not [part for part in debris if part.exists()]
        assert path.exists()

    decks.with_store(tmp_path / "queue.db", work)


def test_a_sidecar_whose_picture_never_came_is_deleted(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        path.unlink()

        (path.parent / ".thumbs" / "01_fool.jpg").write_bytes(b"small")

        assert await reconcile(store) == Reconciled((), (), ())
        assert not path.with_suffix(".json").exists()
        assert list((path.parent / ".thumbs").iterdir()) == []

    decks.with_store(tmp_path / "queue.db", work)


def test_what_a_locked_disk_left_of_a_failed_job_is_deleted(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path, 1), "01_fool")
        path.unlink()
        await store.fail(1, 1, "E_DISK", "The picture cannot be written.", 3.0)

        assert await reconcile(store) == Reconciled((), (), ())
        assert not path.with_suffix(".json").exists()

    decks.with_store(tmp_path / "queue.db", work)


@pytest.mark.parametrize("act", ["unlink", "is_file"])
def test_a_folder_that_is_locked_is_told_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    def locked(_path: Path, **_: bool) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path)
        await store.run(decks.drawn, 2, "02_magician.png")
        (folder / ".thumbs").mkdir(parents=True)
        (folder / ".0123.part").write_bytes(b"half")
        monkeypatch.setattr(Path, act, locked)

        (sentence,) = (await reconcile(store)).ignored

        assert sentence.startswith(str(folder))
        assert sentence.endswith("Permission denied.")

    decks.with_store(tmp_path / "queue.db", work)


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path)
        write(folder, "01_fool", batch="zodiac").unlink()
        (folder / "notes.json").write_text("{}")
        (folder / "latin.json").write_bytes(b'{"job": "\xe4"}')
        (folder / "deep.json").write_text('{"x": ' + "[" * 100_000)
        (folder / "notes.txt").write_text("nice")

        await reconcile(store)

        left = {"01_fool.json", "notes.json", "latin.json", "deep.json", "notes.txt", ".thumbs"}
        assert {path.name for path in folder.iterdir()} == left

    decks.with_store(tmp_path / "queue.db", work)


# ---------------------------------------------------------------- missing files


def test_a_take_whose_file_is_missing_is_told_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(store: Store) -> None:
        path = write(await crashed(store, tmp_path), "01_fool")
        await reconcile(store)
        path.unlink()

        done = await reconcile(store)

        assert done == Reconciled((), (), (1,))
        assert (await store.get_take(1))[0].file == "01_fool.png"
        assert path.with_suffix(".json").exists()

    with caplog.at_level(logging.WARNING):
        decks.with_store(tmp_path / "queue.db", work)
    assert "The file of take 1 is missing." in caplog.messages


def test_a_batch_that_was_not_begun_has_no_folder_yet(tmp_path: Path) -> None:
    assert after_a_crash(tmp_path) == Reconciled((), (), ())


def test_the_folders_of_finished_batches_are_not_looked_at(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        folder = await crashed(store, tmp_path, 1)
        await store.finish(1, 1, decks.picture("01_fool.png"), 3.0)
        folder.mkdir()
        (folder / "x.part").write_bytes(b"half")

        assert await reconcile(store) == Reconciled((), (), ())
        assert (folder / "x.part").exists()

    decks.with_store(tmp_path / "queue.db", work)

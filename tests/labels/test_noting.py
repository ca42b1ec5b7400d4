"""A sidecar follows the label of its take: at once, or after the crash, the trouble or the stay in the trash."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import decks
import pytest
from house import House, wait_until

from imagineerd.labels.answers import Answer
from imagineerd.labels.noting import Noting
from imagineerd.store import Store, sayings
from imagineerd.store.sayings import Saying
from imagineerd.trash import Trash

RAM, GOAT = "A ram.", "A goat."


class Desk:
    """One take with its sidecar, and who notes its label there."""

    def __init__(self, store: Store, home: Path, trash: Path) -> None:
        self.store = store
        self.trash = Trash(store, trash)
        self.noting = Noting(store, self.trash)
        self.sidecar = home / "01.json"
        self.take = 0

    async def drawn(self) -> None:
        for name, content in (("01.json", b'{"seed": 7}'), ("01.png", b"a picture")):
            (self.sidecar.parent / name).write_bytes(content)
        self.take = (await self.store.run(lambda connection: decks.drawn(connection, 1, "01.png"))).id

    async def say(self, caption: str) -> None:
        await self.store.run(sayings.say, self.take, Answer(caption), Saying(person="1000"), 9.0)

    def noted(self, sidecar: Path | None = None) -> object:
        return json.loads((sidecar or self.sidecar).read_text()).get("label", {}).get("caption")


def at(tmp_path: Path, work: Callable[[Desk], Awaitable[None]]) -> None:
    async def run(store: Store) -> None:
        await store.run(lambda connection: decks.dealt(connection, tmp_path))
        home = await store.folder("tarot")
        home.mkdir()
        desk = Desk(store, home, tmp_path / "trash")
        await desk.drawn()
        await work(desk)

    decks.with_store(tmp_path / "queue.db", run)


def test_a_sidecar_is_due_until_it_tells_the_label(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.say(RAM)
        assert await desk.store.sidecars_due() == (desk.take,)

        await desk.noting.note(desk.take)

        assert await desk.store.sidecars_due() == ()
        assert desk.noted() == RAM

    at(tmp_path, work)


def test_what_a_crash_left_is_written_and_cleared_away(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.say(RAM)
        left = desk.sidecar.with_name(".01.json.k2x9")
        left.write_text("half a side")

        await desk.noting.catch_up()

        assert (desk.noted(), left.exists()) == (RAM, False)
        assert await desk.store.sidecars_due() == ()

    at(tmp_path, work)


def test_a_label_that_changed_meanwhile_stays_due(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.say(RAM)
        (take, _) = await desk.store.get_take(desk.take)
        assert take.label is not None
        await desk.say(GOAT)

        await desk.store.sidecar_done(desk.take, take.label.id)
        assert await desk.store.sidecars_due() == (desk.take,)
        await desk.noting.catch_up()
        assert desk.noted() == GOAT

    at(tmp_path, work)


def test_a_label_that_was_taken_back_is_taken_out(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.say(RAM)
        await desk.noting.note(desk.take)
        await desk.store.restore_label(desk.take, None, 9.0)

        await desk.noting.catch_up()

        assert desk.noted() is None
        assert await desk.store.sidecars_due() == ()

    at(tmp_path, work)


def test_the_sidecar_of_a_take_in_the_trash_is_written_there(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.trash.delete((desk.take,), None)
        await desk.say(RAM)

        await desk.noting.note(desk.take)
        assert desk.noted(tmp_path / "trash" / f"{desk.take}.json") == RAM

        await desk.trash.restore((desk.take,), None)
        assert desk.noted() == RAM

    at(tmp_path, work)


def test_a_take_that_is_gone_for_good_is_due_nothing(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.say(RAM)
        await desk.trash.delete((desk.take,), None)
        await desk.trash.empty()

        assert await desk.store.sidecars_due() == ()
        await desk.noting.note(desk.take)

    at(tmp_path, work)


@pytest.mark.parametrize("content", [None, b"[1]", b"\xff"])
def test_a_sidecar_that_somebody_deleted_or_made_something_else_of_stays_so(
    tmp_path: Path, content: bytes | None
) -> None:
    async def work(desk: Desk) -> None:
        desk.sidecar.unlink()
        if content is not None:
            desk.sidecar.write_bytes(content)
        await desk.say(RAM)

        await desk.noting.note(desk.take)

        assert await desk.store.sidecars_due() == ()
        assert (desk.sidecar.read_bytes() if desk.sidecar.exists() else None) == content

    at(tmp_path, work)


def test_what_the_disk_refuses_is_written_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(desk: Desk) -> None:
        await desk.say(RAM)
        aside = desk.sidecar.rename(desk.sidecar.with_suffix(".aside"))
        desk.sidecar.mkdir()

        await desk.noting.note(desk.take)
        assert "not in the sidecar yet" in caplog.text
        desk.sidecar.rmdir()
        aside.rename(desk.sidecar)
        await desk.noting.catch_up()

        assert desk.noted() == RAM

    at(tmp_path, work)


def test_a_daemon_that_is_killed_before_it_wrote_the_sidecar_writes_it_when_it_is_back(house: House) -> None:
    house.with_fake_worker().start()
    with house.client() as client:
        batch = client.deal("zodiac", "x", cards=(1,)).batch.id
        take = wait_until(lambda: client.batch(batch).slots[0].takes)[0]
        sidecar = (Path(client.batch(batch).batch.folder) / take.file).with_suffix(".json")
        about = sidecar.read_bytes()
        sidecar.unlink()
        os.mkfifo(sidecar)  # whoever reads it waits for ever
        editing = threading.Thread(target=_edit, args=(house, take.id))
        editing.start()
        wait_until(lambda: client.batch(batch).slots[0].takes[0].label)

    house.kill()
    editing.join()
    sidecar.unlink()
    sidecar.write_bytes(about)
    house.start()

    wait_until(lambda: json.loads(sidecar.read_bytes()).get("label", {}).get("caption") == GOAT)


def _edit(house: House, take: int) -> None:
    """Ask for a change whose answer never comes."""
    with suppress(Exception), house.client(timeout=5.0) as client:
        client.edit_label(take, caption=GOAT)

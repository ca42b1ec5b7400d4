"""Files of deleted takes go to the trash and back; whenever it is cut short, files and rows are brought together."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import decks
import pytest
from PIL import Image

from imagineerd.errors import DiskError, NotFound
from imagineerd.naming import thumbnail_of
from imagineerd.store import Store, pages, writer
from imagineerd.store import trash as rows
from imagineerd.store.moves import NewTake
from imagineerd.store.reconcile import reconcile
from imagineerd.trash import Trash, move

T = TypeVar("T")
KINDS = ("json", "jpg", "png")


class Killed(BaseException):
    """The process died here."""


class Album:
    """A store with a deck whose first card was drawn, its files, and the trash."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store = store
        self.home = root / "out" / "tarot"
        self.trash = Trash(store, root / "trash")

    async def deal(self) -> Album:
        await self.store.submit_batch(decks.deck("tarot", self.home.parent), None, 1000, 1.0)
        await self.draw(1, "01_fool.png")
        return self

    async def draw(self, job: int, file: str) -> int:
        """Draw a job as a worker does: three files, then the row; return the take's number."""
        (claimed,) = await self.store.claim([job], 2.0)
        path = self.home / file
        (self.home / ".thumbs").mkdir(parents=True, exist_ok=True)
        about = {"job": job, "batch": "tarot", "slot": claimed.slot, "seed": claimed.spec.seed}
        path.with_suffix(".json").write_text(json.dumps(about))
        (self.home / thumbnail_of(file)).write_bytes(b"small" + file.encode())
        Image.new("RGB", (64, 96), (16, 32, job)).save(path)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        new = NewTake(file=file, seed=claimed.spec.seed, width=64, height=96, bytes=len(content), sha256=digest)
        take = await self.store.finish(job, claimed.attempts, new, 3.0)
        assert take is not None
        return take.id

    async def reroll(self) -> int:
        """Queue one more job for the first card; return it."""
        dealt = await self.store.add_jobs("tarot", [(1, decks.spec(77))], None, 1000, 4.0)
        return dealt.jobs[0]

    def at_home(self, stem: str = "01_fool") -> set[str]:
        """Return which files of a take are in the folder of its batch."""
        paths = {"json": f"{stem}.json", "jpg": f".thumbs/{stem}.jpg", "png": f"{stem}.png"}
        return {kind for kind, path in paths.items() if (self.home / path).exists()}

    def away(self, take: int = 1) -> set[str]:
        """Return which files of a take are in the trash."""
        return {kind for kind in KINDS if (self.trash.folder / f"{take}.{kind}").exists()}

    async def places(self) -> tuple[bool, set[str], set[str]]:
        """Return whether the row of take 1 is deleted, and where its files are."""
        take, _ = await self.store.get_take(1)
        return take.deleted_at is not None, self.at_home(take.file.removesuffix(".png")), self.away()


KEPT = (False, set(KINDS), set())
DELETED = (True, set(), set(KINDS))


def play(tmp_path: Path, scene: Callable[[Album], Awaitable[T]], *, fresh: bool = True) -> T:
    """Play a scene with the album, new or as the last scene left it."""

    async def whole(store: Store) -> T:
        album = Album(store, tmp_path)
        return await scene(await album.deal() if fresh else album)

    return decks.with_store(tmp_path / "queue.db", whole)


# ---------------------------------------------------------------- there and back


def test_a_deleted_take_lies_in_the_trash_with_all_its_files(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        picture = (album.home / "01_fool.png").read_bytes()

        assert (await album.trash.delete([1], None)).takes == (1,)

        assert await album.places() == DELETED
        take, home = await album.store.get_take(1)
        assert album.trash.path_of(take, home, "full").read_bytes() == picture
        assert album.trash.path_of(take, home, "thumb").read_bytes() == b"small01_fool.png"
        assert album.trash.folder.stat().st_mode & 0o777 == 0o700

    play(tmp_path, scene)


def test_a_restored_take_is_at_home_with_all_its_files(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        before = await album.store.get_batch("tarot")
        await album.trash.delete([1], None)

        assert (await album.trash.restore([1], None)).takes == (1,)

        assert await album.places() == KEPT
        assert await album.store.get_batch("tarot") == before

    play(tmp_path, scene)


def test_deleting_and_restoring_again_change_nothing(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        assert (await album.trash.restore([1], None)).takes == ()
        await album.trash.delete([1], None)
        assert (await album.trash.delete([1], None)).takes == ()
        assert await album.places() == DELETED

    play(tmp_path, scene)


def test_a_whole_batch_goes_and_comes_back(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        await album.draw(2, "02_magician.png")

        assert (await album.trash.delete([], "tar")).takes == (1, 2)
        assert album.at_home() | album.at_home("02_magician") == set()
        assert (await album.trash.restore([], "tar")).takes == (1, 2)
        assert album.at_home() & album.at_home("02_magician") == set(KINDS)

    play(tmp_path, scene)


def test_a_name_that_was_given_to_another_take_is_not_taken_from_it(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        first = (album.home / "01_fool.png").read_bytes()
        await album.trash.delete([1], None)
        second = await album.draw(await album.reroll(), "01_fool.png")
        newer = (album.home / "01_fool.png").read_bytes()

        await album.trash.restore([1], None)

        assert (await album.store.get_take(1))[0].file == "01_fool_2.png"
        assert (await album.store.get_take(second))[0].file == "01_fool.png"
        assert (album.home / "01_fool.png").read_bytes() == newer != first
        assert (album.home / "01_fool_2.png").read_bytes() == first
        assert album.at_home("01_fool_2") == set(KINDS)

    play(tmp_path, scene)


def test_a_take_whose_files_are_lost_can_still_be_deleted_and_restored(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        (album.home / "01_fool.png").unlink()
        await album.trash.delete([1], None)
        assert await album.places() == (True, set(), {"json", "jpg"})
        await album.trash.restore([1], None)
        assert await album.places() == (False, {"json", "jpg"}, set())

    play(tmp_path, scene)


def test_a_trash_on_another_file_system_is_copied_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(_here: Path, _there: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_link)

    async def scene(album: Album) -> None:
        picture = album.home / "01_fool.png"
        picture.chmod(0o640)
        content = picture.read_bytes()
        await album.trash.delete([1], None)
        assert await album.places() == DELETED
        await album.trash.restore([1], None)
        assert await album.places() == KEPT
        assert (picture.read_bytes(), picture.stat().st_mode & 0o777) == (content, 0o640)

    play(tmp_path, scene)


@pytest.mark.parametrize("linked", [True, False])
def test_a_file_is_never_moved_over_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool) -> None:  # noqa: FBT001
    if not linked:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "")))
    here, there = tmp_path / "a", tmp_path / "b"
    here.write_text("mine")
    there.write_text("yours")

    with pytest.raises(FileExistsError):
        move(here, there)

    assert (here.read_text(), there.read_text()) == ("mine", "yours")


# ---------------------------------------------------------------- emptying


def test_an_emptied_trash_is_empty_and_its_takes_are_gone_for_good(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        await album.trash.delete([1], None)
        size = sum(path.stat().st_size for path in album.trash.folder.iterdir())

        emptied = await album.trash.empty()

        assert (emptied.takes, emptied.bytes) == ((1,), size)
        assert list(album.trash.folder.iterdir()) == []
        with pytest.raises(NotFound, match="Take 1 was deleted for good"):
            await album.trash.restore([1], None)

    play(tmp_path, scene)


def test_what_was_deleted_lately_survives_the_tidying(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        await album.trash.delete([1], None)
        take, _ = await album.store.get_take(1)
        assert take.deleted_at is not None

        assert (await album.trash.empty(take.deleted_at)).takes == ()
        assert await album.places() == DELETED
        assert (await album.trash.empty(take.deleted_at + 1)).takes == (1,)

    play(tmp_path, scene)


# ---------------------------------------------------------------- trouble


def test_what_cannot_be_deleted_for_good_yet_is_deleted_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    async def scene(album: Album) -> None:
        await album.trash.delete([1], None)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", locked)
            emptied = await album.trash.empty()
            assert (emptied.takes, emptied.bytes) == ((1,), 0)
            await album.trash.reconcile()
            assert album.away() == set(KINDS)

        await album.trash.reconcile()

        assert album.away() == set()

    play(tmp_path, scene)


def test_where_a_file_cannot_be_moved_nothing_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def full(here: Path, there: Path) -> None:
        if there.parent.name == "trash" and there.name == "2.jpg":
            raise FileExistsError(errno.EEXIST, "File exists")
        real(here, there)

    async def scene(album: Album) -> None:
        await album.draw(2, "02_magician.png")
        monkeypatch.setattr(os, "link", full)

        with pytest.raises(DiskError, match=r"The files cannot be moved, so nothing was changed: File exists\."):
            await album.trash.delete([1, 2], None)

        assert await album.places() == KEPT
        assert album.at_home("02_magician") == set(KINDS)

    play(tmp_path, scene)


@pytest.mark.parametrize("act", ["delete", "restore"])
def test_where_the_row_cannot_be_written_the_files_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    real = writer.attempt

    def full(connection: object, work: writer.Work) -> None:
        if "trash." + act in repr(work.run) or f"function {act} " in repr(work.run):
            raise DiskError("The disk is full.")
        real(connection, work)  # type: ignore[arg-type]

    async def scene(album: Album) -> None:
        if act == "restore":
            await album.trash.delete([1], None)
        before = await album.places()
        monkeypatch.setattr(writer, "attempt", full)

        with pytest.raises(DiskError, match="The disk is full"):
            await getattr(album.trash, act)([1], None)

        assert await album.places() == before

    play(tmp_path, scene)


# ---------------------------------------------------------------- killed at every moment


@contextlib.contextmanager
def killed_at(moment: int) -> Iterator[None]:
    """Let the process die instead of its `moment`-th change of a file (from 0)."""
    left = [moment]

    def dying(real: Callable[..., T]) -> Callable[..., T]:
        def call(*args: object, **kwargs: object) -> T:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", dying(os.link))
        patch.setattr(Path, "unlink", dying(Path.unlink))
        with pytest.raises(Killed):
            yield


@contextlib.contextmanager
def killed_before_the_row(store: Store) -> Iterator[None]:
    """Let the process die between the files and the row."""
    real = store.run

    async def dying(work: Callable[..., T], *args: object) -> T:
        if work in {rows.delete, rows.restore}:
            raise Killed
        return await real(work, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "run", dying)
        with pytest.raises(Killed):
            yield


async def recovered(album: Album) -> tuple[bool, set[str], set[str]]:
    """Bring files and rows together as a daemon does when it starts; say where everything is."""
    await album.trash.reconcile()
    done = await reconcile(album.store)
    assert done.ignored == ()
    return await album.places()


@pytest.mark.parametrize("moment", range(6))
@pytest.mark.parametrize(("act", "before"), [("delete", KEPT), ("restore", DELETED)])
def test_what_was_killed_while_files_moved_has_not_happened(
    tmp_path: Path, act: str, before: tuple[bool, set[str], set[str]], moment: int
) -> None:
    async def first(album: Album) -> None:
        if act == "restore":
            await album.trash.delete([1], None)
        with killed_at(moment):
            await getattr(album.trash, act)([1], None)

    play(tmp_path, first)
    assert play(tmp_path, recovered, fresh=False) == before
    assert play(tmp_path, recovered, fresh=False) == before


@pytest.mark.parametrize(("act", "before"), [("delete", KEPT), ("restore", DELETED)])
def test_what_was_killed_between_files_and_row_has_not_happened(
    tmp_path: Path, act: str, before: tuple[bool, set[str], set[str]]
) -> None:
    async def first(album: Album) -> None:
        if act == "restore":
            await album.trash.delete([1], None)
        with killed_before_the_row(album.store):
            await getattr(album.trash, act)([1], None)

    play(tmp_path, first)
    assert play(tmp_path, recovered, fresh=False) == before


def test_what_was_killed_while_its_name_was_given_to_another_take_goes_home_under_the_next(tmp_path: Path) -> None:
    async def first(album: Album) -> None:
        with killed_before_the_row(album.store):
            await album.trash.delete([1], None)
        await album.draw(await album.reroll(), "01_fool.png")

    async def hashes(album: Album) -> list[bool]:
        takes = [(await album.store.get_take(take))[0] for take in (1, 2)]
        return [hashlib.sha256((album.home / take.file).read_bytes()).hexdigest() == take.sha256 for take in takes]

    play(tmp_path, first)
    assert play(tmp_path, recovered, fresh=False) == KEPT
    assert play(tmp_path, recovered, fresh=False) == KEPT
    assert play(tmp_path, hashes, fresh=False) == [True, True]


@pytest.mark.parametrize("moment", range(6))
def test_what_was_killed_while_a_take_came_home_under_another_name_has_not_happened(
    tmp_path: Path, moment: int
) -> None:
    async def first(album: Album) -> None:
        await album.trash.delete([1], None)
        await album.draw(await album.reroll(), "01_fool.png")
        with killed_at(moment):
            await album.trash.restore([1], None)

    async def second(album: Album) -> set[str]:
        assert await recovered(album) == (True, set(), set(KINDS))
        return album.at_home("01_fool")

    play(tmp_path, first)
    assert play(tmp_path, second, fresh=False) == set(KINDS)


@pytest.mark.parametrize("moment", range(3))
def test_emptying_that_was_killed_is_finished(tmp_path: Path, moment: int) -> None:
    async def first(album: Album) -> None:
        await album.trash.delete([1], None)
        with killed_at(moment):
            await album.trash.empty()

    async def second(album: Album) -> None:
        await album.trash.reconcile()
        assert album.away() == set()
        with pytest.raises(NotFound, match="for good"):
            await album.store.get_take(1)

    play(tmp_path, first)
    play(tmp_path, second, fresh=False)


def test_reconciling_that_was_killed_is_done_again(tmp_path: Path) -> None:
    async def first(album: Album) -> None:
        with killed_at(3):
            await album.trash.delete([1], None)
        with killed_at(1):
            await album.trash.reconcile()

    play(tmp_path, first)
    assert play(tmp_path, recovered, fresh=False) == KEPT


def test_a_file_of_another_take_is_not_put_into_the_trash(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        await album.trash.delete([1], None)
        for path in album.trash.folder.iterdir():
            path.unlink()
        await album.draw(await album.reroll(), "01_fool.png")

        await album.trash.reconcile()

        assert album.at_home() == set(KINDS)
        assert album.away() == set()

    play(tmp_path, scene)


def test_what_else_lies_in_the_trash_is_left_alone(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        album.trash.folder.mkdir()
        strangers = [album.trash.folder / name for name in ("99.png", "notes.txt", "1.txt")]
        for path in strangers:
            path.write_text("nice")

        await album.trash.reconcile()
        await album.trash.empty()

        assert all(path.exists() for path in strangers)

    play(tmp_path, scene)


def test_files_are_not_judged_while_they_move(tmp_path: Path) -> None:
    async def scene(album: Album) -> None:
        job = await album.reroll()
        moving = asyncio.gather(album.trash.delete([1], None), reconcile(album.store), album.trash.restore([1], None))
        await moving

        assert (await album.store.run(pages.job, job)).state == "queued"
        assert (await album.places())[1] | album.away() == set(KINDS)

    play(tmp_path, scene)

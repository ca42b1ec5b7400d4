"""Files that come, go and change in the LoRA folder are told while somebody follows."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from lora_files import cross_attention, write_lora

from imagineerd.errors import DiskError
from imagineerd.lora import watch as watching
from imagineerd.lora.watch import NAMED, difference, look, watch
from imagineerd.protocol import LorasChanged


def add(folder: Path, name: str, rank: int = 4) -> Path:
    return write_lora(folder / f"{name}.safetensors", cross_attention(768, rank=rank))


def test_what_is_new_gone_and_changed_is_told_by_name(tmp_path: Path) -> None:
    for name in ("Gone", "Noted", "Grown", "Same"):
        add(tmp_path, name)
    before = look(tmp_path)

    add(tmp_path / "cards", "New")
    (tmp_path / "Gone.safetensors").unlink()
    (tmp_path / "Noted.json").write_text(json.dumps({"notes": "Quiet."}))
    add(tmp_path, "Grown", rank=8)

    assert difference(before, look(tmp_path)) == LorasChanged(
        added=("New",), removed=("Gone",), changed=("Grown", "Noted")
    )


def test_a_folder_that_goes_takes_its_loras_with_it(tmp_path: Path) -> None:
    add(tmp_path, "Ink")

    assert difference(look(tmp_path), look(None)) == LorasChanged(removed=("Ink",))


def test_an_event_names_so_many_and_no_more() -> None:
    many = {f"{number:04}": ((1, 1), None) for number in range(NAMED + 1)}

    assert difference({}, many).added == tuple(sorted(many))[:NAMED]


@pytest.fixture
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY_S", 0.001)
    monkeypatch.setattr(watching, "REST", 0)


@pytest.mark.usefixtures("in_no_time")
def test_what_happened_while_nobody_followed_is_told_to_who_follows(tmp_path: Path) -> None:
    told: asyncio.Queue[LorasChanged] = asyncio.Queue()
    folders = iter([None])
    followed = iter([False, False, False])

    async def scene() -> None:
        watcher = asyncio.create_task(watch(lambda: next(folders, tmp_path), lambda: next(followed, True), told.put))
        assert await asyncio.wait_for(told.get(), 10) == LorasChanged(added=("Ink",))
        assert next(followed, None) is None
        watcher.cancel()

    add(tmp_path, "Ink")
    asyncio.run(scene())


@pytest.mark.usefixtures("in_no_time")
def test_what_the_disk_did_not_take_is_told_again(tmp_path: Path) -> None:
    told: list[LorasChanged] = []
    done = asyncio.Event()

    async def tell(what: LorasChanged) -> None:
        told.append(what)
        if len(told) == 1:
            raise DiskError("The disk is full.")
        done.set()

    async def scene() -> None:
        folders = iter([None])
        watcher = asyncio.create_task(watch(lambda: next(folders, tmp_path), lambda: True, tell))
        await asyncio.wait_for(done.wait(), 10)
        watcher.cancel()

    add(tmp_path, "Ink")
    asyncio.run(scene())

    assert told == [LorasChanged(added=("Ink",))] * 2

"""Takes appear whole, in order, and never over another file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from imagineerd.errors import DiskError
from imagineerd.worker import outputs
from imagineerd.worker.outputs import PART, write_take

ABOUT = {
    "version": 1,
    "prompt": "The Möon, 月",
    "negative_prompt": "blurry",
    "steps": 20,
    "guidance_scale": 3.0,
    "seed": 5,
    "scheduler": "dpm++",
    "karras_sigmas": True,
    "width": 48,
    "height": 72,
    "mix": [{"name": "ink", "weight": 0.8, "sha256": "ab" * 32, "autov3": "cd" * 32}],
    "model": "starter",
}


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.randint(0, 256, (72, 48, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_take_is_png_sidecar_and_thumbnail(tmp_path: Path, picture: torch.Tensor) -> None:
    take = write_take(tmp_path / "batch" / "01_ace", picture, ABOUT)

    assert files_in(tmp_path / "batch") == {"01_ace.png", "01_ace.json", ".thumbs/01_ace.jpg"}
    assert take.sha256 == hashlib.sha256(take.path.read_bytes()).hexdigest()
    assert take.bytes == take.path.stat().st_size
    assert json.loads((tmp_path / "batch" / "01_ace.json").read_text()) == ABOUT
    with Image.open(take.path) as image:
        assert bytes(image.tobytes()) == picture.numpy().tobytes()


def test_the_png_says_where_it_came_from(tmp_path: Path, picture: torch.Tensor) -> None:
    take = write_take(tmp_path / "a", picture, ABOUT)

    with Image.open(take.path) as image:
        assert json.loads(image.info["imagineer"]) == ABOUT
        assert image.info["parameters"].startswith("The Möon, 月 <lora:ink:0.8>\nNegative prompt: blurry\nSteps: 20, ")


def test_a_thumbnail_fits_and_is_never_enlarged(tmp_path: Path, picture: torch.Tensor) -> None:
    write_take(tmp_path / "small", picture, ABOUT)
    write_take(tmp_path / "large", torch.zeros(720, 512, 3, dtype=torch.uint8), ABOUT)

    sizes = [Image.open(tmp_path / ".thumbs" / f"{name}.jpg").size for name in ("small", "large")]
    assert sizes == [(48, 72), (182, 256)]


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 128, 1)])
def test_the_average_colour_is_that_of_all_pixels(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    plain = torch.tensor(colour, dtype=torch.uint8).expand(8, 8, 3).contiguous()

    assert write_take(tmp_path / "a", plain, ABOUT).color == "#{:02x}{:02x}{:02x}".format(*colour)


@pytest.mark.parametrize("taken", ["a.png", "a.json"])
def test_an_existing_file_is_never_overwritten(tmp_path: Path, picture: torch.Tensor, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    take = write_take(tmp_path / "a", picture, ABOUT)
    third = write_take(tmp_path / "a", picture, ABOUT)

    assert (tmp_path / taken).read_text() == "mine"
    assert (take.path.name, third.path.name) == ("a_2.png", "a_3.png")
    assert {"a_2.json", "a_3.json", ".thumbs/a_2.jpg"} <= files_in(tmp_path)


@pytest.mark.parametrize("name", ["01 — Königin; rm -rf $HOME", "ace.of.hearts", ".hidden", "-rf", "名", "a" * 240])
def test_hostile_names_stay_in_their_folder(tmp_path: Path, picture: torch.Tensor, name: str) -> None:
    take = write_take(tmp_path / "batch" / name, picture, ABOUT)

    assert take.path == tmp_path / "batch" / f"{name}.png"
    assert files_in(tmp_path) == {f"batch/{name}.png", f"batch/{name}.json", f"batch/.thumbs/{name}.jpg"}


@pytest.mark.parametrize("broken_at", [1, 2, 3])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, picture: torch.Tensor, monkeypatch: pytest.MonkeyPatch, broken_at: int, number: int
) -> None:
    calls = 0
    real = os.fsync

    def fsync_that_fails(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > broken_at:
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(outputs.os, "fsync", fsync_that_fails)
    with pytest.raises(DiskError, match="cannot be written"):
        write_take(tmp_path / "a", picture, ABOUT)

    assert files_in(tmp_path) == set()


def test_the_png_comes_last(tmp_path: Path, picture: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real_link, real_replace = os.link, Path.replace
    monkeypatch.setattr(outputs.os, "link", lambda old, new: (order.append(Path(new).suffix), real_link(old, new)))
    monkeypatch.setattr(Path, "replace", lambda old, new: (order.append(Path(new).suffix), real_replace(old, new)))
    write_take(tmp_path / "a", picture, ABOUT)

    assert order == [".json", ".jpg", ".png"]


def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path, picture: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(_old: Any, _new: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(outputs.os, "link", no_links)
    names = [write_take(tmp_path / "a", picture, ABOUT).path.name for _ in range(2)]

    assert names == ["a.png", "a_2.png"]
    assert not [name for name in files_in(tmp_path) if name.endswith(PART)]


def test_an_unwritable_folder_is_a_sentence(tmp_path: Path, picture: torch.Tensor) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DiskError, match="cannot be written"):
        write_take(tmp_path / "file" / "a", picture, ABOUT)

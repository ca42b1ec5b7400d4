"""The sheet as it looks: every picture where its values say, and labels around them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from house import ROOT
from PIL import Image

from imagineerd.grids.contents import Contents, Shown
from imagineerd.grids.sheet import CELL, GAP, INK, MISSING, PAPER, draw, layout_of, shortened

COLORS = ((200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200), (200, 0, 200))


def picture(folder: Path, number: int, size: tuple[int, int] = (64, 96)) -> Shown:
    path = folder / f"{number}.png"
    Image.new("RGB", size, COLORS[number]).save(path)
    return Shown(picture=str(path))


def sheet(folder: Path, *cells: Shown, rows: int = 1, blocks: int = 1) -> Contents:
    columns = len(cells) // rows // blocks
    return Contents(
        path=str(folder / "sheet.png"),
        title="a fox",
        columns=tuple(f"Ink {number}" for number in range(columns)),
        rows=tuple(f"{10 * number} steps" for number in range(rows)) if rows > 1 else ("",),
        blocks=tuple(f"seed {number}" for number in range(blocks)) if blocks > 1 else ("",),
        cells=cells,
    )


def middle(contents: Contents, image: Image.Image, block: int, row: int, column: int) -> object:
    layout = layout_of(contents, (64, 96))
    left, top = layout.corner(block, row, column)
    return image.getpixel((left + 32, top + 48))


def test_every_picture_stands_where_its_values_say(tmp_path: Path) -> None:
    contents = sheet(tmp_path, *(picture(tmp_path, number) for number in range(6)), rows=2)
    image = draw(contents)

    found = [middle(contents, image, 0, row, column) for row in range(2) for column in range(3)]
    assert found == list(COLORS)
    assert image.size == layout_of(contents, (64, 96)).size


def test_blocks_stand_below_each_other(tmp_path: Path) -> None:
    contents = sheet(tmp_path, *(picture(tmp_path, number) for number in range(4)), blocks=2)
    image = draw(contents)

    assert [middle(contents, image, block, 0, column) for block in range(2) for column in range(2)] == list(COLORS[:4])
    assert layout_of(contents, (64, 96)).corner(1, 0, 0)[1] > layout_of(contents, (64, 96)).corner(0, 0, 0)[1] + 96


def test_labels_are_written_above_and_beside_the_pictures(tmp_path: Path) -> None:
    contents = sheet(tmp_path, *(picture(tmp_path, number) for number in range(4)), rows=2)
    image = draw(contents)
    left, top = layout_of(contents, (64, 96)).corner(0, 0, 0)

    above = image.crop((left, top - 22, left + 64, top))
    beside = image.crop((0, top, left - GAP, top + 96))
    assert all(min(part.convert("L").tobytes()) < 100 for part in (above, beside))
    assert image.getpixel((left - 2, top + 2)) == PAPER


def test_a_cell_without_a_picture_says_why(tmp_path: Path) -> None:
    contents = sheet(tmp_path, picture(tmp_path, 0), Shown(note="failed"))
    image = draw(contents)
    left, top = layout_of(contents, (64, 96)).corner(0, 0, 1)

    assert image.getpixel((left, top)) == image.getpixel((left + 63, top + 95)) == MISSING
    assert min(image.crop((left, top, left + 64, top + 96)).convert("L").tobytes()) < 100
    assert INK < MISSING


def test_a_grid_without_any_picture_has_a_sheet_too(tmp_path: Path) -> None:
    assert draw(sheet(tmp_path, Shown(note="failed"), Shown(note="cancelled"))).width > 2 * 96


@pytest.mark.parametrize(("size", "shown"), [((512, 768), (171, 256)), ((64, 64), (64, 64)), ((2048, 64), (256, 8))])
def test_a_large_picture_is_made_smaller_and_a_small_one_keeps_its_size(
    tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    contents = sheet(tmp_path, picture(tmp_path, 0, size))

    assert draw(contents).size == layout_of(contents, shown).size
    assert max(shown) <= CELL


def test_a_label_that_is_too_wide_is_cut() -> None:
    assert shortened("a fox", 500, 13) == "a fox"
    assert shortened("a fox\nat night " * 20, 100, 13).endswith("…")
    assert shortened("a fox", 0, 13) == "…"


def test_it_is_written_by_a_program_of_its_own(tmp_path: Path) -> None:
    order = msgspec.json.encode(sheet(tmp_path, picture(tmp_path, 0)))
    command = (sys.executable, "-P", "-m", "imagineerd.grids.sheet")

    subprocess.run(command, input=order, check=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})

    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == layout_of(sheet(tmp_path, Shown()), (64, 96)).size


def test_a_picture_that_is_gone_is_told_in_a_line(tmp_path: Path) -> None:
    order = msgspec.json.encode(sheet(tmp_path, Shown(picture=str(tmp_path / "gone.png"))))
    command = (sys.executable, "-P", "-m", "imagineerd.grids.sheet")

    done = subprocess.run(command, input=order, capture_output=True, check=False, env={"PYTHONPATH": str(ROOT)})

    assert (done.returncode, done.stderr) == (1, b"No such file or directory\n")

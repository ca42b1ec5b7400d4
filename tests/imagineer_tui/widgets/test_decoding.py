"""Files of pictures as pixels in a box."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import pairwise

import pytest
from house import ROOT
from PIL import Image

from imagineer_tui.widgets.decoding import BLURRED, Box, opened, to_half_pixels, to_screen_pixels


def file(size: tuple[int, int] = (96, 144), mode: str = "RGB") -> bytes:
    data = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("size", "box", "columns", "rows"),
    [
        ((96, 144), Box(12, 9), 12, 9),  # a card fills a cell of a page
        ((512, 512), Box(12, 9), 12, 6),
        ((512, 512), Box(40, 10), 20, 10),
        ((512, 512), Box(40, 10, (8, 8)), 10, 10),  # square cells
        ((4000, 10), Box(12, 9), 12, 1),
        ((10, 4000), Box(12, 9), 1, 9),
    ],
)
def test_a_picture_keeps_its_shape(size: tuple[int, int], box: Box, columns: int, rows: int) -> None:
    fitted = box.fitted(size)
    assert (fitted.columns, fitted.rows) == (columns, rows)


def test_a_cell_has_two_pixels() -> None:
    pixels = to_half_pixels(opened(file()), Box(12, 9))
    assert (pixels.width, pixels.height) == (12, 18)


def test_the_screen_gets_all_its_pixels() -> None:
    assert to_screen_pixels(opened(file()), Box(12, 9, (8, 17))).size == (96, 136)  # eight whole cells


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_every_kind_of_picture_is_read(mode: str) -> None:
    assert opened(file(mode=mode)).mode == "RGB"


@pytest.mark.parametrize("data", [b"", b"no picture", file()[:100], file()[:-200]])
def test_what_is_no_picture_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(OSError, match=r"."):
        opened(data)


def test_a_blurred_picture_tells_no_more_than_its_colours() -> None:
    black_and_white = Image.new("RGB", (96, 144))
    black_and_white.paste("white", (0, 0, 48, 144))
    data = io.BytesIO()
    black_and_white.save(data, "PNG")
    row = to_half_pixels(opened(data.getvalue(), blurred=True), Box(48, 36)).row(36)
    steps = [abs(left[0] - right[0]) for left, right in pairwise(row) if left and right]
    assert max(steps) < 255 / BLURRED


def test_a_blurred_picture_has_its_size() -> None:
    assert opened(file((50, 700)), blurred=True).size == (50, 700)


@pytest.mark.parametrize("module", ["thumbnails", "picture", "live_preview"])
def test_no_widget_loads_pillow_or_numpy_before_there_is_a_picture(module: str) -> None:
    heavy = "{'PIL', 'numpy', 'textual_image'}"
    code = f"import sys, imagineer_tui.widgets.{module}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0

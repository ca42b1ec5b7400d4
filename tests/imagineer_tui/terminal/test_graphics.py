"""Pictures in the terminal's own protocols."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys

import pytest
from house import ROOT
from PIL import Image

from imagineer_tui.terminal import graphics

PIECE = re.compile(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\")
TALL = Image.effect_noise((200, 300), 90).convert("RGB")


def uploaded(image: Image.Image) -> Image.Image:
    """Return what the terminal makes of an upload."""
    data = "".join(PIECE.fullmatch(piece)[2] for piece in graphics.kitty_upload(image, 1, 20, 15))  # type: ignore[index]
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def test_an_upload_is_a_picture_in_pieces() -> None:
    pieces = graphics.kitty_upload(TALL, 4711, 20, 15)
    keys, data = zip(*(PIECE.fullmatch(piece).groups() for piece in pieces), strict=True)  # type: ignore[union-attr]
    assert "i=4711" in keys[0]
    assert "c=20,r=15" in keys[0]
    assert [key.endswith("m=1") for key in keys] == [True] * (len(keys) - 1) + [False]
    assert all(len(part) <= graphics.CHUNK for part in data)
    assert Image.open(io.BytesIO(base64.b64decode("".join(data)))).size == TALL.size


def test_no_piece_asks_for_an_answer_that_would_be_typed() -> None:
    sent = [*graphics.kitty_upload(TALL, 1, 20, 15), graphics.kitty_delete(1)]
    assert all("q=2" in sequence for sequence in sent)


def test_a_small_picture_is_one_piece() -> None:
    (piece,) = graphics.kitty_upload(Image.new("RGB", (4, 6)), 7, 2, 2)
    assert "m=0" in piece


def test_a_placeholder_tells_its_row_and_column() -> None:
    lines = graphics.kitty_placeholders(3, 2)
    assert [len(line) for line in lines] == [9, 9]
    assert lines[0][1] == lines[0][4] == lines[0][7]  # the row
    assert [line[2] for line in lines] == [lines[0][2]] * 2  # the column
    assert lines[0] != lines[1]


@pytest.mark.parametrize("picture", [1, 0x123456, 2**24 - 1])
def test_the_colour_is_the_number(picture: int) -> None:
    red, green, blue = graphics.id_color(picture)
    assert red * 65536 + green * 256 + blue == picture


def test_a_delete_names_the_one_picture() -> None:
    assert graphics.kitty_delete(7) == "\x1b_Ga=d,d=I,i=7,q=2\x1b\\"


def test_sixels_have_the_picture_s_size() -> None:
    text = graphics.sixels(TALL)
    assert text.startswith("\x1bP")
    assert '"1;1;200;300' in text
    assert text.endswith("\x1b\\")


def test_every_colour_of_sixels_is_defined_before_the_first_pixel() -> None:
    text = graphics.sixels(TALL)
    pixels = re.split(r"#\d+;2;\d+;\d+;\d+", text)[-1]
    used, defined = set(re.findall(r"#(\d+)", pixels)), re.findall(r"#(\d+);2;", text)
    assert used == set(defined)
    assert len(defined) == len(used) >= graphics.FEW / 2  # several become one, as Sixels tell them in per cent


def test_a_small_spot_keeps_its_colour() -> None:
    sky = Image.merge("RGB", [Image.effect_noise((200, 300), spread) for spread in (20, 20, 90)])
    sky.paste((255, 110, 110), (90, 90, 98, 98))
    red, green, blue = uploaded(sky).getpixel((94, 94))  # type: ignore[misc]
    assert max(abs(red - 255), abs(green - 110), abs(blue - 110)) < 16


def test_greys_have_no_edges() -> None:
    sky = Image.linear_gradient("L")
    seen = uploaded(sky.convert("RGB")).convert("L")
    assert max(abs(a - b) for a, b in zip(sky.tobytes(), seen.tobytes(), strict=True)) <= 2


def test_importing_the_library_sends_nothing_to_the_terminal() -> None:
    """It would, if it believed that it were on a terminal and were allowed to ask."""
    code = (
        "import sys, io\n"
        "class Terminal(io.StringIO):\n"
        "    def isatty(self): return True\n"
        "sys.__stdout__ = Terminal()\n"
        "from imagineer_tui.terminal import graphics\n"
        "graphics.kitty_placeholders(2, 2)\n"
        "sys.exit(len(sys.__stdout__.getvalue()))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0

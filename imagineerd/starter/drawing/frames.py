"""The border of every theme."""

import numpy as np

from imagineerd.starter.drawing.canvas import Canvas, arc, curve, mix, star
from imagineerd.starter.drawing.palettes import Palette

_CORNERS = tuple((sx, sy) for sx in (-1, 1) for sy in (-1, 1))


def _corner(canvas: Canvas, sx: int, sy: int, inset: float) -> tuple[float, float]:
    half_w, half_h = canvas.width / 2, canvas.height / 2
    return (half_w + sx * (half_w - inset), half_h + sy * (half_h - inset))


def _double(canvas: Canvas, palette: Palette) -> None:
    canvas.frame(10, 22, 6, palette.line)
    canvas.frame(20, 14, 3, mix(palette.ground, palette.accent, 0.8))


def _single(canvas: Canvas, palette: Palette) -> None:
    canvas.frame(12, 20, 6, palette.line)


def _gilt(canvas: Canvas, palette: Palette) -> None:
    canvas.frame(8, 26, 9, palette.accent)
    canvas.frame(21, 14, 3, palette.line)


def _studs(canvas: Canvas, palette: Palette) -> None:
    canvas.frame(5, 20, 15, palette.line)
    for y in np.linspace(13, canvas.height - 13, 5):
        for x in (13, canvas.width - 13):
            canvas.disc((x, y), 7, palette.accent)


def _tubes(canvas: Canvas, palette: Palette) -> None:
    canvas.frame(9, 30, 7, palette.line)
    canvas.frame(21, 20, 4, palette.red)


def _vines(canvas: Canvas, palette: Palette) -> None:
    canvas.frame(8, 54, 8, palette.line)
    canvas.frame(20, 46, 3, palette.accent)
    for sx, sy in _CORNERS:
        if sx == -sy:
            canvas.disc(_corner(canvas, sx, sy, 24), 13, palette.accent)


def _none(canvas: Canvas, palette: Palette) -> None:
    """A theme without a border."""


_FRAMES = {
    "night sky": _double, "gold on black": _gilt, "gothic": _single, "watercolour": _none, "neon": _tubes,
    "art nouveau": _vines, "parchment": _single, "royal purple": _gilt, "emerald forest": _double, "sunset": _single,
    "ice": _double, "crimson": _gilt, "pastel": _single, "ocean": _single, "cherry blossom": _single,
    "steampunk copper": _studs, "classic": _double,
}  # fmt: skip


def draw_frame(canvas: Canvas, palette: Palette, theme: str) -> None:
    """The border that belongs to `theme`."""
    _FRAMES[theme](canvas, palette)


def draw_filigree(canvas: Canvas, palette: Palette) -> None:
    """What the ornate style adds: beads along the border and scrolls in two corners."""
    w, h = canvas.width, canvas.height
    for y in np.linspace(150, h - 150, 7):
        for x in (30, w - 30):
            canvas.shape(star((x, y), 13, 6, 4), palette.accent)
    for x in np.linspace(130, w - 130, 4):
        for y in (30, h - 30):
            canvas.shape(star((x, y), 13, 6, 4), palette.accent)
    for sx, sy in ((1, -1), (-1, 1)):
        _scroll(canvas, palette, sx, sy)


def _scroll(canvas: Canvas, palette: Palette, sx: int, sy: int) -> None:
    x, y = _corner(canvas, sx, sy, 26)
    for a, b in (((0, 96), (70, 70)), ((96, 0), (70, 70))):
        points = curve((x, y), (x - sx * b[0] / 9, y - sy * b[1] / 9), (x - sx * a[0], y - sy * a[1]))
        canvas.line(points, 8, palette.accent)
    canvas.line(arc((x - sx * 34, y - sy * 34), 18, 0, 360), 7, palette.accent)

"""Jack, queen, king and the jokers: a figure with its suit large on the chest."""

import numpy as np

from imagineerd.starter.drawing.canvas import Canvas, Colour, arc, curve, mix, star
from imagineerd.starter.drawing.palettes import Palette
from imagineerd.starter.drawing.suits import draw_suit

X = 192.0
HEAD = (X, 196.0)
CHEST = (X, 392.0)


def draw_court(canvas: Canvas, palette: Palette, rank: int, suit: str, colour: Colour) -> None:
    """Rank 11 jack, 12 queen, 13 king."""
    robe = mix(colour, palette.ground, 0.42)
    _robe(canvas, palette, robe, colour)
    {11: _jack, 12: _queen, 13: _king}[rank](canvas, palette, colour)
    _chest(canvas, palette, suit, colour)


def _robe(canvas: Canvas, palette: Palette, robe: Colour, trim: Colour) -> None:
    side = curve((X + 40, 240), (X + 110, 268), (X + 116, 380), (X + 124, 516))
    canvas.shape(np.concatenate([side, (2 * X, 0) + side[::-1] * (-1, 1)]), robe)
    canvas.line([(X - 122, 512), (X + 122, 512)], 14, palette.accent)
    canvas.shape([(X - 44, 246), (X + 44, 246), (X, 300)], palette.accent)
    canvas.line(side, 8, trim)
    canvas.line((2 * X, 0) + side * (-1, 1), 8, trim)


def _chest(canvas: Canvas, palette: Palette, suit: str, colour: Colour) -> None:
    canvas.disc(CHEST, 80, palette.accent)
    canvas.disc(CHEST, 73, palette.ground)
    draw_suit(canvas, suit, CHEST, 54, colour)


def _face(canvas: Canvas, palette: Palette, width: float = 42) -> None:
    canvas.disc(HEAD, (width, 50), palette.light)
    ink = mix(palette.light, (40, 20, 20), 0.85)
    for side in (-1, 1):
        canvas.disc((X + 16 * side, 192), 6, ink)
    canvas.line([(X - 9, 221), (X + 9, 221)], 6, mix(palette.light, (190, 20, 40), 0.75))


def _jack(canvas: Canvas, palette: Palette, colour: Colour) -> None:
    """A flat cap with a long feather, chin-long hair."""
    hair = mix(palette.accent, (90, 50, 20), 0.35)
    canvas.shape(arc((X, 200), (62, 58), 150, 390), hair)
    _face(canvas, palette)
    feather = curve((X + 40, 150), (X + 96, 130), (X + 120, 60), (X + 92, 44), (X + 60, 80), (X + 10, 130))
    canvas.shape(feather, palette.accent)
    canvas.shape([(X - 66, 166), (X - 54, 122), (X + 54, 122), (X + 66, 166)], colour)
    canvas.line([(X - 66, 164), (X + 66, 164)], 10, palette.accent)


def _queen(canvas: Canvas, palette: Palette, colour: Colour) -> None:
    """Long hair to the shoulders, a round crown with pearls."""
    hair = mix(palette.accent, (110, 50, 20), 0.25)
    canvas.shape(np.concatenate([arc((X, 196), (72, 72), 180, 360), [(X + 80, 296), (X - 80, 296)]]), hair)
    canvas.shape([(X - 26, 236), (X + 26, 236), (X, 300)], palette.light)
    _face(canvas, palette, 40)
    canvas.shape(np.concatenate([[(X - 58, 152)], arc((X, 128), (62, 52), 180, 360), [(X + 58, 152)]]), colour)
    canvas.line([(X - 58, 150), (X + 58, 150)], 14, palette.accent)
    for dx, y in ((-60, 122), (-32, 88), (0, 74), (32, 88), (60, 122)):
        canvas.disc((X + dx, y), 12, palette.accent)


def _king(canvas: Canvas, palette: Palette, colour: Colour) -> None:
    """A full beard, a tall pointed crown."""
    beard = mix(palette.light, (120, 100, 90), 0.4)
    canvas.shape(arc((X, 190), (58, 52), 0, 360), beard)
    canvas.shape(curve((X - 56, 196), (X - 56, 330), (X + 56, 330), (X + 56, 196)), beard)
    _face(canvas, palette, 38)
    canvas.line(arc((X, 226), (24, 14), 200, 340), 9, beard)
    crown = [(-64, 158), (-76, 66), (-36, 108), (0, 46), (36, 108), (76, 66), (64, 158)]
    canvas.shape([(X + x, y) for x, y in crown], palette.accent)
    canvas.line([(X - 62, 150), (X + 62, 150)], 12, colour)
    canvas.disc((X, 120), 11, colour)


def draw_joker(canvas: Canvas, palette: Palette, colour: Colour) -> None:
    """A laughing fool's head in a three-pointed cap with bells."""
    _ruff(canvas, palette, colour)
    _cap(canvas, palette, colour)
    canvas.disc((X, 322), (70, 78), palette.light)
    canvas.shape([(X - 74, 282), (X + 74, 282), (X + 66, 250), (X - 66, 250)], palette.accent)
    ink = mix(palette.light, (30, 10, 20), 0.9)
    for side in (-1, 1):
        canvas.disc((X + 28 * side, 312), (10, 13), ink)
    canvas.disc((X, 336), 10, colour)
    smile = np.concatenate([arc((X, 346), (44, 36), 15, 165), arc((X, 346), (44, 14), 165, 15)])
    canvas.shape(smile, ink)


def _cap(canvas: Canvas, palette: Palette, colour: Colour) -> None:
    other = mix(colour, palette.accent, 0.75)
    for side, fill in ((-1, colour), (1, other)):
        points = [(8, 180), (70, 90), (150, 130), (146, 236), (120, 190), (84, 200), (70, 272), (0, 270)]
        canvas.shape([(X + side * x, y) for x, y in points], fill)
        canvas.disc((X + side * 146, 244), 20, palette.accent)
    canvas.shape([(X - 46, 262), (X - 30, 170), (X, 96), (X + 30, 170), (X + 46, 262)], mix(colour, other, 0.5))
    canvas.disc((X, 92), 20, palette.accent)


def _ruff(canvas: Canvas, palette: Palette, colour: Colour) -> None:
    canvas.shape(star((X, 420), 112, 70, 10), colour)
    canvas.shape(star((X, 420), 92, 54, 10, -72), palette.accent)

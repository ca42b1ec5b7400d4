"""The twelve zodiac glyphs, in a circle with their star points."""

import numpy as np

from imagineerd.starter.drawing.canvas import Canvas, Colour, Points, arc, curve, mix, star
from imagineerd.starter.drawing.palettes import Palette

CENTRE = (192.0, 288.0)
SCALE = 92.0
STROKE = 24.0


def _aries() -> list[Points]:
    stem = curve((0, 0.95), (0.02, -0.1), (0.1, -0.95), (0.5, -0.95))
    right = np.concatenate([stem, arc((0.52, -0.56), 0.39, -90, 90)])
    return [right, right * (-1, 1)]


def _taurus() -> list[Points]:
    return [arc((0, 0.38), 0.56, 0, 360), arc((0, -0.85), (0.82, 0.67), 0, 180)]


def _gemini() -> list[Points]:
    bars = [np.array([(x, -0.8), (x, 0.8)]) for x in (-0.36, 0.36)]
    return [*bars, arc((0, -1.5), (1.2, 0.75), 130, 50), arc((0, 1.5), (1.2, 0.75), 230, 310)]


def _cancer() -> list[Points]:
    claw = curve((-0.82, -0.3), (-0.7, -1.05), (0.5, -0.95), (0.95, -0.5))
    top = np.concatenate([arc((-0.52, -0.3), 0.3, 0, 360), claw])
    return [top, top * (-1, -1)]


def _leo() -> list[Points]:
    loop = arc((-0.5, 0.28), 0.32, 0, 360)
    mane = curve((-0.25, 0.08), (-0.9, -1.3), (0.95, -1.35), (0.45, -0.1), count=30)
    tail = curve((0.45, -0.1), (0.1, 0.6), (0.1, 1.2), (0.9, 0.8))
    return [loop, np.concatenate([mane, tail])]


def _m_strokes() -> list[Points]:
    legs = [np.array([(-0.85 + 0.55 * i, -0.55), (-0.85 + 0.55 * i, 0.65)]) for i in range(2)]
    arches = [arc((-0.575 + 0.55 * i, -0.5), (0.275, 0.32), 180, 360) for i in range(2)]
    return [*legs, *arches]


def _virgo() -> list[Points]:
    last = curve((0.25, -0.5), (0.25, 0.4), (0.25, 0.9), (0.8, 1.0))
    fish = curve((0.25, -0.1), (0.7, -0.6), (1.15, 0.1), (0.05, 0.95))
    return [*_m_strokes(), last, fish]


def _scorpio() -> list[Points]:
    last = curve((0.25, -0.5), (0.25, 0.5), (0.3, 0.95), (0.9, 0.6))
    barb = np.array([(0.62, 0.5), (0.98, 0.45), (0.98, 0.85)])
    return [*_m_strokes(), last, barb]


def _libra() -> list[Points]:
    low = np.array([(-0.95, 0.75), (0.95, 0.75)])
    bowl = np.concatenate([[(-0.95, 0.25), (-0.3, 0.25)], arc((0, -0.25), 0.52, 125, 415), [(0.3, 0.25), (0.95, 0.25)]])
    return [low, bowl]


def _sagittarius() -> list[Points]:
    shaft = np.array([(-0.85, 0.85), (0.85, -0.85)])
    head = np.array([(0.1, -0.85), (0.85, -0.85), (0.85, -0.1)])
    bar = np.array([(-0.65, -0.05), (0.05, 0.65)])
    return [shaft, head, bar]


def _capricorn() -> list[Points]:
    horns = curve((-0.95, -0.75), (-0.55, -0.8), (-0.5, -0.3), (-0.5, 0.35))
    back = curve((-0.5, -0.1), (-0.4, -1.0), (0.25, -1.0), (0.15, 0.0), (0.15, 0.75), (-0.3, 1.0))
    return [horns, back, arc((0.5, 0.35), 0.36, 0, 360)]


def _aquarius() -> list[Points]:
    xs, ys = np.linspace(-0.95, 0.95, 6), np.array([0.2, -0.2, 0.2, -0.2, 0.2, -0.2])
    return [np.stack([xs, ys - 0.36], axis=1), np.stack([xs, ys + 0.36], axis=1)]


def _pisces() -> list[Points]:
    bow = arc((-1.15, 0), (0.62, 0.98), -70, 70)
    return [bow, bow * (-1, 1), np.array([(-0.8, 0.0), (0.8, 0.0)])]


GLYPHS = (
    _aries(), _taurus(), _gemini(), _cancer(), _leo(), _virgo(),
    _libra(), _scorpio(), _sagittarius(), _capricorn(), _aquarius(), _pisces(),
)  # fmt: skip
_ELEMENT_TINTS: tuple[Colour, ...] = ((255, 96, 40), (80, 160, 60), (230, 220, 120), (60, 130, 240))


def draw_sign(canvas: Canvas, palette: Palette, number: int) -> None:
    """The glyph in a tinted medallion (fire, earth, air, water), eight small stars around."""
    tint = mix(palette.ground, _ELEMENT_TINTS[number % 4], 0.3)
    canvas.disc(CENTRE, 158, palette.accent)
    canvas.disc(CENTRE, 149, tint)
    canvas.ring(CENTRE, 138, 4, palette.line)
    for stroke in GLYPHS[number]:
        canvas.line(stroke * SCALE + CENTRE, STROKE, palette.black)
    for x in (84, 300):
        for y in (82, 494):
            canvas.shape(star((x, y), 30, 9, 4), palette.accent)
    for y in (70, 506):
        canvas.disc((192, y), 11, palette.red)

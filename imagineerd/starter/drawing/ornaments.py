"""What lies on the paper behind the figure: stars, trees, waves, gears."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from imagineerd.starter.drawing.canvas import Canvas, H, W, arc, curve, mix, star
from imagineerd.starter.drawing.palettes import Palette

Ornament = Callable[[Canvas, Palette, Generator], None]


def _stars(canvas: Canvas, palette: Palette, rng: Generator) -> None:
    for _ in range(26):
        x, y, size = rng.uniform(24, W - 24), rng.uniform(24, H - 24), rng.uniform(3, 6)
        canvas.draw.ellipse((x - size, y - size, x + size, y + size), fill=mix(palette.ground, (255, 255, 255), 0.75))
    for _ in range(6):
        x, y = rng.uniform(30, W - 30), rng.uniform(30, H - 30)
        canvas.shape(star((x, y), rng.uniform(12, 18), 4, 4), mix(palette.accent, (255, 255, 255), 0.4))


def _grid(canvas: Canvas, palette: Palette, _rng: Generator) -> None:
    colour = mix(palette.ground, (255, 40, 190), 0.55)
    for i in range(-5, 6):
        canvas.draw.line([(192 + i * 26, 440), (192 + i * 84, H)], fill=colour, width=5)
    for y in (440, 462, 494, 538):
        canvas.draw.line([(0, y), (W, y)], fill=colour, width=5)


def _arch(canvas: Canvas, palette: Palette, _rng: Generator) -> None:
    side = curve((330, 540), (330, 250), (330, 130), (192, 34))
    window = np.concatenate([side, (384, 0) + side[::-1] * (-1, 1)])
    canvas.draw.polygon([tuple(p) for p in window], fill=mix(palette.top, (8, 6, 14), 0.55))
    canvas.draw.line([tuple(p) for p in window], fill=mix(palette.ground, palette.line, 0.5), width=7)


def _whiplash(canvas: Canvas, palette: Palette, _rng: Generator) -> None:
    canvas.ring((192, 280), 156, 10, mix(palette.ground, palette.accent, 0.45))
    for sx in (-1, 1):
        for sy in (-1, 1):
            stem = np.array([(150, 262), (60, 258), (168, 140), (172, 60)]) * (sx, sy) + (192, 288)
            points = [tuple(p) for p in curve(*map(tuple, stem))]
            canvas.draw.line(points, fill=mix(palette.ground, palette.line, 0.55), width=7)


def _trees(canvas: Canvas, palette: Palette, rng: Generator) -> None:
    colour = mix(palette.bottom, (0, 20, 10), 0.45)
    for x in np.linspace(10, W - 10, 7):
        top = rng.uniform(400, 470)
        for level in range(3):
            y = top + level * 40
            canvas.draw.polygon([(x, y), (x - 26 - 10 * level, y + 70), (x + 26 + 10 * level, y + 70)], fill=colour)


def _sun_disc(canvas: Canvas, palette: Palette, _rng: Generator) -> None:
    far, near = mix(palette.bottom, palette.line, 0.3), mix(palette.bottom, palette.line, 0.5)
    canvas.draw.polygon([*map(tuple, curve((0, 500), (120, 440), (260, 520), (W, 470))), (W, H), (0, H)], fill=far)
    canvas.draw.polygon([*map(tuple, curve((0, 530), (140, 540), (220, 490), (W, 530))), (W, H), (0, H)], fill=near)


def _flakes(canvas: Canvas, palette: Palette, rng: Generator) -> None:
    for x, y, r in ((316, 66, 34), (64, 508, 34), (rng.uniform(120, 260), 40, 16), (rng.uniform(120, 260), 536, 16)):
        for turn in (0, 60, 120):
            ends = arc((x, y), r, turn, turn + 180, 2)
            canvas.draw.line([tuple(p) for p in ends], fill=palette.accent, width=6)


def _waves(canvas: Canvas, palette: Palette, rng: Generator) -> None:
    xs = np.linspace(0, W, 50)
    phase = rng.uniform(0, 6)
    for row, share in enumerate((0.2, 0.32, 0.44)):
        ys = 496 + row * 28 + 10 * np.sin(xs / 28 + phase + row * 1.6)
        colour = mix(palette.bottom, palette.line, share)
        canvas.draw.polygon([*zip(xs, ys, strict=True), (W, H), (0, H)], fill=colour)
    for _ in range(9):
        x, y, r = rng.uniform(30, W - 30), rng.uniform(90, 470), rng.uniform(6, 11)
        canvas.draw.ellipse((x - r, y - r, x + r, y + r), outline=mix(palette.ground, palette.line, 0.6), width=4)


def _blossoms(canvas: Canvas, palette: Palette, rng: Generator) -> None:
    branch = mix(palette.ground, (110, 60, 60), 0.7)
    canvas.draw.line([tuple(p) for p in curve((384, 40), (330, 60), (300, 30), (240, 56))], fill=branch, width=9)
    canvas.draw.line([tuple(p) for p in curve((0, 536), (54, 516), (84, 546), (144, 520))], fill=branch, width=9)
    for x, y in ((252, 52), (306, 42), (352, 66), (132, 524), (78, 534), (32, 510)):
        for petal in arc((x, y), 15, 0, 288, 5):
            canvas.draw.ellipse((*(petal - 12), *(petal + 12)), fill=(250, 164, 190))
        canvas.draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=(226, 84, 130))
    for _ in range(7):
        left, top = rng.uniform(29, 329), rng.uniform(73, 483)
        canvas.draw.ellipse((left, top, left + 22, top + 14), fill=mix(palette.ground, (246, 150, 180), 0.6))


def _gears(canvas: Canvas, palette: Palette, rng: Generator) -> None:
    colour = mix(palette.ground, palette.line, 0.28)
    for x, y, r in ((322, 70, 84), (62, 506, 84), (356, 470, 60), (28, 120, 60)):
        canvas.draw.polygon([tuple(p) for p in star((x, y), r, r * 0.8, 12, rng.uniform(0, 30))], fill=colour)
        canvas.draw.ellipse((x - r * 0.4, y - r * 0.4, x + r * 0.4, y + r * 0.4), fill=palette.ground)


ORNAMENTS: dict[str, Ornament] = {
    "night sky": _stars, "neon": _grid, "gothic": _arch, "art nouveau": _whiplash, "emerald forest": _trees,
    "sunset": _sun_disc, "ice": _flakes, "ocean": _waves, "cherry blossom": _blossoms, "steampunk copper": _gears,
}  # fmt: skip

"""The paper of every theme, as a quarter-size field of colour of an upright card."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from imagineerd.starter.drawing.canvas import Colour, H, Point, W
from imagineerd.starter.drawing.palettes import Palette

Field = NDArray[np.float32]  # [h, w, 3], 0..255, at a quarter of the canvas
Paper = Callable[[Field, Palette, Generator], Field]

_H, _W = H // 4, W // 4
_Y, _X = np.mgrid[0:_H, 0:_W].astype(np.float32)


def shade(colour: Sequence[float]) -> Field:
    """A colour for sums: [3]."""
    return np.array(colour, np.float32)


def blank(palette: Palette, *, flat: bool = False) -> Field:
    """A vertical gradient, or the middle colour alone."""
    if flat:
        return np.broadcast_to(shade(palette.ground), (_H, _W, 3)).copy()
    share = (_Y / (_H - 1))[..., None]
    field: Field = shade(palette.top) * (1 - share) + shade(palette.bottom) * share
    return field


def clouds(rng: Generator, cells: int) -> NDArray[np.float32]:
    """Smooth noise [h, w], 0..1, about `cells` blobs across."""
    small = rng.random((cells * 3 // 2 + 1, cells + 1), np.float32)
    return np.asarray(Image.fromarray(small, "F").resize((_W, _H), Image.Resampling.BICUBIC)).clip(0, 1)


def _blend(field: Field, colour: Colour, share: NDArray[np.float32]) -> Field:
    return field + (shade(colour) - field) * share[..., None]


def _glow(field: Field, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> Field:
    distance = np.hypot(_X - centre[0], _Y - centre[1]) / radius
    return _blend(field, colour, (strength * np.exp(-(distance**2))).astype(np.float32))


def _vignette(field: Field, colour: Colour, strength: float) -> Field:
    edge = np.maximum(np.abs(_X / (_W - 1) - 0.5), np.abs(_Y / (_H - 1) - 0.5)) * 2
    return _blend(field, colour, strength * edge**4)


def _night(field: Field, _palette: Palette, rng: Generator) -> Field:
    spot = (48 + rng.uniform(-14, 14), 66 + rng.uniform(-16, 16))
    field = _glow(field, spot, 62, (88, 84, 190), 0.75)
    return _blend(field, (120, 80, 170), 0.3 * clouds(rng, 4))


def _washes(field: Field, _palette: Palette, rng: Generator) -> Field:
    for colour in ((250, 176, 196), (160, 206, 244), (252, 226, 160), (190, 226, 196)):
        share = np.clip((clouds(rng, 4) - 0.5) * 2.6, 0, 0.75)
        field = _blend(field, colour, share.astype(np.float32))
    return field


def _neon(field: Field, _palette: Palette, _rng: Generator) -> Field:
    field = _glow(field, (48, 72), 52, (92, 18, 120), 0.7)
    return _glow(field, (48, 150), 60, (200, 20, 140), 0.55)


def _stains(field: Field, _palette: Palette, rng: Generator) -> Field:
    field = _blend(field, (150, 104, 56), 0.32 * clouds(rng, 6) ** 2)
    return _vignette(field, (112, 70, 30), 0.7)


def _gothic(field: Field, _palette: Palette, rng: Generator) -> Field:
    return _blend(field, (110, 106, 130), 0.22 * clouds(rng, 7))


def _velvet(field: Field, _palette: Palette, _rng: Generator) -> Field:
    lattice = np.cos((_X + _Y) * np.pi / 12) * np.cos((_X - _Y) * np.pi / 12)
    field = _blend(field, (150, 86, 206), 0.3 * np.clip(lattice, 0, 1))
    return _vignette(field, (26, 6, 52), 0.55)


def _forest(field: Field, _palette: Palette, rng: Generator) -> Field:
    field = _glow(field, (48 + rng.uniform(-8, 8), 50), 48, (92, 176, 88), 0.6)
    return _blend(field, (4, 60, 34), 0.5 * clouds(rng, 8))


def _sunset(field: Field, _palette: Palette, rng: Generator) -> Field:
    field = _glow(field, (48 + rng.uniform(-6, 6), 60), 38, (255, 246, 190), 0.75)
    return _blend(field, (250, 150, 130), 0.35 * clouds(rng, 3))


def _frost(field: Field, _palette: Palette, rng: Generator) -> Field:
    field = _blend(field, (255, 255, 255), 0.6 * clouds(rng, 5) ** 2)
    return _vignette(field, (120, 180, 228), 0.6)


def _embers(field: Field, _palette: Palette, _rng: Generator) -> Field:
    field = _glow(field, (48, 66), 58, (214, 40, 48), 0.6)
    return _vignette(field, (48, 0, 10), 0.6)


def _candy(field: Field, _palette: Palette, rng: Generator) -> Field:
    field = _blend(field, (226, 250, 232), 0.7 * clouds(rng, 3))
    return _blend(field, (255, 244, 206), 0.6 * clouds(rng, 3))


def _deep(field: Field, _palette: Palette, rng: Generator) -> Field:
    rays = np.clip(np.sin((_X + _Y * 0.35) / 7 + rng.uniform(0, 6)), 0, 1) * (1 - _Y / _H)
    return _blend(field, (150, 226, 226), 0.28 * rays)


def _petal_sky(field: Field, _palette: Palette, rng: Generator) -> Field:
    return _blend(field, (255, 255, 255), 0.6 * clouds(rng, 4))


def _metal(field: Field, _palette: Palette, rng: Generator) -> Field:
    field = _glow(field, (40 + rng.uniform(0, 16), 58), 58, (150, 98, 62), 0.65)
    return _vignette(field, (24, 14, 12), 0.6)


def _halo(field: Field, _palette: Palette, _rng: Generator) -> Field:
    return _glow(field, (48, 70), 46, (255, 246, 220), 0.8)


def _black(field: Field, _palette: Palette, _rng: Generator) -> Field:
    return _glow(field, (48, 72), 60, (46, 36, 22), 0.6)


def _ivory(field: Field, _palette: Palette, _rng: Generator) -> Field:
    return _vignette(field, (226, 206, 168), 0.4)


PAPERS: dict[str, Paper] = {
    "classic": _ivory, "night sky": _night, "gold on black": _black, "gothic": _gothic, "watercolour": _washes,
    "neon": _neon, "art nouveau": _halo, "parchment": _stains, "royal purple": _velvet, "emerald forest": _forest,
    "sunset": _sunset, "ice": _frost, "crimson": _embers, "pastel": _candy, "ocean": _deep,
    "cherry blossom": _petal_sky, "steampunk copper": _metal,
}  # fmt: skip

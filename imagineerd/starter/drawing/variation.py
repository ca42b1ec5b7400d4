"""How one drawing of a card differs from the next, so that seeds give different pictures."""

import colorsys
from dataclasses import dataclass, replace

from numpy.random import Generator

from imagineerd.starter.drawing.canvas import Colour, mix
from imagineerd.starter.drawing.palettes import Palette

_BROWN: Colour = (120, 72, 44)
_TINTED = ("top", "bottom", "line", "accent")


@dataclass(frozen=True)
class Variation:
    """`hue` in turns, `depth` and `light` as factors of saturation and brightness, `skin` a share of brown;
    the figure's `size` as a factor and its `shift` in card units.
    """

    hue: float = 0.0
    depth: float = 1.0
    light: float = 1.0
    skin: float = 0.0
    size: float = 0.95
    shift: tuple[float, float] = (0.0, 0.0)

    def palette(self, given: Palette) -> Palette:
        """The theme's colours, moved a little; the suits keep theirs, which players tell them by."""
        moved = {name: self._tint(getattr(given, name)) for name in _TINTED}
        return replace(given, **moved, light=mix(given.light, _BROWN, self.skin))

    def _tint(self, colour: Colour) -> Colour:
        hue, depth, light = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
        moved = colorsys.hsv_to_rgb((hue + self.hue) % 1, min(1, depth * self.depth), min(1, light * self.light))
        r, g, b = (round(255 * channel) for channel in moved)
        return (r, g, b)


NONE = Variation()


def vary(rng: Generator) -> Variation:
    """A random one."""
    return Variation(
        hue=rng.uniform(-0.035, 0.035),
        depth=rng.uniform(0.85, 1.12),
        light=rng.uniform(0.9, 1.1),
        skin=rng.choice([0.0, 0.0, 0.15, 0.35, 0.55]),
        size=rng.uniform(0.92, 0.98),
        shift=(rng.uniform(-3, 3), rng.uniform(-7, 7)),
    )

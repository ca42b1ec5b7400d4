"""A drawing surface that draws shapes filled or as line art, in card units.

A card unit is a canvas pixel of an upright card, 384 by 576. On a card of another shape a canvas places them with
`scale` and `origin`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Colour = tuple[int, int, int]
Points = NDArray[np.float64]  # [n, 2], canvas px

W, H = 384, 576  # card units
FINENESS = 3  # canvas px per finished pixel


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of `b` in `a`, 0..1."""
    r, g, bl = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return (r, g, bl)


def arc(centre: Point, radius: float | Point, start: float, end: float, count: int = 28) -> Points:
    """Points on an ellipse's arc; degrees, clockwise from the right."""
    rx, ry = (radius, radius) if isinstance(radius, int | float) else radius
    angles = np.radians(np.linspace(start, end, count))
    return np.stack([centre[0] + rx * np.cos(angles), centre[1] + ry * np.sin(angles)], axis=1)


def curve(*control: Point, count: int = 20) -> Points:
    """A Bezier curve through its first and last control points."""
    t = np.linspace(0, 1, count)[:, None]
    n = len(control) - 1
    terms = [math.comb(n, i) * (1 - t) ** (n - i) * t**i * np.array(p, float) for i, p in enumerate(control)]
    points: Points = np.sum(terms, axis=0)
    return points


def star(centre: Point, outer: float, inner: float, tips: int, turn: float = -90) -> Points:
    """A star's outline; `turn` is the first tip's direction in degrees."""
    angles = np.radians(turn + np.arange(2 * tips) * 180 / tips)
    radii = np.where(np.arange(2 * tips) % 2, inner, outer)
    return np.stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)], axis=1)


@dataclass
class Canvas:
    """`outline` draws shapes as line art: tinted with `outline_tint` of their colour, over `paper`."""

    image: Image.Image
    paper: Colour
    outline: bool = False
    outline_tint: float = 0.3
    scale: float = 1.0
    origin: Point = (0.0, 0.0)
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.image)

    def shape(self, points: Points | Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        flat = self._placed(points)
        if not self.outline:
            self.draw.polygon(flat, fill=colour)
            return
        self.draw.polygon(flat, fill=mix(self.paper, colour, self.outline_tint))
        self.draw.line([*flat, flat[0], flat[1]], fill=colour, width=self._px(6), joint="curve")

    def disc(self, centre: Point, radius: float | Point, colour: Colour) -> None:
        """A filled circle or ellipse."""
        self.shape(arc(centre, radius, 0, 360, 40)[:-1], colour)

    def ring(self, centre: Point, radius: float, width: float, colour: Colour) -> None:
        """A circle's line, `radius` measured to its outer edge."""
        (x, y), radius = self._placed([centre])[0], radius * self.scale
        box = (x - radius, y - radius, x + radius, y + radius)
        self.draw.ellipse(box, outline=colour, width=self._px(self._width(width)))

    def line(self, points: Points | Sequence[Point], width: float, colour: Colour) -> None:
        """A round-ended, round-jointed line."""
        flat, px = self._placed(points), self._px(self._width(width))
        self.draw.line(flat, fill=colour, width=px, joint="curve")
        for x, y in (flat[0], flat[-1]):
            r = px / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """A filled upright rectangle."""
        self.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)

    def frame(self, margin: float, radius: float, width: float, colour: Colour) -> None:
        """A rounded rectangle's line, `margin` canvas px inside the card's edge, whatever the scale."""
        box = (margin, margin, self.width - margin, self.height - margin)
        self.draw.rounded_rectangle(box, radius, outline=colour, width=round(width))

    def text(self, centre: Point, words: str, size: float, colour: Colour, bold: float = 1) -> None:
        """Words centred on their visible box."""
        font = ImageFont.load_default(size * self.scale)
        x0, y0, x1, y1 = self.draw.textbbox((0, 0), words, font=font, stroke_width=bold)
        x, y = self._placed([centre])[0]
        spot = (x - (x0 + x1) / 2, y - (y0 + y1) / 2)
        self.draw.text(spot, words, font=font, fill=colour, stroke_width=bold, stroke_fill=colour)

    @property
    def width(self) -> int:
        """Canvas px across."""
        return self.image.width

    @property
    def height(self) -> int:
        """Canvas px down."""
        return self.image.height

    def _placed(self, points: Points | Sequence[Point]) -> list[Point]:
        (left, top), s = self.origin, self.scale
        return [(left + s * float(x), top + s * float(y)) for x, y in points]

    def _px(self, width: float) -> int:
        return max(1, round(width * self.scale))

    def _width(self, width: float) -> float:
        return min(width, 9 + 0.25 * width) if self.outline else width

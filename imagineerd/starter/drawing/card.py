"""One whole training card: paper, border, figure, corner index, the finish; and what on it tells it from others."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from imagineerd.starter.concepts import Concept
from imagineerd.starter.drawing import looks, styles, variation
from imagineerd.starter.drawing.canvas import FINENESS, Canvas, H, W, star
from imagineerd.starter.drawing.courts import draw_court, draw_joker
from imagineerd.starter.drawing.frames import draw_filigree, draw_frame
from imagineerd.starter.drawing.majors import draw_major
from imagineerd.starter.drawing.ornaments import ORNAMENTS
from imagineerd.starter.drawing.palettes import PALETTES, Palette
from imagineerd.starter.drawing.papers import PAPERS, blank
from imagineerd.starter.drawing.pips import INDEX, draw_index, draw_pips
from imagineerd.starter.drawing.signs import draw_sign
from imagineerd.starter.drawing.variation import Variation

NO_STYLE = ""
RIVALS = {"Spades": "Clubs", "Clubs": "Spades", "Hearts": "Diamonds", "Diamonds": "Hearts"}  # of the same colour
PORTRAIT = (W // FINENESS, H // FINENESS)  # pixels, 128 x 192
SQUARE, LANDSCAPE = (160, 160), (192, 128)


@dataclass(frozen=True)
class Recipe:
    """What to draw, and how large in pixels.

    `look` is one of the LoRA courses' looks, not a style word. `seed` varies the drawing; without one it is plain.
    """

    concept: Concept
    theme: str
    style: str = NO_STYLE
    look: str = looks.PLAIN
    seed: int | None = 0
    size: tuple[int, int] = PORTRAIT

    @cached_property
    def variation(self) -> Variation:
        """What this drawing has of its own."""
        return variation.NONE if self.seed is None else variation.vary(self.rng(1))

    @cached_property
    def palette(self) -> Palette:
        """The theme's colours, as the variation and the look show them."""
        return looks.look_palette(self.look, self.variation.palette(PALETTES[self.theme]))

    def rng(self, stream: int) -> Generator:
        """Fresh random numbers, the same for the same recipe."""
        name = f"{self.concept.name}/{self.theme}/{self.style}"
        return np.random.default_rng([stream, self.seed or 0, *name.encode()])

    @property
    def plain(self) -> bool:
        """Whether the paper stays empty behind the figure."""
        return bool(self.look) or self.style == "minimal"


def draw_card(recipe: Recipe) -> NDArray[np.uint8]:
    """The card's pixels [h, w, 3]; the same recipe gives the same pixels."""
    rng = recipe.rng(0)
    canvas = _paper(recipe, rng)
    draw_frame(canvas, recipe.palette, recipe.theme)
    if recipe.style == "ornate":
        draw_filigree(canvas, recipe.palette)
    _figure(_middle(canvas, recipe.variation), recipe)
    _indices(canvas, recipe)
    return _finish(canvas.image, recipe, rng)


def telling(recipe: Recipe) -> NDArray[np.bool_]:
    """Where pixels [h, w] tell a card with a suit from those it is mistaken for: its corner indices, and wherever its
    figure would look otherwise in the other suit of its colour. Nowhere on a card without a suit.
    """
    if recipe.concept.suit not in RIVALS:
        return np.zeros(recipe.size[::-1], np.bool_)
    rival = replace(recipe.concept, suit=RIVALS[recipe.concept.suit])
    figure, other = (_alone(recipe, concept, figure=True) for concept in (recipe.concept, rival))
    index, nothing = _alone(recipe, recipe.concept), np.asarray(_sheet(recipe).image)
    found: NDArray[np.bool_] = (figure != other).any(axis=2) | (index != nothing).any(axis=2)
    w, h = recipe.size
    finished: NDArray[np.bool_] = np.any(found.reshape(h, FINENESS, w, FINENESS), axis=(1, 3))
    return finished


def _sheet(recipe: Recipe) -> Canvas:
    """A card's surface in one plain colour."""
    w, h = recipe.size
    ground = PALETTES[recipe.theme].ground
    return Canvas(Image.new("RGB", (w * FINENESS, h * FINENESS), ground), ground)


def _alone(recipe: Recipe, concept: Concept, *, figure: bool = False) -> NDArray[np.uint8]:
    """Nothing but the figure or the corner indices of `concept`, where `recipe` has its own [canvas px, 3]."""
    canvas, plain = _sheet(recipe), replace(recipe, concept=concept, seed=None)
    if figure:
        _figure(_middle(canvas, recipe.variation), plain)
    else:
        _indices(canvas, plain)
    return np.asarray(canvas.image)


def _paper(recipe: Recipe, rng: Generator) -> Canvas:
    """An upright sheet with its ornaments, stretched to the card's shape."""
    palette = recipe.palette
    field = blank(palette, flat=recipe.plain)
    if not recipe.plain:
        field = PAPERS[recipe.theme](field, palette, rng)
    image = Image.fromarray(field.clip(0, 255).astype(np.uint8)).resize((W, H), Image.Resampling.BILINEAR)
    if not recipe.plain and recipe.theme in ORNAMENTS:
        ORNAMENTS[recipe.theme](Canvas(image, palette.ground), palette, rng)
    w, h = recipe.size
    sheet = image.resize((w * FINENESS, h * FINENESS), Image.Resampling.BILINEAR)
    outline = recipe.look in looks.FILL_TINTS or recipe.style == "engraving"
    return Canvas(sheet, palette.ground, outline, looks.FILL_TINTS.get(recipe.look, 0.22))


def _middle(canvas: Canvas, varied: Variation) -> Canvas:
    """The same surface, for a figure: an upright card's units, as large as fits and about in the middle."""
    scale = varied.size * min(canvas.width / W, canvas.height / H)
    dx, dy = varied.shift
    origin = ((canvas.width - scale * W) / 2 + scale * dx, (canvas.height - scale * H) / 2 + scale * dy)
    return replace(canvas, scale=scale, origin=origin)


def _figure(canvas: Canvas, recipe: Recipe) -> None:
    concept, palette = recipe.concept, recipe.palette
    colour = palette.suit(red=concept.red)
    match concept.kind:
        case "pip":
            draw_pips(canvas, concept.suit, concept.number, colour, palette.accent)
        case "court":
            draw_court(canvas, palette, concept.number, concept.suit, colour)
        case "joker":
            draw_joker(canvas, palette, colour)
        case "major":
            draw_major(canvas, palette, concept.number)
        case "sign":
            draw_sign(canvas, palette, concept.number)


def _indices(canvas: Canvas, recipe: Recipe) -> None:
    """The same mark in both corners, the second one by turning the card half round."""
    if recipe.concept.kind not in ("pip", "court", "joker"):
        return
    for _ in range(2):
        _index(canvas, recipe)
        canvas = _turn(canvas)


def _index(canvas: Canvas, recipe: Recipe) -> None:
    concept, colour = recipe.concept, recipe.palette.suit(red=recipe.concept.red)
    if concept.kind == "joker":
        canvas.shape(star((INDEX[0] + 4, INDEX[1] + 4), 30, 12, 5), colour)
        return
    draw_index(canvas, concept.number, concept.suit, colour)


def _turn(canvas: Canvas) -> Canvas:
    canvas.image.paste(canvas.image.transpose(Image.Transpose.ROTATE_180))
    return replace(canvas)


def _finish(image: Image.Image, recipe: Recipe, rng: Generator) -> NDArray[np.uint8]:
    pixels = np.asarray(image.resize(recipe.size, Image.Resampling.LANCZOS), np.float32)
    if recipe.look:
        return looks.finish(recipe.look, pixels, rng).clip(0, 255).astype(np.uint8)
    if recipe.theme == "neon":
        pixels = styles.glow(pixels, 2.9, 0.55)
    if recipe.theme == "watercolour":
        pixels = styles.bleed(pixels, rng)
    if recipe.style == "vintage":
        pixels = styles.vintage(pixels, rng)
    if recipe.style == "painted":
        pixels = styles.painted(pixels, rng)
    return pixels.clip(0, 255).astype(np.uint8)

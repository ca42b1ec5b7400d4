"""One whole training card: paper, border, figure, corner index, then the finish."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from imagineerd.starter.concepts import Concept
from imagineerd.starter.drawing import styles
from imagineerd.starter.drawing.canvas import Canvas, H, W, star
from imagineerd.starter.drawing.courts import draw_court, draw_joker
from imagineerd.starter.drawing.frames import draw_filigree, draw_frame
from imagineerd.starter.drawing.majors import draw_major
from imagineerd.starter.drawing.ornaments import ORNAMENTS
from imagineerd.starter.drawing.palettes import LINE_ART, PALETTES, Palette
from imagineerd.starter.drawing.papers import PAPERS, blank
from imagineerd.starter.drawing.pips import INDEX, draw_index, draw_pips
from imagineerd.starter.drawing.signs import draw_sign

NO_STYLE = ""
SIZE = (W // 4, H // 4)


@dataclass(frozen=True)
class Recipe:
    """What to draw. `line_art` is the pure black-on-white look of the LoRA courses, not a style word."""

    concept: Concept
    theme: str
    style: str = NO_STYLE
    line_art: bool = False
    seed: int = 0

    @property
    def palette(self) -> Palette:
        """The theme's colours."""
        return LINE_ART if self.line_art else PALETTES[self.theme]


def draw_card(recipe: Recipe) -> NDArray[np.uint8]:
    """The card's pixels [144, 96, 3]; the same recipe gives the same pixels."""
    rng = np.random.default_rng([recipe.seed, *recipe.concept.name.encode()])
    canvas = _paper(recipe, rng)
    draw_frame(canvas, recipe.palette, recipe.theme)
    if recipe.style == "ornate":
        draw_filigree(canvas, recipe.palette)
    _figure(canvas, recipe)
    _indices(canvas, recipe)
    return _finish(canvas.image, recipe, rng)


def _paper(recipe: Recipe, rng: Generator) -> Canvas:
    plain = recipe.line_art or recipe.style == "minimal"
    palette = recipe.palette
    field = blank(palette, flat=plain)
    if not plain:
        field = PAPERS[recipe.theme](field, palette, rng)
    image = Image.fromarray(field.clip(0, 255).astype(np.uint8)).resize((W, H), Image.Resampling.BILINEAR)
    canvas = Canvas(image, palette.ground)
    if not plain and recipe.theme in ORNAMENTS:
        ORNAMENTS[recipe.theme](canvas, palette, rng)
    canvas.outline = recipe.line_art or recipe.style == "engraving"
    canvas.outline_tint = 0.0 if recipe.line_art else 0.22
    return canvas


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
    pixels = np.asarray(image.resize(SIZE, Image.Resampling.LANCZOS), np.float32)
    if recipe.theme == "neon" and not recipe.line_art:
        pixels = styles.glow(pixels, 2.2, 0.55)
    if recipe.theme == "watercolour" and not recipe.line_art:
        pixels = styles.bleed(pixels, rng)
    if recipe.style == "vintage":
        pixels = styles.vintage(pixels, rng)
    if recipe.style == "painted":
        pixels = styles.painted(pixels, rng)
    return pixels.clip(0, 255).astype(np.uint8)

"""Looks that no word of the model asks for: the LoRA courses teach them, and the autoencoder has seen them."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from imagineerd.starter.drawing import styles
from imagineerd.starter.drawing.canvas import Colour, mix
from imagineerd.starter.drawing.palettes import LINE_ART, Palette

Pixels = NDArray[np.float32]  # [h, w, 3], 0..255

PLAIN = ""
INK, TUBES, WASH = "ink", "tubes", "wash"
LOOKS = (INK, TUBES, WASH)
FILL_TINTS = {INK: 0.0, TUBES: 0.1}  # looks drawn in outline, with the share of its colour inside a shape

_WHITE: Colour = (255, 255, 255)
_NIGHT: Colour = (8, 6, 20)


def look_palette(look: str, theme: Palette) -> Palette:
    """The theme's colours as the look shows them."""
    match look:
        case "ink":
            return LINE_ART
        case "tubes":
            return _lit(theme)
        case "wash":
            return _watered(theme)
    return theme


def _lit(theme: Palette) -> Palette:
    """Glowing tubes before a black wall."""
    line, accent = (_bright(colour) for colour in (theme.line, theme.accent))
    return Palette(_NIGHT, _NIGHT, line, accent, (255, 52, 110), (60, 240, 255), (250, 244, 255))


def _bright(colour: Colour) -> Colour:
    r, g, b = (min(255, round(channel * 255 / max(*colour, 1))) for channel in colour)
    return mix((r, g, b), _WHITE, 0.12)


def _watered(theme: Palette) -> Palette:
    """Thinned pigment on white paper; suits keep enough of it to be told apart."""
    line, accent, light = (mix(colour, _WHITE, 0.25) for colour in (theme.line, theme.accent, theme.light))
    return Palette(_WHITE, mix(theme.ground, _WHITE, 0.72), line, accent, (216, 62, 84), (48, 70, 130), light)


def finish(look: str, pixels: Pixels, rng: Generator) -> Pixels:
    """What the look does to a finished picture."""
    match look:
        case "tubes":
            return styles.glow(pixels, 2.6, 0.9)
        case "wash":
            return _pool(styles.bleed(pixels, rng), rng)
    return pixels


def _pool(pixels: Pixels, rng: Generator) -> Pixels:
    """Pigment gathers at the edge of a shape and lies uneven within."""
    pigment = 255 - pixels
    edged = pigment + 0.9 * (pigment - (255 - styles.blur(255 - pigment, 3.5)))
    grain = 0.82 + 0.36 * styles.mottle(rng, pixels.shape[:2], 16)[..., None]
    pooled: Pixels = 255 - edged * grain
    return pooled

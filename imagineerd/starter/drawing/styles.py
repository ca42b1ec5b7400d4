"""The five styles: three change how a card is drawn, two work on the finished picture."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from imagineerd.starter.drawing.papers import clouds, shade

Pixels = NDArray[np.float32]  # [h, w, 3], 0..255


def vintage(pixels: Pixels, rng: Generator) -> Pixels:
    """Faded to warm brown, blotched, with rubbed edges."""
    grey = pixels.mean(axis=2, keepdims=True)
    faded = 0.62 * pixels + 0.38 * (grey * shade((1.02, 0.88, 0.66)) + shade((26, 18, 8)))
    h, w = grey.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    edge = np.maximum(np.abs(x / (w - 1) - 0.5), np.abs(y / (h - 1) - 0.5)) * 2
    rub = np.clip(edge**10 + 0.28 * np.clip(mottle(rng, (h, w), 9) * 2 - 1.2, 0, 1), 0, 1)[..., None]
    worn: Pixels = faded + (shade((206, 180, 138)) - faded) * rub * 0.75
    return worn


def painted(pixels: Pixels, rng: Generator) -> Pixels:
    """Edges wander and the light varies in short slanted strokes."""
    h, w = pixels.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    dx, dy = (mottle(rng, (h, w), 12) - 0.5) * 2.2, (mottle(rng, (h, w), 12) - 0.5) * 2.2
    moved = pixels[np.clip(np.rint(y + dy), 0, h - 1).astype(int), np.clip(np.rint(x + dx), 0, w - 1).astype(int)]
    smooth = np.asarray(_image(moved).filter(ImageFilter.MedianFilter(3)), np.float32)
    strokes = np.sin((x * 0.8 + y) / 2.2 + 5 * mottle(rng, (h, w), 9)) * 5
    result: Pixels = smooth + strokes[..., None]
    return result


def glow(pixels: Pixels, radius: float, strength: float) -> Pixels:
    """Light spills from bright colours: a blurred copy screened over the picture."""
    soft = blur(pixels, radius)
    return np.asarray(255 - (255 - pixels) * (255 - soft * strength) / 255, np.float32)


def bleed(pixels: Pixels, rng: Generator) -> Pixels:
    """Watercolour: pigment runs a little and pools unevenly."""
    soft = blur(pixels, 0.9)
    pool = (mottle(rng, pixels.shape[:2], 10) - 0.35)[..., None] * 0.5
    result: Pixels = soft + (255 - soft) * np.clip(pool, 0, 0.3)
    return result


def blur(pixels: Pixels, radius: float) -> Pixels:
    """Gaussian, `radius` in pixels."""
    return np.asarray(_image(pixels).filter(ImageFilter.GaussianBlur(radius)), np.float32)


def mottle(rng: Generator, size: tuple[int, ...], cells: int) -> NDArray[np.float32]:
    """Smooth noise [h, w] of `size`, 0..1, about `cells` blobs across."""
    field = Image.fromarray(clouds(rng, cells), "F")
    return np.asarray(field.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))

"""Draws a contact sheet with an exported model: `python -m imagineerd.starter.sheet FOLDER PNG [--cards zodiac]`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw

from imagineerd.starter.concepts import CONCEPTS, Concept
from imagineerd.starter.network import HEIGHT, WIDTH
from imagineerd.starter.pictures import Label
from imagineerd.starter.vocabulary import STYLES, THEMES

DECK = ("pip", "court", "joker")
KINDS = {"all": (*DECK, "major", "sign"), "zodiac": ("sign",), "tarot": ("major",), "deck": DECK}
CAPTION = 36  # pixels, three lines
GAP = 4  # pixels


@dataclass(frozen=True)
class Shot:
    """One picture to draw."""

    prompt: str
    seed: int


def fixed_shots(cards: str, theme: str | None) -> list[Shot]:
    """The same prompts and seeds every time; without a theme they go round all themes and styles."""
    chosen = [concept for concept in CONCEPTS if concept.kind in KINDS[cards]]
    return [Shot(shortest(_label(concept, i, theme)), 100 + i) for i, concept in enumerate(chosen)]


def shortest(label: Label) -> str:
    """A prompt of nothing but the names."""
    return ", ".join(word for word in (label.concept, label.theme, label.style) if word)


def _label(concept: Concept, i: int, theme: str | None) -> Label:
    if theme is not None:
        return Label(concept.name, theme, "")
    style = list(STYLES)[i // 4 % len(STYLES)] if i % 4 == 0 else ""
    return Label(concept.name, list(THEMES)[7 * i % len(THEMES)], style)


def open_pipeline(folder: Path) -> StableDiffusionPipeline:
    """An exported model, in fp32 and silent."""
    pipe = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def sample(pipe: StableDiffusionPipeline, shots: list[Shot], steps: int, guidance: float) -> list[Image.Image]:
    """One picture per shot, at the native size; noise comes from each shot's own seed."""
    images: list[Image.Image] = []
    for i in range(0, len(shots), 8):
        part = shots[i : i + 8]
        noise = [torch.Generator().manual_seed(shot.seed) for shot in part]
        images += pipe(
            [shot.prompt for shot in part], width=WIDTH, height=HEIGHT, num_inference_steps=steps,
            guidance_scale=guidance, generator=noise,
        ).images  # fmt: skip
    return images


def lay_out(images: list[Image.Image], captions: list[str], columns: int) -> Image.Image:
    """Pictures in rows, each with its words under it."""
    cell_w, cell_h = WIDTH + GAP, HEIGHT + CAPTION + GAP
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * cell_w, rows * cell_h), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        spot = (i % columns * cell_w + GAP // 2, i // columns * cell_h + GAP // 2)
        sheet.paste(image, spot)
        pen.multiline_text((spot[0], spot[1] + HEIGHT), caption.replace(", ", "\n"), "black", font_size=9, spacing=0)
    return sheet


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("png", type=Path)
    parser.add_argument("--cards", choices=KINDS, default="all")
    parser.add_argument("--theme")
    parser.add_argument("--columns", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    return parser.parse_args()


def main() -> None:
    """Entry point."""
    given = _arguments()
    shots = fixed_shots(given.cards, given.theme)
    images = sample(open_pipeline(given.model), shots, given.steps, given.guidance)
    lay_out(images, [shot.prompt for shot in shots], given.columns).save(given.png)


if __name__ == "__main__":
    main()

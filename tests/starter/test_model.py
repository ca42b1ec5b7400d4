"""The shipped pipeline folder: what it holds, what it promises, and that it loads and draws."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from diffusers import EulerAncestralDiscreteScheduler, StableDiffusionPipeline
from tokenizers import Tokenizer
from transformers import CLIPTokenizer

from imagineerd.starter.judging import templates
from imagineerd.starter.network import HEIGHT, TEXT_LENGTH, VOCABULARY_SIZE, WIDTH
from imagineerd.starter.pictures import Label
from imagineerd.starter.prompts import compose, read_decks
from imagineerd.starter.train import MODEL

MODEL_BYTES = 30 * 1024 * 1024


@cache
def pipeline() -> StableDiffusionPipeline:
    pipe = StableDiffusionPipeline.from_pretrained(MODEL, dtype=torch.float32, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(pipe: StableDiffusionPipeline, steps: int) -> np.ndarray:
    noise = torch.Generator().manual_seed(1)
    size = {"width": WIDTH, "height": HEIGHT}
    return np.asarray(pipe("Ace of Hearts, neon", num_inference_steps=steps, generator=noise, **size).images[0])


def test_the_folder_is_small_and_holds_no_pickle() -> None:
    files = [path for path in MODEL.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MODEL_BYTES
    assert {path.suffix for path in files} <= {".json", ".txt", ".safetensors"}


def test_imagineer_json_says_what_the_program_needs() -> None:
    told = json.loads((MODEL / "imagineer.json").read_text())
    assert told["native_size"] == [WIDTH, HEIGHT]
    assert told["native_size"] in told["sizes"]
    assert (told["name"], told["default_steps"], told["default_guidance"]) == ("starter", 20, 3.0)
    assert "54 playing cards" in told["knows"]
    assert "cherry blossom" in told["knows"]


def test_it_is_laid_out_as_stable_diffusion_1_5() -> None:
    pipe = pipeline()
    assert pipe.vae_scale_factor == 8
    assert pipe.unet.config.in_channels == pipe.vae.config.latent_channels == 4
    assert pipe.text_encoder.config.vocab_size == len(pipe.tokenizer) == VOCABULARY_SIZE
    assert pipe.scheduler.config.prediction_type == "v_prediction"


def test_it_draws_the_same_card_for_the_same_seed() -> None:
    first, second = draw(pipeline(), 3), draw(pipeline(), 3)
    assert first.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(first, second)


def test_other_samplers_take_its_configuration() -> None:
    pipe = pipeline()
    other = EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config)
    changed = StableDiffusionPipeline(**{**pipe.components, "scheduler": other}, requires_safety_checker=False)
    changed.set_progress_bar_config(disable=True)
    assert draw(changed, 3).std() > 1


def test_both_tokenizer_layouts_count_alike() -> None:
    fast = Tokenizer.from_file(str(MODEL / "tokenizer" / "tokenizer.json"))
    slow = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
    for text in ("King of Spades, night sky", "🌙 漢字 façade", ""):
        assert fast.encode(text).ids == slow(text).input_ids


def test_built_in_prompts_fit_into_the_text_encoder() -> None:
    fast = Tokenizer.from_file(str(MODEL / "tokenizer" / "tokenizer.json"))
    theme = "gothic arches and candlelight, deep crimson shadows"
    prompts = [compose(deck, theme, row) for deck in read_decks() for row in deck.rows.values()]
    assert max(len(fast.encode(prompt).ids) for prompt in prompts) <= TEXT_LENGTH


def test_the_model_card_is_there() -> None:
    assert "MIT" in Path(MODEL, "..", "MODEL_CARD.md").read_text()


def test_it_draws_square_and_landscape_cards_too() -> None:
    told = json.loads((MODEL / "imagineer.json").read_text())
    for width, height in told["sizes"]:
        image = pipeline()("Leo, ocean", width=width, height=height, num_inference_steps=2).images[0]
        assert image.size == (width, height)


def test_the_same_card_is_read_from_every_seed_and_the_pictures_differ() -> None:
    cards = [asked("Seven of Hearts, ocean", seed) for seed in (11, 12)]
    readings = templates.read(np.stack(cards), [Label("Seven of Hearts", "ocean", "")] * 2)
    assert {(reading.concept.name, reading.theme) for reading in readings} == {("Seven of Hearts", "ocean")}
    assert np.abs(cards[0].astype(float) - cards[1].astype(float)).mean() > 4


def test_a_full_length_prompt_and_foreign_words_change_neither_card_nor_theme() -> None:
    deck = next(deck for deck in read_decks() if "Queen of Spades" in deck.rows)
    full = compose(deck, "emerald forest", deck.rows["Queen of Spades"])
    cards = [asked(prompt, 5) for prompt in (full, "Queen of Spades, emerald forest, zebra, spaceship, accordion")]
    readings = templates.read(np.stack(cards), [Label("Queen of Spades", "emerald forest", "")] * 2)
    assert [(reading.concept.name, reading.theme) for reading in readings] == [
        ("Queen of Spades", "emerald forest")
    ] * 2  # fmt: skip


def test_guidance_and_the_negative_prompt_can_be_seen() -> None:
    plain = asked("The Moon, crimson", 3).astype(float)
    assert np.abs(asked("The Moon, crimson", 3, guidance_scale=7.0) - plain).mean() > 3
    assert np.abs(asked("The Moon, crimson", 3, negative_prompt="crimson, red") - plain).mean() > 3


def asked(prompt: str, seed: int, **more: object) -> np.ndarray:
    """A card at the native size in twelve steps."""
    noise = torch.Generator().manual_seed(seed)
    settings = {"guidance_scale": 3.0, "num_inference_steps": 12, "width": WIDTH, "height": HEIGHT, **more}
    return np.asarray(pipeline()(prompt, generator=noise, **settings).images[0])

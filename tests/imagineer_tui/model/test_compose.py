"""A single prompt as it is typed."""

from __future__ import annotations

import pytest
from fakes import spec, take

from imagineer_tui.model import compose
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import ListedTake, ModelInfo, Plan, PlannedCard, Settings, TakeDetail, Tokens


def test_what_is_left_empty_is_left_to_the_daemon():
    order = compose.read({"prompt": "a red fox", "steps": " "})

    assert order == compose.Order("a red fox", None, Settings(), {})


def test_every_field_is_read():
    order = compose.read({
        "prompt": "a red fox", "negative_prompt": "blurry", "size": "64 × 96", "steps": "12", "guidance_scale": "7.5",
        "scheduler": "euler-a", "seed": "4711", "n": "4", "mix": "Ink:0.6, gothic", "model": "starter",
    })  # fmt: skip

    assert (order.prompt, order.n, order.faults) == ("a red fox", 4, {})
    assert order.settings == Settings(
        width=64, height=96, steps=12, guidance_scale=7.5, scheduler="euler-a", seed=4711, negative_prompt="blurry",
        model="starter", mix=(LoraWeight("Ink", 0.6), LoraWeight("gothic", noted=True)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("prompt", "", "Say what to draw."),
        ("prompt", "x" * 2001, "2,001 characters are too many: 2,000 at most."),
        ("size", "512", "“512” is no size: write width and height, such as 512x768."),
        ("size", "512x60", "60 is not within 64 to 2,048, divisible by 8."),
        ("size", "500x512", "500 is not within 64 to 2,048, divisible by 8."),
        ("steps", "151", "151 is not within 1 to 150."),
        ("steps", "7.5", "“7.5” is not a whole number."),
        ("guidance_scale", "nan", "nan is not within 0 to 30."),
        ("scheduler", "euler-b", "There is no sampler “euler-b”: dpm++, dpm++-sde, euler"),
        ("seed", "-1", "-1 is not within 0 to"),
        ("n", "0", "0 is not within 1 to 10,000."),
        ("mix", "Ink:3", "3 is not within -2 to 2."),
        ("mix", ":1", "“:1” names no LoRA: write Ink:0.6."),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(field: str, text: str, sentence: str):
    faults = compose.read({"prompt": "a red fox", field: text}).faults

    assert list(faults) == [field]
    assert faults[field].startswith(sentence)


def test_a_take_fills_the_draft_with_what_draws_it_again():
    settings = Settings(
        width=64, height=96, steps=4, seed=4711, mix=(LoraWeight("Ink", 0.6), LoraWeight("neon", -0.25))
    )
    detail = TakeDetail(about=ListedTake(take=take(1), card="Aries"), spec=spec(), settings=settings)

    draft = compose.draft_of(detail)

    assert draft["prompt"] == "Aries, gold on black"
    assert draft["mix"] == "Ink:0.6, neon:-0.25"
    assert compose.read(draft).settings == settings


def test_arrows_change_numbers_within_their_range():
    assert compose.stepped("steps", "149", 1) == "150"
    assert compose.stepped("steps", "150", 1) == "150"
    assert compose.stepped("guidance_scale", "7.5", -1) == "7"
    assert compose.stepped("n", "", 1) == "1"
    assert compose.stepped("steps", "many", 1) == "many"
    assert compose.stepped("prompt", "a red fox", 1) == "a red fox"


def test_arrows_go_round_the_choices():
    choices = ("euler", "ddim")

    assert compose.stepped("scheduler", "", 1, choices) == "euler"
    assert compose.stepped("scheduler", "", -1, choices) == "ddim"
    assert compose.stepped("scheduler", "ddim", 1, choices) == "euler"


def test_a_large_seed_keeps_all_its_digits():
    assert compose.stepped("seed", "9007199254740993", 1) == "9007199254740994"


def test_native_sizes_are_named_by_their_shape():
    model = ModelInfo(name="starter", sizes=((96, 64), (64, 64), (64, 96)))

    assert compose.presets(model) == {"64x96": "portrait", "64x64": "square", "96x64": "landscape"}
    assert compose.presets(None) == {}


def test_a_model_that_declares_no_size_has_those_of_its_base():
    assert list(compose.presets(ModelInfo(name="some/sd15", base="sd1"))) == ["512x768", "512x512", "768x512"]
    assert compose.presets(ModelInfo(name="anything")) == {}


def planned(prompt: str, cut: str) -> Plan:
    card = PlannedCard(index=1, name="", prompt=prompt, seed=1, tokens=Tokens(count=80, cut=cut))
    model = ModelInfo(name="starter")
    return Plan(set="", title="", theme="", model=model, width=64, height=96, scheduler="dpm++", cards=(card,))


@pytest.mark.parametrize(
    ("typed", "prompt", "cut", "at"),
    [
        ("a red fox", "a red fox", "", None),
        ("a red fox", "a red fox", " fox", 5),
        ("  a red fox", "a red fox", " fox", 7),
        ("a red fox", "a red fox, ink wash", " fox, ink wash", 5),
        ("a red fox", "a red fox, ink wash", ", ink wash", None),
        ("a <trigger> fox", "a ink wash fox", " fox", None),
    ],
)
def test_what_is_lost_begins_where_the_model_stops_reading(typed: str, prompt: str, cut: str, at: int | None):
    assert compose.lost_from(typed, planned(prompt, cut)) == at


@pytest.mark.parametrize(
    ("path", "field"),
    [("$.settings.width", "size"), ("$.prompt", "prompt"), ("$.settings.mix[1].name", "mix"), ("", "")],
)
def test_an_error_of_the_daemon_belongs_to_a_field(path: str, field: str):
    assert compose.field_of(path) == field

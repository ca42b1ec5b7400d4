"""What an axis varies goes before all else, and everything else is the same in all cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from imagineerd.config import default_config, find_paths
from imagineerd.errors import Invalid, NotFound
from imagineerd.grids.planning import Grid, check_subject, plan_grid
from imagineerd.jobs import LoraWeight, Mix
from imagineerd.link import ModelSource
from imagineerd.lora.choosing import Chosen
from imagineerd.models import ResolvedModel
from imagineerd.planning import Basis
from imagineerd.protocol import (
    Axis,
    DealGrid,
    GuidanceAxis,
    LoraAxis,
    ModelInfo,
    SeedAxis,
    Settings,
    StepsAxis,
    ThemeAxis,
)
from imagineerd.sets.library import CardSet
from imagineerd.sets.rows import Overrides, Row

MODEL = ResolvedModel(ModelSource("sd15", "", "abc"), ModelInfo(name="sd15"))
INK = LoraAxis(lora="Ink", values=(0.0, 0.5))


def choose(mix: Mix) -> Chosen:
    return Chosen(mix, ("dark",) if mix and mix[0].name == "dark" else (), tuple(x.name for x in mix if x.weight))


def card_set(**overrides: Any) -> CardSet:
    rows = (
        Row(1, 2, "Ace", {"name": "Ace"}),
        Row(2, 3, "Two", {"name": "Two"}, Overrides(**overrides)),
    )
    return CardSet(
        id="suits",
        name="Suits",
        description="",
        builtin=False,
        csv_path="suits.csv",
        base_prompt="card",
        prompt_template="{name}, <trigger>",
        style_suffix="",
        example_theme="",
        width=512,
        height=720,
        negative_prompt="",
        loras=(LoraWeight("Cards", 0.6),),
        columns=("name",),
        rows=rows,
    )


def plan(tmp_path: Path, *axes: Axis, of: CardSet | None = None, theme: str = "", **settings: Any) -> Grid:
    config = default_config(find_paths({"HOME": str(tmp_path)}))
    basis = Basis(config, MODEL, Settings(**settings), choose, 7)
    subject: dict[str, Any] = {"set": "suits", "card": 2, "theme": theme} if of else {"prompt": "a fox, <trigger>"}
    return plan_grid(basis, DealGrid(idem="k", axes=axes, **subject), of)


def test_the_seed_is_the_same_in_all_cells(tmp_path: Path) -> None:
    grid = plan(tmp_path, INK, StepsAxis(values=(10, 20)))

    assert {spec.seed for spec in grid.specs} == {7}
    assert [(spec.mix[0].weight, spec.steps) for spec in grid.specs] == [(0.0, 10), (0.5, 10), (0.0, 20), (0.5, 20)]
    assert [spec.name for spec in grid.specs[:2]] == ["Ink 0, 10 steps", "Ink 0.5, 10 steps"]


def test_a_seed_and_a_guidance_scale_may_vary(tmp_path: Path) -> None:
    grid = plan(tmp_path, SeedAxis(values=(1, 2)), GuidanceAxis(values=(3.0, 0.0)))

    assert [(spec.seed, spec.guidance_scale) for spec in grid.specs] == [(1, 3.0), (2, 3.0), (1, 0.0), (2, 0.0)]


def test_trigger_words_come_and_go_with_the_weight(tmp_path: Path) -> None:
    assert [spec.prompt for spec in plan(tmp_path, INK).specs] == ["a fox", "a fox, Ink"]


def test_an_axis_sets_the_weight_where_its_lora_stands_in_the_mix(tmp_path: Path) -> None:
    mix = (LoraWeight("ink", 1.0), LoraWeight("Gold", 0.3))
    specs = plan(tmp_path, INK, mix=mix).specs

    assert specs[1].mix == (LoraWeight("Ink", 0.5), LoraWeight("Gold", 0.3))


def test_a_card_is_drawn_as_its_set_draws_it(tmp_path: Path) -> None:
    grid = plan(tmp_path, INK, of=card_set(), theme="ice")

    assert grid.title == "Suits: Two"
    assert grid.specs[1].prompt == "card, ice, Two, Cards, Ink"
    assert grid.specs[1].mix == (LoraWeight("Cards", 0.6), LoraWeight("Ink", 0.5))
    assert grid.specs[0].seed == 8, "as in a deal with the same seed"


def test_an_axis_goes_before_what_the_row_says_itself(tmp_path: Path) -> None:
    of = card_set(steps=5, seed=99, loras=(LoraWeight("Own", 0.1), LoraWeight("Ink", 1.0)))
    grid = plan(tmp_path, INK, StepsAxis(values=(10, 20)), of=of)

    assert {spec.steps for spec in grid.specs} == {10, 20}
    assert {spec.seed for spec in grid.specs} == {99}
    assert grid.specs[0].mix == (LoraWeight("Own", 0.1), LoraWeight("Ink", 0.0))


def test_a_theme_may_vary(tmp_path: Path) -> None:
    grid = plan(tmp_path, ThemeAxis(values=("ice", "fire")), of=card_set(), mix=())

    assert [spec.parts.theme for spec in grid.specs] == ["ice", "fire"]


def test_the_mixes_of_a_grid_are_remembered(tmp_path: Path) -> None:
    assert plan(tmp_path, INK, mix=(LoraWeight("dark"),)).mixes == ("dark",)


def test_a_card_that_the_set_does_not_have_is_refused(tmp_path: Path) -> None:
    of = msgspec.structs.replace(card_set(), rows=card_set().rows[:1])

    with pytest.raises(NotFound, match="has no card 2"):
        plan(tmp_path, INK, of=of)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "is of a prompt, or of one card"),
        ({"prompt": "a fox", "set": "suits", "card": 1}, "is of a prompt, or of one card"),
        ({"set": "suits"}, "is of a prompt, or of one card"),
        ({"prompt": "a fox", "theme": "ice"}, "A prompt has no theme"),
        ({"prompt": "a fox", "axes": (ThemeAxis(values=("ice",)),)}, "A prompt has no theme"),
    ],
)
def test_a_grid_is_of_one_thing(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        check_subject(DealGrid(**{"idem": "k", "axes": (INK,), **said}))

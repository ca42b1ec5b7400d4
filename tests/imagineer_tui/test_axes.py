"""An option with several values is an axis of a grid, with one it is a setting."""

from __future__ import annotations

import argparse

import pytest

from imagineer_tui.arguments import build_parser, lora_axis_or_weight
from imagineer_tui.axes import Choice, chosen, guidance_axis, seed_axis, steps_axis, theme_axis
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import GuidanceAxis, LoraAxis, SeedAxis, StepsAxis, ThemeAxis


def choice(*words: str) -> Choice:
    return chosen(build_parser().parse_args(["grid", "a fox", *words]).given or ())


def test_axes_keep_the_order_in_which_they_are_given() -> None:
    found = choice("--steps", "10,20", "--lora", "Ink=0,1", "--guidance-scale", "3,7.5", "--seed", "1,2")

    assert found.axes == (
        StepsAxis(values=(10, 20)),
        LoraAxis(lora="Ink", values=(0.0, 1.0)),
        GuidanceAxis(values=(3.0, 7.5)),
        SeedAxis(values=(1, 2)),
    )


def test_what_has_one_value_is_the_same_in_all_cells() -> None:
    found = choice("--steps", "10", "--lora", "Ink=0.5", "--guidance-scale", "3", "--seed", "1", "--theme", "ice, fog")

    assert found == Choice(
        axes=(),
        loras=(LoraWeight("Ink", 0.5),),
        settings={"steps": 10, "guidance_scale": 3.0, "seed": 1},
        theme="ice, fog",
    )


def test_several_themes_are_one_axis_at_the_place_of_the_first() -> None:
    found = choice("--theme", "ice", "--seed", "1,2", "--theme", "fire, smoke")

    assert found.axes == (ThemeAxis(values=("ice", "fire, smoke")), SeedAxis(values=(1, 2)))


def test_loras_and_mixes_of_all_cells_keep_their_order() -> None:
    assert choice("--lora", "Ink:0.2", "--mix", "gothic", "--lora", "Gold").loras == (
        LoraWeight("Ink", 0.2), LoraWeight("gothic", noted=True), LoraWeight("Gold", noted=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (steps_axis, "10,many", '"10,many" is no list of numbers: write 1,2,3'),
        (steps_axis, "10,", '"10," is no list of numbers: write 1,2,3'),
        (lora_axis_or_weight, "=0,1", '"=0,1" names no LoRA: write NAME=0,0.5,1'),
        (lora_axis_or_weight, "Ink:heavy", '"heavy" is no weight: write NAME:0.6'),
    ],
)
def test_what_is_no_list_of_values_is_told(read: object, text: str, sentence: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        read(text)  # type: ignore[operator]

    assert str(caught.value) == sentence


def test_values_are_read_as_numbers_of_their_kind() -> None:
    assert guidance_axis("0,7.5") == GuidanceAxis(values=(0.0, 7.5))
    assert seed_axis("9007199254740993") == SeedAxis(values=(9007199254740993,))
    assert theme_axis("a, b") == ThemeAxis(values=("a, b",))

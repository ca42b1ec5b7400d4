"""A mix on faders."""

from __future__ import annotations

import pytest

from imagineer_tui.model import mixer
from imagineer_tui.model.mixer import Desk, Editing, Fader
from imagineerd.errors import Problem
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import LoraAxis, LoraInfo, ModelInfo, SeedAxis, StepsAxis

DESK = Desk((Fader("Ink", 0.6, 0.6), Fader("neon", 0.4)))


def weights(desk: Desk) -> dict[str, float]:
    return {lora.name: lora.weight for lora in desk.mix}


def test_a_lora_comes_at_the_weight_that_is_noted_for_it():
    desk = Desk().add("Ink", 0.6).add("neon", None)

    assert weights(desk) == {"Ink": 0.6, "neon": 1.0}
    assert desk.add("Ink", 2.0) == desk


def test_a_weight_moves_within_its_range_and_gathers_no_dust():
    desk = DESK
    for _ in range(3):
        desk = desk.nudge("Ink", 0.05)

    assert weights(desk)["Ink"] == 0.75
    assert weights(desk.put("Ink", 7))["Ink"] == 2.0
    assert weights(desk.put("Ink", -7))["Ink"] == -2.0
    assert weights(desk.reset("Ink"))["Ink"] == 0.6


def test_what_is_muted_or_at_zero_is_not_drawn_with():
    assert weights(DESK.mute("Ink")) == {"neon": 0.4}
    assert weights(DESK.mute("Ink").mute("Ink")) == weights(DESK)
    assert weights(DESK.put("neon", 0)) == {"Ink": 0.6}


def test_solo_goes_before_mute():
    assert weights(DESK.mute("Ink").alone("Ink")) == {"Ink": 0.6}
    assert DESK.alone("Ink").alone("Ink") == DESK
    assert DESK.alone("Ink").remove("Ink") == Desk((Fader("neon", 0.4),))


def test_moves_of_one_fader_in_a_row_are_taken_back_together():
    editing = Editing(DESK)
    editing.do("move Ink", DESK.put("Ink", 0.65))
    editing.do("move Ink", DESK.put("Ink", 0.7))
    editing.do("", DESK.put("Ink", 0.7).mute("neon"))

    assert editing.undo()
    assert editing.desk == DESK.put("Ink", 0.7)
    assert editing.undo()
    assert editing.desk == DESK
    assert not editing.undo()


def test_a_desk_is_the_same_in_the_next_run():
    desk = DESK.mute("neon").alone("Ink")

    assert mixer.recalled(mixer.kept(desk)) == desk
    assert mixer.recalled({"faders": [{"colour": "red"}]}) == Desk()


def test_what_does_not_fit_the_model_is_told():
    broken = LoraInfo(name="cut", usable=False, problems=(Problem("The file ends too soon.", "cut.safetensors"),))
    starter, other = ModelInfo(name="starter", base="starter"), ModelInfo(name="some/sd15", base="sd1")

    assert mixer.obstacle(broken, None) == "The file ends too soon."
    assert mixer.obstacle(LoraInfo(name="Gothic", base="sdxl"), starter) == (
        "It was trained for SDXL, which starter is not."
    )
    assert mixer.obstacle(LoraInfo(name="Front", base="sd1"), starter).endswith(
        "Stable Diffusion 1.5, which starter is not. F2 and model.default change to it."
    )
    assert "trained for the starter model" in mixer.obstacle(LoraInfo(name="neon", base="starter"), other)


@pytest.mark.parametrize(
    ("base", "model"),
    [
        ("starter", ModelInfo(name="starter", base="starter")),
        ("unknown", ModelInfo(name="starter", base="starter")),
        ("sdxl", ModelInfo(name="of an older daemon")),
        ("sdxl", None),
    ],
)
def test_where_nothing_is_known_against_it_a_lora_fits(base: str, model: ModelInfo | None):
    assert mixer.obstacle(LoraInfo(name="Ink", base=base), model) == ""


def test_triggers_are_those_of_what_is_heard():
    library = [LoraInfo(name="Ink", trigger="ink wash"), LoraInfo(name="neon", trigger="neon glow")]

    assert mixer.triggers(DESK, library) == ("ink wash", "neon glow")
    assert mixer.triggers(DESK.mute("neon"), library) == ("ink wash",)


def test_a_grid_varies_what_has_values():
    axes, faults = mixer.read_axes({"lora:Ink": "0, 0.5, 1", "lora:neon": "", "steps": "4,8", "seed": "1"}, DESK.names)

    assert axes == (LoraAxis(lora="Ink", values=(0, 0.5, 1)), StepsAxis(values=(4, 8)), SeedAxis(values=(1,)))
    assert not faults
    assert mixer.desk_of((LoraWeight("Ink", 0.6),)).names == ["Ink"]


def test_a_grid_without_values_or_with_wrong_ones_is_told():
    assert "varies something" in mixer.read_axes({}, DESK.names)[1]["lora:Ink"]
    assert mixer.read_axes({"lora:neon": "0,3"}, DESK.names)[1] == {"lora:neon": "3 is not within -2 to 2."}

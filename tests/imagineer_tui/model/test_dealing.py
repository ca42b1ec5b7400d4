"""What is about to be dealt."""

from __future__ import annotations

from imagineer_tui.model.dealing import Deal, read
from imagineerd.jobs import LoraWeight
from imagineerd.protocol import SetInfo, Settings

ZODIAC = SetInfo(id="zodiac", name="Zodiac", example_theme="gold on black")


def test_a_set_s_example_is_nobody_s_own_theme():
    deal = Deal("zodiac")
    assert deal.theme_for(ZODIAC) == "gold on black"

    deal.take_theme("brass", ZODIAC)
    assert deal.theme_for(ZODIAC) == deal.theme == "brass"

    deal.take_theme("gold on black", ZODIAC)
    assert deal.theme == ""


def test_what_is_left_empty_is_left_to_the_set():
    deal = Deal("zodiac")
    deal.take_draft({"seed": " 7 ", "steps": "", "mix": "Ink:0.6"})

    assert deal.draft == {"seed": "7", "mix": "Ink:0.6"}
    assert deal.words == "seed 7"
    assert read(deal.draft).settings == Settings(seed=7, mix=(LoraWeight("Ink", 0.6),))


def test_what_is_wrong_is_said_and_left_out():
    chosen = read({"steps": "many", "seed": "7"})

    assert chosen.faults == {"steps": "“many” is not a whole number."}
    assert chosen.settings == Settings(seed=7)

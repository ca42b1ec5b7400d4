"""Saved mixes stand for their LoRAs wherever a LoRA may be named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.errors import Invalid
from imagineerd.jobs import LoraWeight, Mix
from imagineerd.lora.mixes import check_name, expand, names_of

GOTHIC = (LoraWeight("Card_Fronts", 0.6), LoraWeight("Tarot", 0.2))
MIXES = {"card-gothic": GOTHIC, "dark": (LoraWeight("Night", 1.5), LoraWeight("Tarot", -1.0))}
names = st.sampled_from(["Ink", "Gold", "Tarot", "Night", "card-gothic"])
weights = st.floats(-1, 1)


def of(*loras: tuple[str, float]) -> Mix:
    return tuple(LoraWeight(name, weight) for name, weight in loras)


def test_a_mix_stands_for_its_loras_in_their_order() -> None:
    assert expand(of(("Ink", 0.5), ("Card-Gothic", 1.0), ("Gold", 0.1)), MIXES) == (
        LoraWeight("Ink", 0.5), *GOTHIC, LoraWeight("Gold", 0.1),
    )  # fmt: skip


def test_the_weight_of_a_mix_multiplies_those_of_its_loras() -> None:
    assert expand(of(("card-gothic", 0.5)), MIXES) == of(("Card_Fronts", 0.3), ("Tarot", 0.1))
    assert expand(of(("card-gothic", 3 / 3)), MIXES) == GOTHIC


@pytest.mark.parametrize("wanted", [[("card-gothic", 0.5), ("tarot", 0.9)], [("tarot", 0.9), ("card-gothic", 0.5)]])
def test_a_lora_that_is_named_itself_takes_its_own_weight(wanted: list[tuple[str, float]]) -> None:
    assert dict.fromkeys(expand(of(*wanted), MIXES)) == dict.fromkeys(of(("Card_Fronts", 0.3), ("tarot", 0.9)))


def test_it_keeps_the_place_that_the_mix_gave_it() -> None:
    assert expand(of(("card-gothic", 1.0), ("card_fronts", 0.9)), MIXES) == of(("card_fronts", 0.9), ("Tarot", 0.2))


def test_a_weight_that_is_still_to_be_looked_up_is_left_so() -> None:
    assert expand((LoraWeight("Ink", noted=True),), MIXES) == (LoraWeight("Ink", noted=True),)
    assert expand((LoraWeight("card-gothic", noted=True),), MIXES) == GOTHIC


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ([("Ink", 1.0), ("ink", 0.5)], '"ink" is named twice: give it one weight.'),
        ([("dark", 1.0), ("dark", 0.5)], '"dark" is named twice: give it one weight.'),
        (
            [("dark", 1.0), ("card-gothic", 1.0)],
            'Two mixes have the LoRA "Tarot": name it with the weight it is to have.',
        ),
        ([("dark", 2.0)], 'dark at 2 gives "Night" the weight 3: 2 is the most.'),
    ],
)
def test_what_would_be_two_weights_or_too_much_is_refused(wanted: list[tuple[str, float]], sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        expand(of(*wanted), MIXES)

    assert caught.value.message == sentence


@given(st.dictionaries(names, weights).map(lambda chosen: of(*chosen.items())))
def test_every_lora_stands_once_and_keeps_a_weight_of_its_own(wanted: Mix) -> None:
    expanded = expand(wanted, MIXES)
    own = {lora for lora in wanted if lora.name != "card-gothic"}

    assert len({lora.name for lora in expanded}) == len(expanded)
    assert own <= set(expanded)
    assert expand(expanded, MIXES) == expanded


def test_the_mixes_among_what_was_asked_for_are_named() -> None:
    assert names_of(of(("Ink", 1.0), ("dark", 0.1)), MIXES) == ("dark",)


@pytest.mark.parametrize("name", ["", "-dark", " dark", "dark ", "a" * 65, "dark.v2", "Käse", "a:1"])
def test_a_name_that_could_not_be_written_everywhere_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="is no name for a mix"):
        check_name(name, ())


@pytest.mark.parametrize("name", ["a", "gothic front", "Dark_2-b", "a" * 64])
def test_a_mix_is_called_as_a_lora_file_may_be(name: str) -> None:
    check_name(name, ())


def test_a_name_of_a_lora_is_refused() -> None:
    check_name("dark-2", {"dark"})
    with pytest.raises(Invalid, match='There is a LoRA "Dark": give the mix another name'):
        check_name("Dark", {"dark"})

"""A row becomes a card with a name and with the settings of its own columns."""

import pytest

from imagineerd.errors import Invalid, Problem
from imagineerd.jobs import LoraWeight
from imagineerd.sets.csv_rows import read_table
from imagineerd.sets.rows import Overrides, Row, card_name, default_template, parse_mix, read_rows


def rows_of(text: str, template: str = "") -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    table, problems = read_table(text.encode(), "deck.csv")
    assert problems == ()
    return read_rows(table, template, "deck.csv")


def test_a_rows_own_columns_are_its_settings() -> None:
    text = 'value,negative_prompt,seed,steps,guidance_scale,loras\nAce,"no  text",42,30,7.5,Card_Fronts:0.6 Tarot:0.2\n'

    rows, problems = rows_of(text)

    assert problems == ()
    assert rows[0].overrides == Overrides(
        negative_prompt="no text",
        seed=42,
        steps=30,
        guidance_scale=7.5,
        loras=(LoraWeight("Card_Fronts", 0.6), LoraWeight("Tarot", 0.2)),
    )


def test_an_empty_cell_says_nothing() -> None:
    rows, _ = rows_of("value,seed,steps,loras\nAce,,,\n")

    assert rows[0].overrides == Overrides()


def test_settings_are_read_as_spreadsheets_write_them() -> None:
    rows, problems = rows_of("value;Guidance Scale;Seed;Steps\nAce;7,5;42.0;30.00\n")

    assert problems == ()
    assert rows[0].overrides == Overrides(seed=42, steps=30, guidance_scale=7.5)


def test_every_wrong_setting_is_told_with_its_line_and_column() -> None:
    text = "value,seed,steps,guidance_scale,loras\nAce,-1,0,31,Tarot:9\nTwo,x,151,nan,:0.5\nThree,1.5,9,hot,A B A\n"

    _, problems = rows_of(text)

    assert [str(problem) for problem in problems] == [
        'deck.csv, line 2, column "seed": "-1" is not a whole number from 0 to 9223372036854775807.',
        'deck.csv, line 2, column "steps": "0" is not a whole number from 1 to 150.',
        'deck.csv, line 2, column "guidance_scale": "31" is not a number from 0 to 30.',
        'deck.csv, line 2, column "loras": The weight "9" of "Tarot" is not a number from -2 to 2.',
        'deck.csv, line 3, column "seed": "x" is not a whole number from 0 to 9223372036854775807.',
        'deck.csv, line 3, column "steps": "151" is not a whole number from 1 to 150.',
        'deck.csv, line 3, column "guidance_scale": "nan" is not a number from 0 to 30.',
        'deck.csv, line 3, column "loras": ":0.5" does not begin with a LoRA: write name:weight.',
        'deck.csv, line 4, column "seed": "1.5" is not a whole number from 0 to 9223372036854775807.',
        'deck.csv, line 4, column "guidance_scale": "hot" is not a number from 0 to 30.',
        'deck.csv, line 4, column "loras": The LoRA "A" is named twice: give it one weight.',
    ]


def test_cards_are_counted_from_one_and_lines_as_in_the_file() -> None:
    rows, _ = rows_of("value\n\nAce\n\nTwo\n", "{value}")

    assert [(row.index, row.line, row.name) for row in rows] == [(1, 3, "Ace"), (2, 5, "Two")]


@pytest.mark.parametrize(
    ("template", "values", "name"),
    [
        ("{value} of {suit}. {look}", {"value": "Ace", "suit": "Hearts", "look": "one pip"}, "Ace of Hearts"),
        ("{sign} the {symbol} zodiac sign", {"sign": "Aries", "symbol": "Ram"}, "Aries"),
        ("card of {first} {last}, {look}", {"first": "Ada", "last": "Lovelace", "look": "x"}, "Ada Lovelace"),
        ("{look}, {number}", {"number": "7", "Name": " The\nChariot", "look": "x"}, "The Chariot"),
        ("{value}, {name}", {"value": "Ace", "name": ""}, "Ace"),
        ("{value} of {suit}", {"value": "", "suit": "Hearts"}, ""),
        ("{colour}", {"value": "Ace"}, ""),
        ("no placeholder", {"value": "Ace"}, ""),
    ],
)
def test_a_card_is_named_by_its_name_column_or_by_what_the_template_leads_with(
    template: str, values: dict[str, str], name: str
) -> None:
    assert card_name(values, template) == name


def test_a_card_without_any_name_is_called_by_its_number() -> None:
    rows, _ = rows_of("value,look\n,red\nAce,blue\n", "{value}, {look}")

    assert [row.name for row in rows] == ["Card 1", "Ace"]


def test_a_template_is_made_of_the_columns_that_show_something_with_the_name_first() -> None:
    assert default_template(["look", "Name", "seed", "Negative Prompt", "mood"]) == "{Name}, {look}, {mood}"
    assert default_template(["comet", "tail"]) == "{comet}, {tail}"


@pytest.mark.parametrize(
    "text",
    [
        "Card_Fronts:0.6 Tarot:0.2",
        "Card_Fronts:0.6,Tarot:0.2",
        "Card_Fronts:0.6; Tarot:0.2",
        "Card_Fronts:0.6+Tarot:0.2",
        ' "Card_Fronts":0.6 + Tarot.safetensors:.2 ',
    ],
)
def test_the_loras_of_a_mix_stand_apart_by_any_usual_sign(text: str) -> None:
    assert parse_mix(text) == (LoraWeight("Card_Fronts", 0.6), LoraWeight("Tarot", 0.2))


def test_a_mix_may_leave_weights_out_and_quote_names_and_be_negative() -> None:
    assert parse_mix('Tarot "Devil Carnival-000001":-0.5') == (
        LoraWeight("Tarot", 1.0, noted=True),
        LoraWeight("Devil Carnival-000001", -0.5),
    )


def test_an_empty_mix_is_no_lora() -> None:
    assert parse_mix(" , ") == ()


@pytest.mark.parametrize(
    "text", ["Tarot:", "Tarot:heavy", "Tarot:0.2:0.3", ":0.2", '"Tarot', "Tarot:3", "Tarot tarot Tarot"]
)
def test_what_is_no_mix_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_mix(text)

    assert len(caught.value.problems) == 1

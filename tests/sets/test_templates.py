"""A template puts cells where their columns' names stand, and does nothing else with any text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagineerd.sets.templates import fill, placeholders, tidy


@given(st.text(), st.dictionaries(st.text(max_size=5), st.text()))
def test_no_template_and_no_cell_make_filling_raise(template: str, values: dict[str, str]) -> None:
    filled = fill(template, values)

    assert set(filled.unresolved) | set(values) >= set(placeholders(template))


@given(st.text())
@example("{name.__class__}")
@example("{{name}}")
@example("{0!r:>{width}}")
def test_what_a_cell_holds_is_never_looked_at_again(cell: str) -> None:
    assert fill("{name}", {"name": cell}).text == tidy(cell)


@given(st.text(st.characters(exclude_characters="{}")))
def test_text_without_braces_stays_as_it_is_but_for_white_space_and_commas(text: str) -> None:
    assert fill(text, {"name": "x"}).text == tidy(text)


@given(st.text())
def test_tidy_text_is_one_line_and_stays_tidy(text: str) -> None:
    once = tidy(text)

    assert "\n" not in once
    assert ", ," not in once
    assert tidy(once) == once


@pytest.mark.parametrize("template", ["{name.__class__}", "{name[0]}", "{name!r}", "{name:>10}", "{0}", "{}"])
def test_a_placeholder_is_a_columns_name_and_no_expression(template: str) -> None:
    filled = fill(template, {"name": "Ace"})

    assert filled.text == template
    assert filled.unresolved == (template[1:-1],)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{value} of {suit}", "Ace of Spades"),
        ("{ value } of {suit}", "Ace of Spades"),
        ("{{value}} of {suit}", "{value} of Spades"),
        ("{{{value}}}", "{Ace}"),
        ("{value}, {look}, {suit}", "Ace, Spades"),
        ("{value}, on a {look}", "Ace, on a"),
        ("{value} } {suit} {", "Ace } Spades {"),
        ("{value}\n  of\t{suit} ,, red,", "Ace of Spades, red"),
    ],
)
def test_templates_fill_as_they_read(template: str, text: str) -> None:
    assert fill(template, {"value": "Ace", "suit": "Spades", "look": " \n"}).text == text


def test_missing_columns_and_empty_cells_are_told_apart() -> None:
    filled = fill("{value}, {colour}, {look}", {"value": "Ace", "look": ""})

    assert filled.text == "Ace, {colour}"
    assert filled.unresolved == ("colour",)
    assert filled.empty == ("look",)


def test_placeholders_come_in_their_order_and_once() -> None:
    assert placeholders("{b} {a} {{c}} {b}") == ("b", "a")

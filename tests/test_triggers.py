"""Trigger words come where `<trigger>` stands, and go without a trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.sets.templates import tidy
from imagineerd.triggers import missing, place, without_marks, words_of

plain = st.text(st.characters(codec="utf-8", exclude_characters="<>"), max_size=20)
words = st.lists(st.sampled_from(["ink wash", "gold leaf", "1930s", "wet"]), unique=True).map(tuple)
pieces = st.lists(plain | st.just("<trigger>"), max_size=4).map("".join)


@pytest.mark.parametrize(
    ("prompt", "with_ink", "without"),
    [
        ("a fox, <trigger>, at night", "a fox, ink wash, paper, at night", "a fox, at night"),
        ("<trigger>, a fox", "ink wash, paper, a fox", "a fox"),
        ("a fox, <trigger>", "a fox, ink wash, paper", "a fox"),
        ("a <trigger> fox", "a ink wash, paper fox", "a fox"),
        ("<trigger>", "ink wash, paper", ""),
        ("<Trigger>, a fox, < trigger >", "ink wash, paper, a fox", "a fox"),
    ],
)
def test_the_words_stand_at_the_mark_and_vanish_with_their_comma(prompt: str, with_ink: str, without: str) -> None:
    assert place([prompt], ("ink wash", "paper")) == (with_ink,)
    assert place([prompt], ()) == (without,)
    assert without_marks(prompt) == without


def test_of_several_parts_the_first_mark_has_them() -> None:
    assert place(["card", "<trigger> sea", "fox, <trigger>"], ("ink",)) == ("card", "ink sea", "fox")


@given(st.lists(plain, max_size=4), words)
def test_parts_without_a_mark_stay_as_they_are_written(parts: list[str], found: tuple[str, ...]) -> None:
    assert place(parts, found) == tuple(parts)


@given(st.lists(pieces, max_size=4), words)
def test_no_mark_is_left_and_no_word_comes_twice(parts: list[str], found: tuple[str, ...]) -> None:
    placed = place(parts, found)
    marked = any("<trigger>" in part for part in parts)

    assert "<trigger>" not in "".join(placed)
    assert len(placed) == len(parts)
    assert sum(part.count(", ".join(found)) for part in placed) >= (marked and bool(found))


@given(pieces)
def test_what_is_left_without_words_has_no_comma_too_many(prompt: str) -> None:
    left = without_marks(prompt)

    assert left == (tidy(prompt.replace("<trigger>", "")) if "<trigger>" in prompt else prompt)


def test_the_words_of_several_loras_come_in_order_and_once() -> None:
    assert words_of(["ink wash, Paper", "", "gold leaf,  paper ,", "<trigger>, fog"]) == (
        "ink wash", "Paper", "gold leaf", "fog",
    )  # fmt: skip


@given(st.lists(plain, max_size=4))
def test_a_word_is_tidy_and_no_word_is_empty(phrases: list[str]) -> None:
    found = words_of(phrases)

    assert all(word and word == tidy(word) and "," not in word for word in found)
    assert words_of([", ".join(found)]) == found


@pytest.mark.parametrize(
    ("prompt", "lacks"),
    [("Ink  wash fox", ("ink wash", "fog")), ("an INK WASH of fog", ()), ("ink washes, foggy", ("ink wash", "fog"))],
)
def test_a_word_is_missing_where_it_does_not_stand_as_a_word(prompt: str, lacks: tuple[str, ...]) -> None:
    assert missing(prompt, ("ink wash", "fog")) == lacks


@given(words, plain)
def test_what_was_placed_is_not_missing(found: tuple[str, ...], text: str) -> None:
    (prompt,) = place([f"{text}, <trigger>"], found)

    assert missing(prompt, found) == ()

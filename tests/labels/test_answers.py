"""What a labeler says is understood however it is written, and what is no label is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.labels.answers import Answer, clean_tags, one_line, read_answer
from imagineerd.protocol import MAX_CAPTION, MAX_TAG, MAX_TAGS

TEXT = "A ram on a gold ground."
RAM = Answer(TEXT, "SAFE", ("ram", "gold"))
WRITTEN = {
    "JSON": f'{{"caption": "{TEXT}", "rating": "SAFE", "tags": ["ram", "gold"]}}',
    "JSON in a fence": f'```json\n{{"caption": "{TEXT}", "rating": "SAFE", "tags": ["ram", "gold"]}}\n```',
    "JSON after a greeting": f'Here it is:\n\n{{"caption": "{TEXT}", "rating": "safe", "tags": "ram, gold"}}',
    "JSON with other names": f'{{"Description": "{TEXT}", "nsfw_rating": "SAFE", "keywords": ["Ram", "gold"]}}',
    "headings": f"DESCRIPTION: {TEXT}\nNSFW: SAFE\nTAGS: ram, gold",
    "bold headings": f"**Description:** {TEXT}\n\n**NSFW Rating:** Safe\n\n**Tags:** ram, gold",
    "bold up to the colon": f"**Description**: {TEXT}\n**Rating**: SAFE.\n**Tags**: #ram, #gold, gold",
    "numbered headings": f"1. Caption: {TEXT}\n2. Rating: safe\n3. Tags: ram; gold",
    "markdown headings": "## Description:\nA ram\non a gold ground.\n## Rating:\nSAFE\n## Tags:\n- ram\n- gold\n",
    "lower case": f"caption: {TEXT}\nrating: safe\ntags: ram, gold, ",
    "Windows lines": f"Caption: {TEXT}\r\nRating: SAFE\r\nTags: ram, gold\r\n",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_an_answer_is_understood_however_it_is_written(how: str) -> None:
    assert read_answer(WRITTEN[how]) == RAM


def test_a_caption_of_several_lines_becomes_one() -> None:
    answer = read_answer("Description: A ram,\nlooking left.\n\nBehind it a hill.\nRating: SAFE")

    assert answer == Answer("A ram, looking left. Behind it a hill.", "SAFE")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot see a picture.",
        "I would rather talk about the weather: it is fine.",
        "{}",
        "[1, 2]",
        '{"caption": "", "tags": []}',
        '{"error": "no picture"}',
        '{"caption": "A ram',
        "Rating: SAFE",
        "null",
    ],
)
def test_what_has_neither_caption_nor_tag_is_no_answer(text: str) -> None:
    assert read_answer(text) is None


@pytest.mark.parametrize("text", ["Caption: A ram.", '{"caption": "A ram."}', "Tags: ram"])
def test_parts_may_be_missing(text: str) -> None:
    answer = read_answer(text)

    assert answer in {Answer("A ram."), Answer(tags=("ram",))}


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ("SAFE", "SAFE"),
        ("suggestive.", "SUGGESTIVE"),
        ("**Adult**", "ADULT"),
        ("EXPLICIT (sexual acts)", "EXPLICIT"),
        ("SAFE or ADULT", ""),
        ("unsafe", ""),
        ("not safe for work", ""),
        ("non-explicit", ""),
        ("SAFE, not explicit", "SAFE"),
        ("3/10", ""),
    ],
)
def test_a_rating_is_one_of_four_words_or_none(said: str, rating: str) -> None:
    answer = read_answer(f"Caption: A ram.\nRating: {said}")

    assert answer is not None
    assert answer.rating == rating


def test_the_first_of_two_captions_counts() -> None:
    assert read_answer("Caption: One.\nCaption: Two.\nTags: a") == Answer("One.", "", ("a",))


def test_nothing_grows_without_end() -> None:
    answer = read_answer(f"Caption: {'x' * 10_000}\nTags: {', '.join(str(n) * 200 for n in range(200))}")

    assert answer is not None
    assert len(answer.caption) == MAX_CAPTION
    assert len(answer.tags) == MAX_TAGS
    assert max(map(len, answer.tags)) == MAX_TAG


def test_tags_lose_marks_repeats_and_capitals() -> None:
    assert clean_tags([" #Ram", "ram", '"gold leaf"', "", "- hill.", "\x1b[31mred"]) == (
        "ram",
        "gold leaf",
        "hill",
        "31mred",
    )


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert one_line("a\x1b[2Jb\u202ec\n**d**") == "a [2Jb c d"


@given(st.text() | st.text(alphabet='{}[]":,caption tags\n*'))
def test_whatever_is_said_it_is_an_answer_or_none(text: str) -> None:
    answer = read_answer(text)

    assert answer is None or answer.caption or answer.tags
    assert answer is None or answer.caption == one_line(answer.caption)


def test_what_is_nested_deeply_is_no_answer() -> None:
    assert read_answer("{" * 100_000 + "}" * 100_000) is None

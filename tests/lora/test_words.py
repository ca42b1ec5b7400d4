"""Trigger words and tags from metadata that any program may have written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.lora.words import CONTROL, MAX_PHRASE, TOP_TAGS, top_tags, trigger_phrase


def tagged(folders: object) -> dict[str, str]:
    return {"ss_tag_frequency": json.dumps(folders)}


def test_tags_are_summed_over_the_folders_and_sorted_by_count_and_name() -> None:
    folders = {"10_ink": {"ink wash": 3, "paper": 9, "b": 1}, "5_more": {"ink wash": 7, "a": 1}}

    assert top_tags(tagged(folders)) == (("ink wash", 10), ("paper", 9), ("a", 1), ("b", 1))


def test_only_the_most_frequent_are_kept() -> None:
    found = top_tags(tagged({"x": {f"tag {number:03}": number for number in range(500)}}))

    assert [count for _, count in found] == list(range(499, 499 - TOP_TAGS, -1))


def test_captions_that_are_sentences_are_counted_by_word() -> None:
    folders = {"x": {"a queen in a golden gown": 2, "the golden throne of a king": 3}}

    assert top_tags(tagged(folders))[0] == ("golden", 5)


@pytest.mark.parametrize("text", ["", "null", "[]", '{"a": 1}', '{"a": {"b": "c"}}', "[" * 100_000, "{"])
def test_what_cannot_be_read_counts_as_absent(text: str) -> None:
    assert top_tags({"ss_tag_frequency": text}) == ()


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers(0, 99), max_size=40), max_size=3))
def test_tags_come_by_falling_count_and_on_one_line(folders: dict[str, dict[str, int]]) -> None:
    found = top_tags(tagged(folders))

    assert [count for _, count in found] == sorted((count for _, count in found), reverse=True)
    assert not any(not tag or CONTROL.search(tag) for tag, _ in found)
    assert len(found) <= TOP_TAGS


def test_a_trigger_phrase_comes_in_one_line_that_no_terminal_obeys() -> None:
    assert trigger_phrase({"modelspec.trigger_phrase": " ink\n wash \x1b]0;owned\x07"}) == "ink wash ]0;owned"
    assert len(trigger_phrase({"modelspec.trigger_phrase": "x" * 10**6})) == MAX_PHRASE
    assert trigger_phrase({}) == ""

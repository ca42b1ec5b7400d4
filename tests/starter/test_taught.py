"""The built-in sets and what the starter model says of their words."""

from __future__ import annotations

from house import ROOT

from imagineerd.prompts import compose
from imagineerd.sets.library import read_sets
from imagineerd.starter.taught import taught_phrases
from imagineerd.starter.vocabulary import unknown_words, without_phrases

SETS = ROOT / "sets"


def test_no_prompt_of_a_built_in_set_has_a_word_that_is_unknown() -> None:
    taught = taught_phrases(SETS)
    prompts = [
        compose(each, row, each.example_theme).text for each in read_sets(SETS).sets.values() for row in each.rows
    ]

    unknown = {prompt: words for prompt in prompts if (words := unknown_words(without_phrases(prompt, taught)))}

    assert len(prompts) == 88
    assert unknown == {}


def test_a_word_of_theirs_that_stands_alone_is_still_unknown() -> None:
    assert unknown_words(without_phrases("a howling wolf", taught_phrases(SETS))) == ("howling", "wolf")

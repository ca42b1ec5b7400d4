"""The few errors: a closed list of codes, one class each, one sentence each."""

from __future__ import annotations

from typing import get_args

import pytest

from imagineerd import errors
from imagineerd.errors import (
    MEANINGS,
    RETRIES,
    Code,
    DaemonAway,
    ImagineerError,
    Invalid,
    Problem,
    Retry,
    did_you_mean,
)

CLASSES = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, ImagineerError)]


def test_every_code_but_our_own_fault_has_exactly_one_class() -> None:
    spoken = [cls.code for cls in CLASSES if cls not in {ImagineerError, DaemonAway}]

    assert sorted(spoken) == sorted(set(get_args(Code)) - {"E_INTERNAL"})


def test_every_code_and_every_retry_has_its_sentence() -> None:
    assert (tuple(MEANINGS), tuple(RETRIES)) == (get_args(Code), get_args(Retry))
    assert all(sentence.endswith(".") for sentence in (*MEANINGS.values(), *RETRIES.values()))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_says_what_it_is_and_whether_to_try_again(cls: type[ImagineerError]) -> None:
    assert cls.__doc__
    assert cls.retry in get_args(Retry)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_is_made_of_a_sentence_and_shows_it(cls: type[ImagineerError]) -> None:
    error = cls(message="It is so.", field="$.set")

    assert (str(error), error.message, error.field) == ("It is so.", "It is so.", "$.set")


def test_a_problem_says_where_it_stands() -> None:
    problem = Problem("72 is no weight.", file="tarot.csv", row=3, column="weight")

    assert str(problem) == 'tarot.csv, line 3, column "weight": 72 is no weight.'


def test_a_problem_without_a_place_is_its_sentence() -> None:
    assert str(Problem("It is wrong.")) == "It is wrong."


def test_an_invalid_thing_tells_all_that_is_wrong_with_it() -> None:
    error = Invalid([Problem("One.", key="a"), Problem("Two.", key="b")])

    assert str(error) == "a: One. b: Two."
    assert len(error.problems) == 2


def test_the_nearest_known_word_is_offered() -> None:
    assert did_you_mean("zodiak", ["tarot", "Zodiac"]) == ' Did you mean "Zodiac"?'


def test_nothing_is_offered_where_nothing_is_near() -> None:
    assert did_you_mean("xyz", ["tarot", "zodiac"]) == ""

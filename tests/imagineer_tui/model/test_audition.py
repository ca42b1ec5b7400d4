"""Auditions: what is drawn, what was heard, and what nobody looks at any more."""

from __future__ import annotations

import pytest
from fakes import take

from imagineer_tui.model import audition
from imagineer_tui.model.audition import Auditions, Heard, Offer
from imagineer_tui.model.mixer import Desk, Fader
from imagineerd.protocol import Batch

LOUD, QUIET = Desk((Fader("Ink", 0.8),)), Desk((Fader("Ink", 0.2),))


@pytest.fixture
def heard() -> Auditions:
    """One that was finished: take 1 of the loud mix."""
    auditions = Auditions()
    auditions.begin(1, LOUD)
    auditions.land([take(1)])
    return auditions


def test_what_was_heard_last_stands_on_the_left_while_the_next_one_is_drawn(heard: Auditions):
    assert (heard.left, heard.right) == (None, Heard(1, LOUD))

    heard.begin(2, QUIET)
    assert (heard.left, heard.right) == (Heard(1, LOUD), None)

    heard.land([take(1), take(2)])
    assert (heard.left, heard.right) == (Heard(1, LOUD), Heard(2, QUIET))


def test_of_three_the_oldest_is_looked_at_no_more(heard: Auditions):
    heard.begin(2, QUIET)
    assert heard.land([take(2)]) == []

    heard.begin(3, LOUD)

    assert heard.land([take(2), take(3)]) == [1]


def test_one_that_was_given_up_too_late_is_looked_at_by_nobody(heard: Auditions):
    heard.begin(2, QUIET)
    assert heard.supersede() == 2
    heard.begin(3, LOUD)

    assert heard.land([take(2), take(3)]) == [2]
    assert heard.land([take(2), take(3)]) == []
    assert heard.supersede() == 0


@pytest.mark.parametrize(
    ("state", "why", "fault"), [("failed", "It is too big.", "It is too big."), ("held", "", "held")]
)
def test_one_that_comes_to_nothing_leaves_what_was_heard(heard: Auditions, state: str, why: str, fault: str):
    heard.begin(2, QUIET)
    heard.note("running", "")
    assert heard.job == 2

    heard.note(state, why)

    assert (heard.job, heard.fault, heard.right) == (0, fault, Heard(1, LOUD))


def test_swapping_goes_back_and_forth(heard: Auditions):
    assert heard.swap() is None
    heard.begin(2, QUIET)
    assert heard.swap() is None
    heard.land([take(2)])

    assert heard.swap() == LOUD
    assert heard.swap() == QUIET


def desk(**weights: float) -> Desk:
    return Desk(tuple(Fader(name, weight) for name, weight in weights.items()))


def test_what_was_heard_is_told_by_its_mix(heard: Auditions):
    assert heard.captions == ("", "Ink 0.8")
    assert audition.told(Desk(), None) == "without LoRAs"


def test_two_are_told_by_where_they_differ_also_while_the_second_is_drawn(heard: Auditions):
    heard.begin(2, QUIET.add("Gold", 1.0))
    assert heard.captions == ("Ink 0.8 + no Gold", "Ink 0.2 + Gold 1")


@pytest.mark.parametrize(
    ("mix", "beside", "words"),
    [
        (desk(Aquarelle=1, Ink=1.15), desk(Aquarelle=1, Ink=-0.56), "Ink 1.15"),
        (desk(Aquarelle=1), desk(Aquarelle=1, Ink=0.5), "no Ink"),
        (desk(Aquarelle=1, Ink=0.5), desk(Aquarelle=1, Ink=0.5), "Aquarelle 1 + Ink 0.5"),
        (desk(), desk(), "without LoRAs"),
        (desk(), desk(Ink=0.5), "no Ink"),
    ],
)
def test_a_mix_beside_another_is_told_by_what_the_other_has_not(mix: Desk, beside: Desk, words: str):
    assert audition.told(mix, beside) == words


def test_an_audition_is_of_a_prompt_or_of_a_card():
    subject, faults = audition.read_subject({"prompt": "a red fox", "seed": "7", "steps": "4"}, Offer())
    assert (subject.prompt, subject.set_id, subject.settings.seed, subject.settings.steps) == ("a red fox", "", 7, 4)
    assert not faults

    subject, faults = audition.read_subject({"card": "zodiac 3", "prompt": "at sea"}, Offer())
    assert (subject.set_id, subject.card, subject.prompt, faults) == ("zodiac", 3, "at sea", {})


def test_where_nothing_is_said_it_is_the_first_card_of_the_deck_that_was_dealt_last():
    prompt, tarot = Batch(id="b3", set="", title="A fox"), Batch(id="b2", set="tarot", title="Tarot", theme="gothic")

    offer = audition.offer_of([prompt, tarot])
    subject, faults = audition.read_subject({"seed": "7"}, offer)

    assert (str(subject), subject.prompt, faults) == ("tarot 1", "gothic", {})
    assert str(audition.offer_of([prompt])) == "zodiac 1"


@pytest.mark.parametrize(
    ("draft", "field", "sentence"),
    [
        (
            {"card": "zodiac three"},
            "card",
            "“three” is no number of a card: write a set and a number, such as zodiac 3.",
        ),
        ({"prompt": "fox", "steps": "151"}, "steps", "151 is not within 1 to 150."),
    ],
)
def test_what_cannot_be_auditioned_is_told(draft: dict[str, str], field: str, sentence: str):
    assert audition.read_subject(draft, Offer())[1] == {field: sentence}

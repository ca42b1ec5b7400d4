"""What a reading answers."""

from imagineerd.starter.judging.questions import BARS, BY_NAME, Reading, Share, tally, verdicts
from imagineerd.starter.pictures import Label

NINE = Label("Nine of Clubs", "ocean", "")


def read(name: str, theme: str = "ocean", corner: str = "") -> Reading:
    return Reading(BY_NAME[name], theme, corner)


def test_the_right_card_answers_every_question_right() -> None:
    assert dict(verdicts(NINE, read("Nine of Clubs", corner="Nine"))) == dict.fromkeys(
        ("theme", "pips exact", "colour", "suit", "corner rank", "spade or club"), True
    )


def test_a_spade_for_a_club_costs_the_suit_alone() -> None:
    answers = dict(verdicts(NINE, read("Nine of Spades", corner="Nine")))
    assert [question for question, right in answers.items() if not right] == ["suit", "spade or club"]


def test_a_pip_card_taken_for_a_sign_has_no_colour() -> None:
    answers = dict(verdicts(Label("Two of Spades", "ice", ""), read("Leo", "ice")))
    assert not answers["colour"]
    assert not answers["pips exact"]


def test_cards_without_a_suit_are_asked_for_figure_and_theme_only() -> None:
    answers = dict(verdicts(Label("The Tower", "ice", ""), read("The Tower", "neon")))
    assert answers == {"theme": False, "emblem": True}


def test_the_tally_counts_right_answers_in_the_order_of_the_bars() -> None:
    shares = tally([NINE, NINE], [read("Nine of Clubs"), read("Nine of Hearts", "neon")])
    assert shares["suit"] == Share(1, 2)
    assert shares["suit"].percent == 50
    assert list(shares) == [question for question in BARS if question in shares]

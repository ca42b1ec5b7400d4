"""What the gallery makes of a batch, a slot and a search."""

from __future__ import annotations

import shlex

from fakes import Deck, spec, take
from msgspec.structs import replace

from imagineer_tui.model.gallery import Card, command_of, deck, found, place_of, takes_of
from imagineerd import protocol
from imagineerd.jobs import LoraWeight, State


def with_takes(*numbers: int, pick: int | None = None) -> protocol.BatchDetail:
    """The deck of three, whose first card has these takes."""
    detail = Deck().detail()
    takes = tuple(replace(take(number), slot=1) for number in numbers)
    first = replace(detail.slots[0], state=State.DONE, takes=takes, pick=pick)
    return replace(detail, slots=(first, *detail.slots[1:]))


def test_a_deck_shows_the_pick_of_each_card():
    cards = deck(with_takes(7, 8, 9, pick=8))
    assert [card.key for card in cards] == ["8", "", ""]
    assert (cards[0].takes, cards[0].pick) == (3, True)


def test_without_a_pick_the_newest_take_stands_for_a_card():
    assert deck(with_takes(7, 8))[0].key == "8"


def test_a_card_shows_all_its_takes_by_seed():
    cards = takes_of(with_takes(7, 8, pick=7), 1)
    assert [(card.name, card.pick) for card in cards] == [("seed 4717", True), ("seed 4718", False)]


def test_a_card_that_is_not_drawn_yet_stands_for_itself():
    assert [card.key for card in takes_of(with_takes(), 2)] == [""]
    assert takes_of(with_takes(), 99) == []


def test_what_was_found_keeps_its_names():
    listed = protocol.ListedTake(take=take(5), card="Leo", pick=True)
    (card,) = found((listed,))
    assert (card.name, card.key, card.pick) == ("Leo", "5", True)


def test_the_cursor_stays_on_its_take_or_else_on_its_card():
    cards = deck(with_takes(7, 8, pick=8))
    assert place_of(cards, cards[2]) == 2
    assert place_of(cards, Card("Aries", cards[0].batch, 1, take(7))) == 0
    assert place_of(cards, None) == 0
    assert place_of([], cards[0]) == 0


def test_a_take_rated_unsafe_is_hidden_until_it_is_revealed():
    card = Card("Leo", "b", 1, replace(take(5), is_nsfw=True))
    assert card.is_hidden(set())
    assert not card.is_hidden({5})
    assert not Card("Leo", "b", 1, take(5)).is_hidden(set())


def test_the_command_draws_the_take_again():
    asked = replace(spec("a king's raven", 9), mix=(LoraWeight("Ink", 0.5),), negative_prompt="blur")
    words = shlex.split(command_of(protocol.TakeDetail(about=protocol.ListedTake(take=take(9), card="x"), spec=asked)))
    assert words[:3] == ["imagineer", "generate", asked.prompt]
    assert words[words.index("--seed") + 1] == "9"
    assert words[words.index("--lora") + 1] == "Ink:0.5"
    assert words[-2:] == ["--negative-prompt", "blur"]

"""What is open in the gallery, and where the cursor goes."""

from __future__ import annotations

import pytest
from fakes import BATCH, Deck, take
from msgspec.structs import replace

from imagineer_tui.model.album import Album
from imagineer_tui.model.gallery import Card
from imagineerd.jobs import JobError, State
from imagineerd.protocol import BatchDetail, ListedTake


def detail() -> BatchDetail:
    """Three cards: the first with two takes, the second failed, the third still to come."""
    deck = Deck().detail()
    aries, taurus, gemini = deck.slots
    takes = tuple(replace(take(number), slot=1) for number in (1, 4))
    failed = replace(taurus, state=State.FAILED, error=JobError("E_OOM", "Out of memory."))
    return replace(deck, slots=(replace(aries, state=State.DONE, pick=1, takes=takes), failed, gemini))


@pytest.fixture
def album() -> Album:
    album = Album(BATCH, detail=detail())
    album.lay_out()
    return album


def test_a_deck_has_a_card_for_each_slot(album: Album):
    assert [card.name for card in album.cards] == ["Aries", "Taurus", "Gemini"]
    assert album.title == "Zodiac “gold on black”"
    assert not album.among_takes


def test_a_card_with_several_takes_is_entered_and_left(album: Album):
    assert album.enter(album.cards[0])
    album.lay_out()

    assert [card.key for card in album.cards] == ["1", "4"]
    assert album.title.endswith("› Aries")
    assert album.leave()
    assert not album.leave()


def test_a_card_with_one_take_or_none_is_not(album: Album):
    assert not album.enter(album.cards[1])
    assert album.slot == 0


def test_the_cursor_stays_on_its_card_unless_another_is_wanted(album: Album):
    assert album.place(album.cards[2]) == 2

    album.open(BATCH, slot=2)

    assert album.place(album.cards[0]) == 1
    assert album.place(album.cards[0]) == 0


def test_a_search_goes_before_the_deck(album: Album):
    album.query = "fool"
    album.lay_out_found([ListedTake(take=take(4), card="The Fool")])

    assert album.title == "Search “fool”"
    assert [card.name for card in album.cards] == ["The Fool"]
    assert not album.enter(album.cards[0])


def test_it_knows_why_a_card_failed_and_which_take_is_the_pick(album: Album):
    assert album.error_of(album.cards[1]) == "Out of memory."
    assert album.error_of(album.cards[2]) == ""
    assert album.pick_of(album.cards[0]) == 1


def test_of_more_than_four_the_first_is_not_compared_any_more(album: Album):
    cards = [Card(f"seed {number}", BATCH, 1, take(number)) for number in range(1, 6)]
    for card in cards:
        album.compare(card)

    assert album.compared == cards[1:]
    album.compare(cards[2])
    assert album.compared == [cards[1], cards[3], cards[4]]
    assert album.comparing


def test_what_is_revealed_is_blurred_again_by_the_same_key(album: Album):
    hidden = Card("Aries", BATCH, 1, replace(take(1), is_nsfw=True))
    assert album.is_hidden(hidden)

    album.reveal(1)
    assert not album.is_hidden(hidden)

    album.reveal(1)
    assert album.is_hidden(hidden)


def test_what_is_compared_is_as_the_deck_has_it_now(album: Album):
    album.enter(album.cards[0])
    album.lay_out()
    for card in list(album.cards):
        album.compare(card)
    assert album.detail is not None
    aries, *others = album.detail.slots

    album.detail = replace(album.detail, slots=(replace(aries, pick=4), *others))
    album.lay_out()
    assert [(card.key, card.pick) for card in album.compared] == [("1", False), ("4", True)]
    assert album.places() == [0, 1]

    album.detail = replace(album.detail, slots=(replace(aries, takes=aries.takes[1:]), *others))
    album.lay_out()
    assert [card.key for card in album.compared] == ["4"]
    assert list(album.places()) == [0]

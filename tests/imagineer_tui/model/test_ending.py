"""How a batch ended, in words."""

from __future__ import annotations

import pytest

from imagineer_tui.model.ending import Ended
from imagineerd.protocol import Batch

DECK = {"id": "d", "set": "zodiac", "title": "Zodiac"}
PROMPT = {"id": "p", "set": "", "title": "a fox"}


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (Batch(**DECK, takes=13, states={"done": 12}), "12 cards."),
        (Batch(**DECK, takes=2, states={"done": 2, "held": 1}), "2 of 3 cards; 1 held."),
        (Batch(**PROMPT, takes=4, states={"done": 1}), "4 takes."),
        (Batch(**PROMPT, takes=1, states={"done": 1}), "1 take."),
        (Batch(**PROMPT, states={"failed": 1}), "0 of 1 take; 1 failed."),
    ],
)
def test_a_deck_has_cards_and_a_prompt_has_takes(batch: Batch, text: str) -> None:
    assert (Ended(batch).title, Ended(batch).text) == (f"{batch.title} is finished", text)

"""Sets, asked of a real daemon."""

from __future__ import annotations

import pytest

from imagineerd.client import Client
from imagineerd.errors import NotFound


def test_the_shipped_sets_are_listed_without_problems(client: Client) -> None:
    found = {entry.id: entry.cards for entry in client.sets().sets}

    assert found["zodiac"] == 12
    assert not any(entry.problems for entry in client.sets().sets)


def test_a_set_is_shown_by_the_beginning_of_its_name(client: Client) -> None:
    detail = client.show_set("zod")

    assert detail.info.id == "zodiac"
    assert [card.index for card in detail.cards] == list(range(1, 13))


def test_a_set_that_is_not_there_is_told_with_the_nearest(client: Client) -> None:
    with pytest.raises(NotFound, match="zodiac"):
        client.show_set("zodaic")

"""Follow a batch to its end, also across restarts of the daemon."""

from __future__ import annotations

from collections.abc import Iterator

from imagineer_tui.deck import Card, Deck
from imagineer_tui.progress import Display
from imagineerd.client import Away, Client
from imagineerd.errors import DaemonAway
from imagineerd.jobs import Job
from imagineerd.protocol import Resume, Snapshot

PAGE = 1000


def all_jobs(client: Client, batch_id: str) -> Iterator[Job]:
    """Yield every job of a batch, newest first."""
    before: int | None = None
    while True:
        page = client.jobs(batch_id=batch_id, limit=PAGE, before=before)
        yield from page.jobs
        before = page.before
        if before is None:
            return


def follow(client: Client, deck: Deck, display: Display) -> None:
    """Show the deck until every card has ended."""
    away = False
    for message in client.events():
        ended = deck.take(message)
        if isinstance(message, Snapshot | Resume):
            away, deck.stale = False, True
        if deck.stale and not away:
            ended += _load(client, deck)
        away = away or isinstance(message, Away)
        display.update(deck, ended, away=away)
        if deck.finished:
            return


def settle(client: Client, deck: Deck) -> bool:
    """Load the deck and say whether there is nothing to wait for."""
    deck.load(all_jobs(client, deck.batch.id))
    return deck.finished


def _load(client: Client, deck: Deck) -> list[Card]:
    """Look at all jobs; where the daemon has gone again, that is done when it is back."""
    try:
        return deck.load(all_jobs(client, deck.batch.id))
    except DaemonAway:
        return []

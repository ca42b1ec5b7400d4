"""Show a deck while it is drawn: `LiveDeck` on a terminal, `PlainDeck` a line per finished card anywhere else."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imagineer_tui.deck import Card, Deck, Pace
from imagineer_tui.words import clock, title_of
from imagineerd.jobs import State

AWAY = "The daemon is away; waiting for it …"
PAUSED = "the queue is paused; imagineer resume"
MOST_RUNNING = 8
"""Cards that are shown with a bar of their own."""


class Display(Protocol):
    """What `following` shows a deck on."""

    def update(self, deck: Deck, ended: list[Card], *, away: bool) -> None:
        """Show the deck as it is now, and which cards ended since."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def display_for(console: Console) -> Display:
    """Return the display that the console can show."""
    plain = not console.is_terminal or console.is_dumb_terminal
    return PlainDeck(console) if plain else LiveDeck(console)


class Silent:
    """Shows nothing: where the output is data."""

    def update(self, deck: Deck, ended: list[Card], *, away: bool) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing is left to undo."""


class PlainDeck:
    """One line per finished card, and one when the daemon goes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._away = False
        self._loading = ""

    def update(self, deck: Deck, ended: list[Card], *, away: bool) -> None:
        """Print what is new."""
        if away and not self._away:
            _print_line(self._console, AWAY)
        self._away = away
        loading = worker_line(deck)
        if loading and loading != self._loading:
            _print_line(self._console, loading)
        self._loading = loading
        for place, card in enumerate(ended, deck.ended - len(ended) + 1):
            _print_line(self._console, f"{place}/{len(deck.cards)} {card_line(card)}")

    def close(self) -> None:
        """Nothing is left to undo."""


class LiveDeck:
    """A bar for the deck, one for each card that is being drawn, and what the worker does."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace: Pace | None = None
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def update(self, deck: Deck, ended: list[Card], *, away: bool) -> None:
        """Draw everything anew; a card without a picture stays on the screen as a line."""
        now = time.monotonic()
        if self._pace is None and deck.running:
            self._pace = Pace(deck, now)
        for card in ended:
            if card.state is not State.DONE:
                _print_line(self._console, card_line(card))
        left = self._pace.left(deck, now) if self._pace else None
        self._live.update(deck_view(deck, left, away=away), refresh=True)

    def close(self) -> None:
        """Remove the bars."""
        self._live.stop()


def card_line(card: Card) -> str:
    """Return how a card ended."""
    if card.state is State.DONE:
        return card.name
    return f"{card.name}: {card.state.value}{f': {card.error.message}' if card.error else ''}"


def worker_line(deck: Deck) -> str:
    """Return why nothing is drawn now; empty while something is, or nothing waits for it."""
    worker = deck.worker
    if deck.paused and not deck.running:
        return PAUSED
    if worker is None or worker.phase in {"idle", "working"}:
        return ""
    detail = (worker.detail or worker.model).removeprefix("loading").strip()
    match worker.phase:
        case "loading":
            return f"loading {detail or 'the model'} …"
        case "starting":
            return "starting the worker …"
        case _:
            return f"the worker is gone{f': {detail}' if detail else ''}"


def deck_view(deck: Deck, left: float | None, *, away: bool = False) -> RenderableType:
    """Return the whole display; `left` is seconds, None while unknown."""
    lines: list[RenderableType] = [_overall(deck, left), _running(deck)]
    note = AWAY if away else worker_line(deck)
    if note:
        lines.append(Text(note, style="yellow" if away else "dim"))
    return Group(*lines)


def _overall(deck: Deck, left: float | None) -> RenderableType:
    grid = Table.grid(padding=(0, 1), expand=False)
    title = title_of(deck.batch)
    grid.add_column(max_width=36, no_wrap=True, overflow="ellipsis")
    total = max(len(deck.cards), 1)
    count = f"{deck.ended}/{len(deck.cards)}"
    time_left = f"{clock(left)} left" if left is not None else ""
    grid.add_row(Text(title, style="bold"), Text(count), ProgressBar(total, deck.ended, width=24), Text(time_left))
    return grid


def _running(deck: Deck) -> RenderableType:
    grid = Table.grid(padding=(0, 1), expand=False)
    grid.add_column(max_width=30, no_wrap=True, overflow="ellipsis")
    for card in deck.running[:MOST_RUNNING]:
        step = Text(f"step {card.step}/{card.steps}", style="dim")
        grid.add_row(f"  {card.name}", ProgressBar(max(card.steps, 1), card.step, width=20), step)
    return grid


def _print_line(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)

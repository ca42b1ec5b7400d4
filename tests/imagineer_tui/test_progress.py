"""What is shown of a deck while it is drawn."""

from __future__ import annotations

import io

import pytest
from fakes import Deck as Script
from rich.console import Console

from imagineer_tui.deck import Deck
from imagineer_tui.progress import LiveDeck, PlainDeck, deck_view, display_for, worker_line
from imagineerd import protocol
from imagineerd.client import Event
from imagineerd.jobs import State


def shown(deck: Deck, left: float | None, *, away: bool = False) -> str:
    console = Console(file=io.StringIO(), width=80, highlight=False)
    console.print(deck_view(deck, left, away=away))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def half_done() -> Deck:
    script = Script()
    deck = Deck(script.batch())
    deck.load(script.jobs.values())
    deck.take(Event(1, script.finish(1)))
    deck.take(Event(2, script.move(2, State.RUNNING)))
    deck.take(protocol.Tick(job=2, batch=deck.batch.id, slot=2, step=3, steps=4))
    return deck


def test_a_paused_queue_is_said_to_be_unless_something_is_still_drawn() -> None:
    deck = half_done()
    deck.take(Event(3, protocol.PauseChanged(paused=True)))
    assert worker_line(deck) == ""

    deck.take(Event(4, Script().move(2, State.QUEUED)))
    assert worker_line(deck) == "the queue is paused; imagineer resume"
    deck.take(Event(5, protocol.PauseChanged(paused=False)))
    assert worker_line(deck) == ""


def test_the_deck_the_cards_being_drawn_and_the_time_left_are_shown() -> None:
    lines = shown(half_done(), 14.0).splitlines()

    assert lines[0].startswith("Zodiac “gold on black” 1/3 ")
    assert "0:14 left" in lines[0]
    assert lines[1].startswith("  Taurus ")
    assert "step 3/4" in lines[1]


def test_a_daemon_that_is_away_is_said_to_be() -> None:
    assert "The daemon is away; waiting for it" in shown(half_done(), None, away=True)


@pytest.mark.parametrize(
    ("worker", "line"),
    [
        (protocol.Worker(phase="starting"), "starting the worker …"),
        (protocol.Worker(phase="loading", detail="starter"), "loading starter …"),
        (protocol.Worker(phase="loading", detail="loading 40%"), "loading 40% …"),
        (protocol.Worker(phase="loading"), "loading the model …"),
        (protocol.Worker(phase="dead", detail="No torch."), "the worker is gone: No torch."),
        (protocol.Worker(phase="idle", detail="x"), ""),
    ],
)
def test_the_worker_is_spoken_of_while_it_cannot_draw(worker: protocol.Worker, line: str) -> None:
    deck = half_done()
    deck.take(worker)

    assert worker_line(deck) == line


def test_where_nothing_can_be_redrawn_there_are_plain_lines() -> None:
    assert isinstance(display_for(Console(file=io.StringIO())), PlainDeck)
    dumb = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(display_for(dumb), PlainDeck)


def test_without_colour_nothing_is_coloured() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ={"TERM": "xterm", "NO_COLOR": "1"})
    display = LiveDeck(console)
    display.update(half_done(), [], away=False)
    display.close()

    assert "\x1b[3" not in file.getvalue().replace("\x1b[39", "")

"""The commands that draw, and `watch`: what was accepted is followed to its end."""

from __future__ import annotations

import time
from typing import Any

from imagineer_tui import choosing, tables
from imagineer_tui.arguments import CONFIGURED, settings_of
from imagineer_tui.deck import Deck
from imagineer_tui.following import follow, settle
from imagineer_tui.progress import Silent, display_for
from imagineer_tui.run import FAILED, INTERRUPTED, OK, Run
from imagineer_tui.words import number_of, took
from imagineerd import protocol
from imagineerd.client import Client


def deal(run: Run) -> int:
    """Deal a set."""
    client, options = run.client(start=True), run.options
    theme, cards = run.theme(), choosing.cards(client, options.set, options.cards)
    prompt = _configured_prompt(client) if options.label == CONFIGURED else options.label
    dealt = client.deal(options.set, theme, settings_of(options), cards, label=prompt, **queueing(run))
    return accepted(run, dealt)


def generate(run: Run) -> int:
    """Draw a single prompt."""
    client, options = run.client(start=True), run.options
    settings = settings_of(options)
    return accepted(run, client.generate(options.prompt, options.count, settings, options.name, **queueing(run)))


def reroll(run: Run) -> int:
    """Draw slots once more."""
    client, options = run.client(start=True), run.options
    slots = choosing.slots(client, options.batch, options.slots)
    return accepted(run, client.reroll(options.batch, slots, options.seed, **queueing(run)))


def complete(run: Run) -> int:
    """Draw what is missing."""
    dealt = run.client(start=True).complete(run.options.batch, **queueing(run))
    if not dealt.jobs and not run.out.json:
        run.out.line("Nothing is missing.")
        return OK
    return accepted(run, dealt)


def watch(run: Run) -> int:
    """Follow a batch; where it is done already, say how it ended."""
    client = run.client()
    deck = Deck(client.batch(run.options.batch).batch)
    return _summary(run, deck, 0.0) if settle(client, deck) else _follow(run, deck)


def queueing(run: Run) -> dict[str, Any]:
    """Return what the options say of how jobs are queued."""
    return {"priority": run.options.priority, "hold": run.options.hold, "fresh": run.options.fresh}


def _configured_prompt(client: Client) -> str:
    return str(client.config().values["labeling"]["prompt"])


def accepted(run: Run, dealt: protocol.Dealt) -> int:
    """Jobs are queued: follow them, unless that is not wanted."""
    run.out.warnings(dealt.warnings)
    if run.options.detach or run.options.hold:
        run.out.show(dealt, tables.put_aside if run.options.hold else tables.dealt)
        return OK
    if dealt.cached:
        run.out.notice(f"{dealt.cached} of {len(dealt.jobs)} drawn before; --fresh draws them again")
    return _follow(run, Deck(dealt.batch, only=dealt.jobs))


def _follow(run: Run, deck: Deck) -> int:
    display = Silent() if run.out.json else display_for(run.out.console)
    began = time.monotonic()
    try:
        follow(run.client(), deck, display)
    except KeyboardInterrupt:
        display.close()
        run.out.result(f"Batch {deck.batch.id} goes on; imagineer watch {deck.batch.id}")
        return INTERRUPTED
    finally:
        display.close()
    return _summary(run, deck, time.monotonic() - began)


def _summary(run: Run, deck: Deck, seconds: float) -> int:
    """Say how the batch ended, which cards have no picture, and where the others are."""
    if run.out.json:
        run.out.show(run.client().batch(deck.batch.id), tables.batch)
        return FAILED if deck.undone else OK
    for card in deck.undone:
        run.out.line(f"  {card.name}: {card.state.value}{f': {card.error.message}' if card.error else '.'}")
    done = len(deck.cards) - len(deck.undone)
    time_taken = f" in {took(seconds)}" if seconds else ""
    run.out.line(f"{done} of {number_of(len(deck.cards), 'card')} done{time_taken}: {deck.batch.folder}")
    return FAILED if deck.undone else OK

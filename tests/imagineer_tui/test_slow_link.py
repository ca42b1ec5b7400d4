"""The whole program on a slow line: somebody pages through a deck of pictures and looks at a card as it emerges.

What a line holds back is pictures, never keys: nothing here asserts on times, but on what arrives, and on bytes.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes import Deck, FakeDaemon, spec, take
from house import TESTS, wait_until
from msgspec.structs import replace
from PIL import Image
from pseudo_terminal import SILENT, PseudoTerminal, Screen
from test_budgets import again_and_again, preview, tick
from test_opening import environ

from imagineer_tui.terminal.outbox import CONGESTED
from imagineerd import protocol
from imagineerd.jobs import State

SIZE = (120, 40)
RATE = 200_000
"""Bytes a second."""
CARDS = 120
TURNED = 10
PAGE_DOWN = b"\x04"
A_PAGES_CARDS = 9
A_PAGE = (A_PAGES_CARDS * 12 * 9 + 42 * 32) * 45
"""Bytes of the small pictures and of the large one, on which no two cells are alike."""


def noise(number: int) -> bytes:
    """Return a picture that nothing makes smaller."""
    file = io.BytesIO()
    pixels = random.Random(number).randbytes(24 * 36 * 3)  # noqa: S311 - a picture
    Image.frombytes("RGB", (24, 36), pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def gallery(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """A daemon with a deck of many cards, of which it draws one more."""
    slots = tuple(
        protocol.Slot(index=number, name=f"Card {number}", state=State.DONE, pick=number, takes=(take(number),))
        for number in range(1, CARDS + 1)
    )
    batch = replace(deck.batch(), slots=CARDS, takes=CARDS)
    about = protocol.ListedTake(take=take(1), card="Card", pick=True)
    deck.move(1, State.RUNNING)
    daemon.snapshot_jobs, daemon.snapshot_batches = (deck.jobs[1],), (batch,)
    daemon.pictures = {number: noise(number) for number in range(1, CARDS + 1)}
    daemon.answers |= {
        "batch": protocol.BatchDetail(batch=batch, slots=slots),
        "batches": protocol.Batches(batches=(batch,)),
        "take": protocol.TakeDetail(about=about, spec=spec(), folder="/pictures"),
        "favourite": protocol.Done(),
        "pause": protocol.Done(),
    }
    return daemon


@contextmanager
def paging(folder: Path, **terminal: Any) -> Iterator[PseudoTerminal]:
    """Open the gallery and wait until its first page is drawn."""
    command = [sys.executable, str(TESTS / "noted_app.py"), str(folder / "report.json")]
    with PseudoTerminal(command, environ(folder, COLORTERM="truecolor"), SILENT, size=SIZE, **terminal) as pseudo:
        pseudo.wait_for(b"about 0:24")
        pseudo.type(b"5")
        pseudo.wait_for(b"page 1 of")
        pseudo.bytes_until_quiet(1.0)
        yield pseudo


def test_a_terminal_that_takes_nothing_holds_back_pictures_but_no_key(gallery: FakeDaemon, folder: Path) -> None:
    with paging(folder) as terminal:
        terminal.pause()
        before = len(terminal.output)
        with again_and_again(lambda step: tick(gallery, step)):
            for _ in range(TURNED):
                turn_the_page(gallery, terminal)
            terminal.type(b"Gf")
            wait_until(lambda: gallery.count(protocol.Favourite))
            assert gallery.last(protocol.Favourite).takes == (CARDS,)
            terminal.type(b"4p")
            wait_until(lambda: gallery.count(protocol.Pause))
        terminal.go_on()
        terminal.wait_for("── Now ──".encode())
        assert len(terminal.output) - before <= CONGESTED + 2 * A_PAGE
        left(terminal)


def turn_the_page(gallery: FakeDaemon, terminal: PseudoTerminal) -> None:
    """Go to the next page, and wait until its pictures were asked for."""
    asked = gallery.count(protocol.BlobGet)
    terminal.type(PAGE_DOWN)
    wait_until(lambda: gallery.count(protocol.BlobGet) >= asked + A_PAGES_CARDS)


def test_a_card_that_emerges_keeps_nobody_from_going_elsewhere(gallery: FakeDaemon, folder: Path) -> None:
    with paging(folder, rate=RATE) as terminal:
        for _ in range(3):
            terminal.type(b"4")
            gallery.wait_for(lambda: bool(gallery.watchers))
            with again_and_again(lambda step: preview(gallery, step), 20):
                terminal.bytes_in(1.0)
                terminal.type(b"5" + PAGE_DOWN + PAGE_DOWN)
        terminal.type(b"Gf")
        wait_until(lambda: gallery.count(protocol.Favourite))
        assert gallery.last(protocol.Favourite).takes == (CARDS,)
        left(terminal)
    assert most_waited(folder) <= CONGESTED + 2 * A_PAGE


def left(terminal: PseudoTerminal) -> None:
    """Leave the program, which the slow line lets through, too."""
    terminal.type(b"q")
    assert terminal.ended() == 0
    assert terminal.screen == Screen()


def most_waited(folder: Path) -> int:
    """Return the most bytes that ever waited for the terminal."""
    return int(json.loads((folder / "report.json").read_text())["backlog"])

"""What the real program writes to a real terminal: every byte goes over somebody's SSH line."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from fakes import BATCH, Deck, FakeDaemon, spec, take
from PIL import Image
from pseudo_terminal import SILENT, PseudoTerminal
from test_opening import IMAGINEER, environ

from imagineerd import protocol
from imagineerd.jobs import State

SECONDS = 4.0
HZ = 5
A_BAR = 2_000
A_PREVIEW = 20_000
"""Bytes a second."""
A_MOVE = 300
"""Bytes of one."""


@contextmanager
def again_and_again(act: Callable[[int], object], hz: float = HZ) -> Iterator[None]:
    """Do something so many times a second, with a number that grows."""
    ended = threading.Event()

    def go_on() -> None:
        for number in count(1):
            act(number)
            if ended.wait(1 / hz):
                return

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def screen_of(key: bytes, shown: bytes, folder: Path, size: tuple[int, int]) -> Iterator[PseudoTerminal]:
    """Run `imagineer`, go to a screen, and wait until it has drawn all."""
    with PseudoTerminal(IMAGINEER, environ(folder, COLORTERM="truecolor"), SILENT, size=size) as terminal:
        terminal.wait_for(b"about 0:24")
        terminal.type(key)
        terminal.wait_for(shown)
        terminal.bytes_until_quiet(1.5)
        yield terminal


@pytest.fixture
def drawing(daemon: FakeDaemon, deck: Deck) -> FakeDaemon:
    """A daemon that draws the first of three cards."""
    deck.move(1, State.RUNNING)
    daemon.snapshot_jobs, daemon.snapshot_batches = tuple(deck.jobs.values()), (deck.batch(),)
    daemon.worker = protocol.Worker(phase="working", device="cpu")
    return daemon


def tick(daemon: FakeDaemon, step: int) -> None:
    daemon.beside(protocol.Tick(job=1, batch=BATCH, slot=1, step=step, steps=200))


def preview(daemon: FakeDaemon, step: int) -> None:
    rgb = random.Random(step).randbytes(32 * 48 * 3)  # noqa: S311 - a picture
    daemon.preview(protocol.Preview(job=1, batch=BATCH, slot=1, step=step, steps=200, width=32, height=48, rgb=rgb))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_progress_five_times_a_second(size: tuple[int, int], drawing: FakeDaemon, folder: Path) -> None:
    with (
        screen_of(b"4", b"begins", folder, size) as terminal,
        again_and_again(lambda step: tick(drawing, step)),
    ):
        terminal.wait_for(b"it/s")
        terminal.bytes_in(SECONDS)  # until the rate is one of some seconds, and settles
        assert 0 < terminal.bytes_in(SECONDS) <= SECONDS * A_BAR


@pytest.mark.parametrize(("size", "seconds"), [((120, 40), SECONDS), ((200, 60), 3 * SECONDS)])
def test_a_live_preview(size: tuple[int, int], seconds: float, drawing: FakeDaemon, folder: Path) -> None:
    """The worker sends pictures of noise, which nothing makes smaller, far too often. A large one is 50 kB."""
    with screen_of(b"4", b"begins", folder, size) as terminal:
        drawing.wait_for(lambda: bool(drawing.watchers))
        with (
            again_and_again(lambda step: preview(drawing, step), 4 * HZ),
            again_and_again(lambda step: tick(drawing, step)),
        ):
            terminal.bytes_in(1.0)
            assert 0 < terminal.bytes_in(seconds) <= seconds * A_PREVIEW


def test_a_move_of_the_cursor_in_the_gallery(daemon: FakeDaemon, deck: Deck, folder: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 24), "#ff0000").save(file, "PNG")
    for number in (1, 2, 3):
        deck.finish(number)
        daemon.pictures[number] = file.getvalue()
    about = protocol.ListedTake(take=take(1), card="Aries", pick=True)
    daemon.answers["take"] = protocol.TakeDetail(about=about, spec=spec(), folder="/pictures")
    with screen_of(b"5", b"48;2;255;0;0m", folder, (80, 24)) as terminal:
        terminal.bytes_until_quiet(2.0)
        for key in (b"l", b"l", b"h"):
            assert terminal.bytes_after(key) <= A_MOVE

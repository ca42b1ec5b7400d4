"""Small Textual apps on the real terminal parts, for a pseudo-terminal: `small_apps.py NAME REPORT`.

What an app has seen is written to REPORT as JSON when it ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, ProgressBar, Static

from imagineer_tui.overlaying import Overlaying
from imagineer_tui.terminal.detection import detect
from imagineer_tui.terminal.driver import Driver
from imagineer_tui.terminal.images import choose
from imagineer_tui.terminal.signals import leave_on_signals
from imagineer_tui.widgets.drawings import Drawings
from imagineer_tui.widgets.live_preview import LivePreview
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.thumbnail import Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails

TICK_S = 0.01
WARM_S = 1.0
"""Seconds after which an app has imported what it needs."""
CARDS = 40


class Small(Overlaying[None]):
    """Notes every key; ctrl+q leaves."""

    CSS = "Screen { overflow: hidden; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, report: Path) -> None:
        self.terminal = detect(os.environ)
        os.environ.update(self.terminal.environ)
        super().__init__(driver_class=Driver)
        self.animation_level = "none"
        self.report: dict[str, Any] = {"keys": [], "lateness": 0.0, "backlog": 0, "reasons": self.terminal.reasons}
        self._file = report
        self._clock = report.with_suffix(".ticks").open("ab", buffering=0)

    def on_mount(self) -> None:
        leave_on_signals(self.leave)
        self.set_interval(0.05, self._note_backlog)
        self.set_timer(WARM_S, self._start_ticking)

    def leave(self, code: int) -> None:
        self.exit(return_code=code)

    def on_key(self, event: Key) -> None:
        self.report["keys"].append(event.key)

    def on_unmount(self) -> None:
        self._file.write_text(json.dumps(self.report))

    def _start_ticking(self) -> None:
        self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            self._clock.write(b".")
            self.report["lateness"] = max(self.report["lateness"], time.monotonic() - due)

    def _note_backlog(self) -> None:
        self.report["backlog"] = max(self.report["backlog"], self._driver.outbox.backlog)  # type: ignore[union-attr]


class Quiet(Small):
    """Has nothing to do."""

    def compose(self) -> ComposeResult:
        yield Static("ready")
        field = Input()
        field.cursor_blink = False  # it costs a kilobyte a second
        yield field

    def on_input_changed(self, event: Input.Changed) -> None:
        self.report["typed"] = event.value


class Progress(Small):
    """A bar at 5 Hz."""

    def compose(self) -> ComposeResult:
        yield Static("ready")
        yield ProgressBar(total=1000)

    def on_mount(self) -> None:
        self.set_interval(0.2, lambda: self.query_one(ProgressBar).advance(1))


class Preview(Small):
    """Frames of noise, far too many."""

    def compose(self) -> ComposeResult:
        yield LivePreview()

    def on_mount(self) -> None:
        self.set_interval(0.02, lambda: self.query_one(LivePreview).show(os.urandom(3 * 16 * 24), 16))


async def noise(key: str) -> bytes:
    """Return a picture of a card of noise, which is the most that a picture can cost."""
    import io
    from random import Random

    from PIL import Image

    file = io.BytesIO()
    pixels = Random(key).randbytes(24 * 36 * 3)  # noqa: S311 - no secret
    Image.frombytes("RGB", (24, 36), pixels).resize((96, 144)).save(file, "PNG")
    return file.getvalue()


class Grid(Small):
    """Pages of cards."""

    def compose(self) -> ComposeResult:
        yield Thumbnails(Drawings(noise))

    def on_mount(self) -> None:
        self.query_one(Thumbnails).show([Thumb(f"{n}", f"card {n}") for n in range(CARDS)])


class Large(Small):
    """One card, as the terminal shows it best; `n` is for the next one, `p` for the first, `f` repaints."""

    def compose(self) -> ComposeResult:
        yield Picture(noise, choose("auto", self.terminal).large, self.terminal)

    def on_mount(self) -> None:
        self.query_one(Picture).show("0")

    def key_n(self) -> None:
        self.query_one(Picture).show("1")

    def key_p(self) -> None:
        self.query_one(Picture).show("0")

    def key_f(self) -> None:
        self.query_one(Picture).refresh()


class Dialog(ModalScreen[None]):
    """Says that it is there."""

    def compose(self) -> ComposeResult:
        yield Static("This is a dialog.")


class Flood(Small):
    """Repaints everything, all the time."""

    def compose(self) -> ComposeResult:
        yield LivePreview()

    def on_mount(self) -> None:
        self.set_interval(1 / 30, self._repaint)

    def _repaint(self) -> None:
        preview = self.screen_stack[0].query_one(LivePreview)
        preview._free_at = 0.0  # no budget here
        width, height = preview.size
        preview.show(os.urandom(3 * width * height * 2), width)

    def key_m(self) -> None:
        self.push_screen(Dialog())


class Crash(Small):
    """Fails at `x`."""

    def compose(self) -> ComposeResult:
        yield Static("ready")

    def key_x(self) -> None:
        raise RuntimeError("This was meant to fail.")


APPS = {app.__name__.lower(): app for app in (Quiet, Progress, Preview, Grid, Large, Flood, Crash)}

if __name__ == "__main__":
    app = APPS[sys.argv[1]](Path(sys.argv[2]))
    app.run()
    sys.exit(app.return_code)

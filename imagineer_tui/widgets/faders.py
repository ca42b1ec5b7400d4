"""Weights to move: a line for each LoRA, by arrows, by the mouse, or by typing a number."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from imagineer_tui.model.compose import WEIGHT
from imagineer_tui.model.mixer import Desk, Fader
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import MARKER, Rows

COARSE: Final = 0.05
FINE: Final = 0.01
NUMBER: Final = 6
STATE: Final = 6
NAME: Final = 16
EMPTY = "No LoRA is on a fader.\nEnter in the library puts one here."


class Faders(Rows):
    """A line for each fader; its key is the LoRA's name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", f"nudge(-{COARSE})", "weight", id="mixer.less", key_display="←→"),
        Binding("right,l", f"nudge({COARSE})", "more weight", id="mixer.more", show=False),
        Binding("shift+left,H", f"nudge(-{FINE})", "a little less", id="mixer.less_fine", show=False),
        Binding("shift+right,L", f"nudge({FINE})", "a little more", id="mixer.more_fine", show=False),
        Binding("g", "screen.grid", "grid", id="mixer.grid"),
    ]

    class Moved(Message):
        """A fader shall be at this weight."""

        def __init__(self, lora: str, weight: float) -> None:
            super().__init__()
            self.lora = lora
            self.weight = weight

    class Nudged(Message):
        """A fader shall move by so much: keys come faster than what they do is shown."""

        def __init__(self, lora: str, by: float) -> None:
            super().__init__()
            self.lora = lora
            self.by = by

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(width=NAME), Column(), Column(width=NUMBER, right=True), Column(width=STATE),
                         empty=EMPTY, id=id)  # fmt: skip
        self._desk = Desk()
        self._dragged = ""

    @property
    def track(self) -> range:
        """The columns of the tracks."""
        first = len(MARKER) + NAME + 1
        return range(first, max(first + 2, self.size.width - NUMBER - STATE - 2))

    def show(self, desk: Desk, key: str = "") -> None:
        """Show these faders."""
        self._desk = desk
        cells = len(self.track)
        self.fill(
            [Row(fader.name, _cells(desk, fader, cells), dim=not desk.heard(fader)) for fader in desk.faders], key
        )

    def on_resize(self) -> None:
        """The tracks are as long as there is room for (Textual calls that of `Rows` too)."""
        self.show(self._desk)

    def action_nudge(self, by: float) -> None:
        """Move the fader under the cursor."""
        if self.key:
            self.post_message(self.Nudged(self.key, by))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a fader."""
        line = event.y + self.scroll_offset.y
        if line < len(self._desk.faders) and event.x in self.track:
            self._dragged = self._desk.faders[line].name
            self.capture_mouse()
            self._drag(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move it along."""
        if self._dragged:
            self._drag(event.x)

    def on_mouse_up(self) -> None:
        """Let it go."""
        if self._dragged:
            self._dragged = ""
            self.release_mouse()

    def _drag(self, x: int) -> None:
        share = (x - self.track.start) / (len(self.track) - 1)
        weight = WEIGHT.least + share * (WEIGHT.most - WEIGHT.least)
        self.post_message(self.Moved(self._dragged, round(weight / COARSE) * COARSE))


def _cells(desk: Desk, fader: Fader, width: int) -> tuple[Content | str, ...]:
    state = "solo" if desk.solo == fader.name else "muted" if fader.muted else ""
    return (fader.name, _track(fader.weight, width), f"{fader.weight:.2f}", f" {state}")


def _track(weight: float, width: int) -> Content:
    """Return a line with its middle at 0, filled from there to the weight."""
    middle = (width - 1) / 2
    knob = round(middle + weight / WEIGHT.most * middle)
    low, high = sorted((round(middle), knob))
    filled = "".join("█" if at == knob else "━" if low <= at <= high else "─" for at in range(width))
    return Content.assemble((filled[:low], "dim"), (filled[low : high + 1], "$primary"), (filled[high + 1 :], "dim"))

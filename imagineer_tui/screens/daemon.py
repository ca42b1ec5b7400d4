"""F4: how the daemon is, in full: what the status line has no room for, and what each of several devices does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, cast

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.model.daemon import facts
from imagineer_tui.widgets.reading import WIDTH, Reading

if TYPE_CHECKING:
    from imagineer_tui.app import ImagineerApp

FRAME: Final = 6
"""Cells of the box around the text."""
GAP: Final = 2
LEAST: Final = 12
LAST: Final = "The daemon is away. This is what was known last:"
NOTHING: Final = "Nothing is known of the daemon yet: it has not answered."


class DaemonScreen(Reading):
    """Follows what the daemon tells, like the status line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f4", "dismiss", show=False)]

    def __init__(self) -> None:
        self._facts = Static(markup=False)
        super().__init__("Daemon", self._facts)

    def on_mount(self) -> None:
        """Write down what is known, and how to leave it: the keys below belong to what it covers."""
        self.query_one(VerticalScroll).border_subtitle = "esc back"
        self.on_status_changed()

    def on_connection_changed(self) -> None:
        """The daemon came or went."""
        self.on_status_changed()

    def on_resize(self) -> None:
        """Lines are broken elsewhere."""
        self.on_status_changed()

    def on_status_changed(self) -> None:
        """Write it anew: a worker told something, or the counts changed."""
        self._facts.update(self._lines())

    def _lines(self) -> Content:
        world = cast("ImagineerApp", self.app).world
        if world.status is None:
            return Content(NOTHING)
        found = facts(replace(world.status, worker=world.worker or world.status.worker))
        names = max(len(name) for name, _ in found) + GAP
        room = max(LEAST, min(WIDTH, self.size.width) - FRAME - names)
        lines = [] if world.connection.live else [Content.styled(LAST, "$warning")]
        for name, text in found:
            first, *more = Content(text).wrap(room) or [Content("")]
            lines += [
                Content.styled(f"{name:<{names}}", "dim") + first,
                *(Content(" " * names) + line for line in more),
            ]
        return Content("\n").join(lines)

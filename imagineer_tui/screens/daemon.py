"""F4: how the daemon is, in full: what the status line has no room for, and what each of several devices does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.model.daemon import facts
from imagineer_tui.widgets.reading import Reading

if TYPE_CHECKING:
    from imagineer_tui.app import ImagineerApp

NOTHING = "Nothing is known of the daemon yet: it has not answered."


class DaemonScreen(Reading):
    """Follows what the daemon tells, like the status line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f4", "dismiss", show=False)]

    def __init__(self) -> None:
        self._facts = Static(markup=False)
        super().__init__("Daemon", self._facts)

    def on_mount(self) -> None:
        """Write down what is known."""
        self.on_status_changed()

    def on_status_changed(self) -> None:
        """Write it anew: a worker told something, or the counts changed."""
        self._facts.update(self._lines())

    def _lines(self) -> Content:
        world = cast("ImagineerApp", self.app).world
        if world.status is None:
            return Content(NOTHING)
        found = facts(replace(world.status, worker=world.worker or world.status.worker))
        width = max(len(name) for name, _ in found)
        return Content("\n").join([Content.assemble((f"{name:<{width}}  ", "dim"), text) for name, text in found])

"""The first line's right half: how the daemon is."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from imagineer_tui.model.status import Part, fitting

STYLES = {"quiet": "dim", "live": "$accent", "needs": "b $warning"}


class StatusLine(Widget):
    """`starter · cpu · drawing · 3 queued · 61 GB free`; what does not fit is left out, the least important first.

    A click tells all of it.
    """

    DEFAULT_CSS = """
    StatusLine { width: 1fr; height: 1; text-align: right; text-wrap: nowrap; margin-left: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Part] = []

    def show(self, parts: list[Part]) -> None:
        """Show these parts; nothing is drawn where they are the same."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    async def on_click(self) -> None:
        """Say all of it."""
        await self.run_action("app.daemon")

    def render(self) -> RenderResult:
        """Write the parts that fit."""
        kept = fitting(self._parts, self.size.width)
        return Content(" · ").join([Content.styled(part.text, STYLES[part.tone]) for part in kept])

"""What there is to do with the very first deck, below the queue; also while the cards have the screen to themselves."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

NEXT: Final = "[b $accent]5[/] to see them, [b $accent]3[/] to mix a LoRA in, [b $accent]1[/] to deal another deck."
BIGGER: Final = "[b $accent]F2[/] and model.default change to Stable Diffusion 1.5."


class Offer(Container):
    """Is not there until it is displayed."""

    DEFAULT_CSS = """
    Offer { display: none; height: auto; padding: 0 1; }
    """

    def compose(self) -> ComposeResult:
        """Two sentences."""
        yield Static(NEXT)
        yield Static(BIGGER, id="bigger")

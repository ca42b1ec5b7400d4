"""The line that appears while the daemon is away: what is wrong, how old the data are, what to press."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Banner(Static):
    """Takes no room while there is nothing to say."""

    DEFAULT_CSS = """
    Banner {
        display: none; height: auto; max-height: 3; padding: 0 1;
        background: $warning-muted; color: $text-warning;
        &.-shown { display: block; }
        &:ansi { background: ansi_default; color: ansi_yellow; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def show(self, text: str, offer: str = "") -> None:
        """Show a sentence and, as something to click as well, the offer to start the daemon; hide where it is empty."""
        if (text + offer) == self._text:
            return
        self._text = text + offer
        self.set_class(bool(text), "-shown")
        self.update(
            Content.from_markup("[b]![/b] $text [@click=app.start_daemon][u]$offer[/u][/]", text=text, offer=offer)
        )

"""The words in a panel's border."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from imagineer_tui.printable import one_line


def entitle(panel: Widget, title: str, subtitle: str = "") -> None:
    """Write titles as they are, without markup. Textual paints a panel anew for each, so only what differs is set.

    What changes several times a second belongs into a line of the panel instead.
    """
    for name, text in (("border_title", title), ("border_subtitle", subtitle)):
        content = Content(one_line(text))
        if content.markup != (getattr(panel, name) or ""):
            setattr(panel, name, content)

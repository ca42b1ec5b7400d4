"""The words in a panel's border."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from imagineer_tui.printable import one_line


def entitle(panel: Widget, title: str, subtitle: str = "") -> None:
    """Write titles as they are, without markup.

    Textual would paint the whole panel anew for each, with the picture in it; here a line of its border is.
    """
    width, height = panel.outer_size
    for name, text, line in (("_border_title", title, 0), ("_border_subtitle", subtitle, height - 1)):
        content = Content(one_line(text))
        if content != (getattr(panel, name) or Content()):
            setattr(panel, name, content)
            panel.refresh(Region(0, line, width, 1).translate(-panel.content_offset))

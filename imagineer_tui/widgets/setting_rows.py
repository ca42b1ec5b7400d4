"""The settings under the headings of their sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from textual.content import Content

from imagineer_tui.model.settings_view import Item, shown
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows

NAME_WIDTH = 28


class SettingRows(Rows):
    """One line for each: a dot where it is not the default, name, value."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Column(width=1), Column(width=NAME_WIDTH), Column(), id=id)

    def show(self, found: Iterable[Item]) -> None:
        """Show these settings."""
        self.fill(_rows(found))


def _rows(found: Iterable[Item]) -> Iterator[Row]:
    for section, members in groupby(found, key=lambda item: item.setting.key.split(".")[0]):
        yield Row(f"heading:{section}", (Content.styled(f"── {section} ──", "b"),), heading=True)
        for item in members:
            dot = Content.styled("•", "$accent") if item.changed else ""
            value = Content.styled(shown(item.value) or "(empty)", "$accent" if item.changed else "dim")
            yield Row(item.setting.key, (dot, item.setting.key.split(".")[1], value))

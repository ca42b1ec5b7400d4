"""The last line: the keys that matter here, `?` first, eight at most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual.app import RenderResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

MOST_KEYS: Final = 8
HELP: Final = "app.help"


class KeyFooter(Widget):
    """What can be pressed now; a click does the same as the key."""

    DEFAULT_CSS = """
    KeyFooter { height: 1; dock: bottom; background: $surface; text-wrap: nowrap; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.auto_links = False

    def on_mount(self) -> None:
        """Write the line anew whenever other keys count."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def render(self) -> RenderResult:
        """Write the keys that fit."""
        kept: list[Content] = []
        room = self.size.width
        for content in self._keys():
            room -= content.cell_length + 2 * bool(kept)
            if room < 0:
                break
            kept.append(content)
        return Content("  ").join(kept)

    def _changed(self, _: Screen[object]) -> None:
        self.refresh()

    def _keys(self) -> Iterable[Content]:
        shown = {
            active.binding.action: active
            for active in self.screen.active_bindings.values()
            if active.binding.show and active.enabled
        }
        # The dictionary runs from the focused widget to the app; help stands first wherever one is.
        order = sorted(shown.values(), key=lambda active: active.binding.action not in {HELP, "help"})
        for active in order[:MOST_KEYS]:
            key = self.app.get_key_display(active.binding)
            yield Content.from_markup(
                f"[@click=app.simulate_key('{active.binding.key}')][b $accent]$key[/] $name[/]",
                key=key,
                name=active.binding.description,
            )

"""The last line: the keys that matter here, `?` first, the way to all others last, eight at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import RenderResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

MOST_KEYS: Final = 8
HELP: Final = "app.help"
GAP: Final = "  "


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
        """Write the keys that fit: the first and the last always do. Under a form there are none."""
        if not self.screen.is_active:
            return ""
        kept = [self._written(binding) for binding in self._shown()]
        while len(kept) > 1 and (len(kept) > MOST_KEYS or self._length(kept) > self.size.width):
            del kept[-2]
        # Of a separator that was measured Textual counts the width once too often, and the line is not filled up.
        return Content(GAP).join(kept)

    def _length(self, keys: Sequence[Content]) -> int:
        return sum(key.cell_length + len(GAP) for key in keys) - len(GAP)

    def _written(self, binding: Binding) -> Content:
        return Content.from_markup(
            f"[@click=app.simulate_key('{binding.key}')][b $accent]$key[/] $name[/]",
            key=self.app.get_key_display(binding),
            name=binding.description,
        )

    def _changed(self, _: Screen[object]) -> None:
        self.refresh()

    def _shown(self) -> list[Binding]:
        """Return what can be pressed, from the focused widget's keys to those of the app, help before all of them."""
        shown: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled:
                # Of several keys of an action the first counts that a field does not take as a letter.
                shown.setdefault(active.binding.action, active.binding)
        return sorted(shown.values(), key=lambda binding: binding.id != HELP)

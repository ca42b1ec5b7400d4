"""What the screen beneath is for, and the keys that count there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from imagineer_tui.framed import Framed

KEY_WIDTH = 14


class HelpScreen(ModalScreen[None]):
    """Any of escape, `?` and `q` leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "dismiss", "back", id="help.back", key_display="esc"),
        Binding("j,down", "scroll('down')", "down", id="help.down", show=False),
        Binding("k,up", "scroll('up')", "up", id="help.up", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: $background 60%;
        VerticalScroll {
            width: 76; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
            border: round $accent; border-title-color: $accent; background: $surface;
        }
        &:ansi VerticalScroll { background: ansi_default; }
    }
    """

    def __init__(self, framed: Framed, display: Callable[[Binding], str]) -> None:
        super().__init__()
        self._title, self._help = framed.TITLE, framed.HELP
        self._keys = keys_of(framed.active_bindings.values(), display)

    def compose(self) -> ComposeResult:
        """Write the text, then the keys."""
        with VerticalScroll() as scroll:
            scroll.border_title = self._title
            yield Static(self._help, markup=False)
            for heading, keys in self._keys.items():
                lines = [Content.assemble((key.ljust(KEY_WIDTH), "b $accent"), name) for key, name in keys]
                yield Static(Content("\n").join([Content(), Content.styled(heading, "b"), *lines]))

    def action_scroll(self, direction: str) -> None:
        """Move the text."""
        scroll = self.query_one(VerticalScroll)
        getattr(scroll, f"scroll_{direction}")(animate=False)


def keys_of(active: Iterable[ActiveBinding], display: Callable[[Binding], str]) -> dict[str, list[tuple[str, str]]]:
    """Return (keys, what they do) under headings: of this screen, of its focused part, of the app."""
    found: dict[str, dict[str, tuple[list[str], str]]] = {"Here": {}, "Everywhere": {}}
    for key in active:
        binding = key.binding
        # Without an id it is one of Textual's own: moving in a list, editing a line.
        if not binding.id or not binding.description:
            continue
        heading = "Everywhere" if binding.id.startswith("app.") else "Here"
        keys, _ = found[heading].setdefault(binding.action, ([], binding.description))
        shown = display(binding)
        if shown not in keys:
            keys.append(shown)
    return {
        heading: [(" ".join(keys), name) for keys, name in actions.values()]
        for heading, actions in found.items()
        if actions
    }

"""What the screen beneath is for, and the keys that count there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from imagineer_tui.framed import Framed

KEY_WIDTH: Final = 14
NAME_WIDTH: Final = 36
HEADINGS: Final = {"app": "Everywhere", "list": "In a list"}
"""Where keys are listed whose ids begin so."""


class Key(NamedTuple):
    """Keys that do the same, what that is, and the name by which `tui.yaml` puts it on another key."""

    keys: tuple[str, ...]
    name: str
    id: str


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
                yield Static(Content("\n").join([Content(), Content.styled(heading, "b"), *map(_line, keys)]))

    def action_scroll(self, direction: str) -> None:
        """Move the text."""
        scroll = self.query_one(VerticalScroll)
        getattr(scroll, f"scroll_{direction}")(animate=False)


def _line(key: Key) -> Content:
    keys, name = " ".join(key.keys).ljust(KEY_WIDTH), key.name.ljust(NAME_WIDTH)
    return Content.assemble((keys, "b $accent"), name, (key.id, "dim"))


def keys_of(active: Iterable[ActiveBinding], display: Callable[[Binding], str]) -> dict[str, list[Key]]:
    """Return what can be pressed under headings: on this screen, in the whole app, in a list."""
    found: dict[str, dict[str, Key]] = {"Here": {}, "Everywhere": {}, "In a list": {}}
    for key in active:
        binding = key.binding
        # Without an id it is one of Textual's own: moving in a list, editing a line.
        if not binding.id or not binding.description:
            continue
        group = found[HEADINGS.get(binding.id.partition(".")[0], "Here")]
        known = group.get(binding.action, Key((), binding.description, binding.id))
        shown = display(binding)
        group[binding.action] = known if shown in known.keys else known._replace(keys=(*known.keys, shown))
    return {heading: list(keys.values()) for heading, keys in found.items() if keys}

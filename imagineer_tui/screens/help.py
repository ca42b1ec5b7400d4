"""What the screen beneath is for, and the keys that count there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import starmap
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.widgets.reading import Reading

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

    from imagineer_tui.framed import Framed

KEY_WIDTH: Final = 14
NAME_WIDTH: Final = 33
"""So that the longest name and the longest id fit beside each other into the box (`Reading`)."""
HEADINGS: Final = {"app": "Everywhere", "list": "In a list, or among pictures"}
"""Where keys are listed whose ids begin so."""


class Key(NamedTuple):
    """Keys that do the same, what that is, and the name by which `tui.yaml` puts it on another key."""

    keys: tuple[str, ...]
    name: str
    id: str


class HelpScreen(Reading):
    """What a screen says of itself, then its keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark,f1", "dismiss", show=False)]

    def __init__(self, framed: Framed, display: Callable[[Binding], str]) -> None:
        keys = keys_of(framed.active_bindings.values(), display)
        super().__init__(framed.TITLE, Static(framed.HELP, markup=False), *starmap(_listed, keys.items()))


def _listed(heading: str, keys: Iterable[Key]) -> Static:
    return Static(Content("\n").join([Content(), Content.styled(heading, "b"), *map(_line, keys)]))


def _line(key: Key) -> Content:
    keys, name = " ".join(key.keys).ljust(KEY_WIDTH), key.name.ljust(NAME_WIDTH)
    return Content.assemble((keys, "b $accent"), name, (key.id, "dim"))


def keys_of(active: Iterable[ActiveBinding], display: Callable[[Binding], str]) -> dict[str, list[Key]]:
    """Return what can be pressed under headings: on this screen, in the whole app, in a list."""
    found: dict[str, dict[str, Key]] = {"Here": {}, "Everywhere": {}, HEADINGS["list"]: {}}
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

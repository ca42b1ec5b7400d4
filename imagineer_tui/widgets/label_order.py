"""What to label, and with which prompt: two short lists over the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows

if TYPE_CHECKING:
    from imagineer_tui.model.labeling import Scope

OWN = "Put your own prompts into {folder}."


class Order(NamedTuple):
    """What was chosen."""

    scope: Scope
    prompt: str


class LabelOrder(ModalScreen[Order | None]):
    """Enter in either list begins; escape changes nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "begin", "begin", id="label_order.begin"),
        Binding("escape,q", "dismiss(None)", "back", id="label_order.back"),
    ]
    DEFAULT_CSS = """
    LabelOrder {
        align: center middle; background: $background 60%;
        Vertical {
            width: 70; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
            border: round $accent; border-title-color: $accent; background: $surface;
        }
        &:ansi Vertical { background: ansi_default; }
        Rows { height: auto; max-height: 8; }
        #asked-with { color: $text-muted; margin-top: 1; }
        #note { color: $text-muted; margin-top: 1; }
    }
    """

    def __init__(self, scopes: Sequence[Scope], scope: str, prompts: Iterable[str], prompt: str, folder: str) -> None:
        super().__init__()
        self._scopes, self._scope = {scope.key: scope for scope in scopes}, scope
        self._prompts, self._prompt = list(prompts), prompt
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Write the lists, then how to go on."""
        with Vertical() as panel:
            panel.border_title = "Label"
            yield Rows(Column(), id="scopes")
            yield Static("asked with the prompt", id="asked-with")
            yield Rows(Column(), id="prompts")
            yield Static(
                Content.from_markup(
                    "[@click=screen.begin][b $accent]enter[/] begins[/] · tab other list · "
                    "[@click=screen.dismiss(None)][b $accent]esc[/] back[/]\n$own",
                    own=OWN.format(folder=self._folder) if self._folder else "",
                ),
                id="note",
            )

    def on_mount(self) -> None:
        """Begin with what was chosen last."""
        scopes, prompts = self.query_one("#scopes", Rows), self.query_one("#prompts", Rows)
        scopes.fill([Row(scope.key, (scope.text,)) for scope in self._scopes.values()], self._scope)
        prompts.fill([Row(name, (name,)) for name in self._prompts], self._prompt)
        for rows in (scopes, prompts):
            rows.styles.height = min(8, len(rows.keys))
        scopes.focus()

    def action_begin(self) -> None:
        """Give what is under the two cursors."""
        scope, prompt = self.query_one("#scopes", Rows).key, self.query_one("#prompts", Rows).key
        self.dismiss(Order(self._scopes[scope], prompt))

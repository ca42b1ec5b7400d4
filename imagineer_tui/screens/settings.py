"""F2 Settings: the daemon's configuration, checked by the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from imagineer_tui.framed import Framed
from imagineer_tui.model.settings_view import Item, as_yaml, help_of, items, next_value, shown
from imagineer_tui.widgets.field import Field
from imagineer_tui.widgets.filter_line import filter_of
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.setting_rows import SettingRows
from imagineer_tui.widgets.titles import entitle

if TYPE_CHECKING:
    from imagineerd.protocol import Config


class SettingsScreen(Framed):
    """All settings by section; the one under the cursor is explained below, and changed there."""

    NAME = "settings"
    TITLE = "Settings"
    HELP = (
        "The configuration of the daemon, by section; a dot marks what is not the default. Enter changes a value: "
        "switches and choices go to the next one, others are typed. The daemon checks each value before it writes "
        "it into its file; whatever else stands in the file stays as it is.\n\n"
        "How this terminal looks (colours, keys, pictures) stands in tui.yaml beside that file."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change", "change", id="settings.change", key_display="enter"),
        Binding("d", "default", "default", id="settings.default"),
        Binding("z", "undo", "undo", id="settings.undo"),
        Binding("slash", "filter", "filter", id="settings.filter", key_display="/"),
    ]
    DEFAULT_CSS = """
    SettingsScreen {
        #list { height: 1fr; }
        #settings { height: 1fr; }
        #about { height: auto; padding: 0 1; border-top: solid $border-blurred; color: $text-muted; }
        #value { display: none; }
        #value.-open { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, Item] = {}

    def body(self) -> ComposeResult:
        """The list, the field and what it is about."""
        with Vertical(id="list", classes="panel") as panel:
            panel.border_title = "Settings"
            yield SettingRows(id="settings")
            yield Field(id="value")
            yield Static(id="about")

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(SettingRows).focus()

    @work(group="config", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """Ask for the configuration in force."""
        if config := await self.asked(self.client.config()):
            self._show(config)

    def _show(self, config: Config) -> None:
        from imagineerd.config import describe

        self._items = {item.setting.key: item for item in items(describe(self.house.paths), config.values)}
        self.query_one(SettingRows).show(self._items.values())
        file = f"{config.file} · restart needed" if config.restart_needed else config.file
        entitle(self.query_one("#list"), "Settings", file)
        self._explain()

    @on(Rows.Highlighted, "#settings")
    def _explain(self) -> None:
        self._tell()

    def _tell(self, fault: str = "") -> None:
        """Say what the setting is for and, before that, what is wrong with what was typed."""
        wrong = [Content.styled(f"! {fault}", "$warning")] if fault else []
        help_lines = help_of(self._item) if self._item else []
        self.query_one("#about", Static).update(Content("\n").join([*wrong, *map(Content, help_lines)]))

    @property
    def _item(self) -> Item | None:
        return self._items.get(self.query_one(SettingRows).key)

    # ------------------------------------------------------------ changing

    @on(Rows.Opened, "#settings")
    def action_change(self) -> None:
        """Go to the next value, or open the field."""
        if (item := self._item) is None:
            return
        if (following := next_value(item)) is not None:
            self._set(item, following)
            return
        field = self.query_one("#value", Input)
        field.value = shown(item.value)
        field.add_class("-open")
        field.focus()

    def action_default(self) -> None:
        """Go back to the default."""
        if item := self._item:
            self._set(item, None)

    @on(Input.Submitted, "#value")
    def _typed(self, event: Input.Submitted) -> None:
        if item := self._item:
            self._set(item, event.value)

    @work(group="set", exclusive=True, exit_on_error=False)
    async def _set(self, item: Item, text: str | None) -> None:
        """Have the daemon write a value. A wrong one stays in the field, with what is wrong."""
        key, before = item.setting.key, as_yaml(item.setting, shown(item.value))
        config = await self.asked(self._write(key, None if text is None else as_yaml(item.setting, text)))
        if config is None:
            return
        self.action_back()
        self._show(config)
        self.did(f"{key} is {shown(self._items[key].value)} now", lambda: self._put_back(key, before))

    async def _write(self, key: str, value: str | None) -> Config | None:
        """Have the daemon write a value; where it refuses, say why beside what the setting takes."""
        from imagineerd.errors import Invalid

        try:
            return await self.client.set_config(key, value)
        except Invalid as error:
            self._tell(error.message)
            return None

    async def _put_back(self, key: str, value: str) -> Config:
        config = await self.client.set_config(key, value)
        self._show(config)
        return config

    def action_back(self) -> None:
        """Close the field."""
        self._tell()
        self.query_one("#value").remove_class("-open")
        self.query_one(SettingRows).focus()

    # ------------------------------------------------------------ filter

    def action_filter(self) -> None:
        """Type words to look for."""
        filter_of(self.query_one(SettingRows)).open()

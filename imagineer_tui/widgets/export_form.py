"""Write a deck into a folder: what of it, and where; it stays until all is written, or says why it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from imagineer_tui.exports import FORMATS, PICTURES, Export, Exported, Parcel, export_of, folder_for
from imagineer_tui.widgets.columns import Column
from imagineer_tui.widgets.form_line import FormLine
from imagineer_tui.widgets.row import Row
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.titles import entitle
from imagineer_tui.words import number_of, size, title_of
from imagineerd.errors import DiskError, ImagineerError, Invalid, NotFound

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineerd.client import AsyncClient
    from imagineerd.protocol import BatchDetail

Folders: TypeAlias = Mapping[str, Path]
"""The folder that is offered for each format."""
Told: TypeAlias = Callable[[str], None]

SAID_S: Final = 15.0
"""Seconds for which it is said where a deck went: a path takes a while to read."""
KEYS: Final = (
    "[@click=screen.begin][b $accent]enter[/] writes it[/] · tab folder · [@click=screen.back][b $accent]esc[/] back[/]"
)


class ExportForm(ModalScreen[Exported | None]):
    """Enter writes what is under the cursor into the folder; escape stops, and nothing is left of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "begin", "write it", id="export.begin"),
        Binding("escape", "back", "back", id="export.back"),
    ]
    DEFAULT_CSS = """
    ExportForm {
        align: center middle; background: $background 60%;
        VerticalScroll {
            width: 70; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
            border: round $accent; border-title-color: $accent; background: $surface;
        }
        &:ansi VerticalScroll { background: ansi_default; }
        Rows { height: 4; margin-bottom: 1; }
        #note { color: $text-muted; margin-top: 1; }
    }
    """

    def __init__(self, detail: BatchDetail, folders: Folders, client: AsyncClient) -> None:
        super().__init__()
        self._detail, self._folders, self._client = detail, folders, client
        self._writing = False

    def compose(self) -> ComposeResult:
        """Write the formats, then the folder, then the keys."""
        with VerticalScroll(can_focus=False) as panel:
            entitle(panel, f"Export {title_of(self._detail.batch)}")
            yield Rows(Column(width=9), Column(), id="formats")
            yield FormLine("folder", "Folder", wide=True)
            yield Static(KEYS, id="note")

    def on_mount(self) -> None:
        """Begin with the pictures."""
        formats = self.query_one("#formats", Rows)
        formats.fill(_row(self._detail, name) for name in FORMATS)
        formats.focus()

    @on(Rows.Highlighted, "#formats")
    def _offer_folder(self, event: Rows.Highlighted) -> None:
        """Offer another folder, unless one was typed."""
        line = self.query_one(FormLine)
        if line.value in {"", *map(str, self._folders.values())}:
            line.value = str(self._folders[event.key])
        line.complain("")

    def action_back(self) -> None:
        """Stop, and leave nothing behind."""
        self.dismiss(None)

    @on(Rows.Opened)
    @on(FormLine.Submitted)
    def action_begin(self) -> None:
        """Write it."""
        if not self._writing:
            self._writing = True
            self._write()

    @work(group="export", exit_on_error=False)
    async def _write(self) -> None:
        line, note = self.query_one(FormLine), self.query_one("#note", Static)
        line.complain("")
        try:
            wanted = export_of(self._detail, self.query_one("#formats", Rows).key)
            self.dismiss(await write(self._client, wanted, Parcel(_folder_of(line.value)), note.update))
        except ImagineerError as error:
            line.complain(error.message)
            note.update(KEYS)
        finally:
            self._writing = False


async def write(client: AsyncClient, export: Export, parcel: Parcel, told: Told) -> Exported:
    """Write all of an export, or nothing; say how far it is. Raises what `Parcel` does, and the client's errors."""
    files = export.files
    await asyncio.to_thread(parcel.begin, files)
    try:
        for at, file in enumerate(files):
            told(f"{at} of {number_of(len(files), 'file')} written · [b $accent]esc[/] stops")
            content = await client.picture(file.take) if file.take else file.text.encode()
            await asyncio.to_thread(parcel.put, file.name, content)
    except BaseException:
        await asyncio.to_thread(parcel.take_back)
        raise
    return export.done(parcel)


async def export(framed: Framed, batch_id: str) -> None:
    """Ask what of a batch goes where, and say where it went."""
    if not batch_id:
        framed.notify("There is no deck to export: 1 deals one.")
    elif detail := await framed.asked(framed.client.batch(batch_id)):
        folders = await asyncio.to_thread(_folders_for, detail.batch.id)
        done = await framed.house.push_screen_wait(ExportForm(detail, folders, framed.client))
        if done:
            framed.notify(str(done), title="Exported", timeout=SAID_S)


def _row(detail: BatchDetail, name: str) -> Row:
    """Return a format with what it would write; dim, with the reason, where that is nothing."""
    try:
        export = export_of(detail, name)
    except NotFound:
        why = "no card has a picture yet" if name == PICTURES else "nothing of it is labelled yet: L has it labelled"
        return Row(name, (name, why), dim=True)
    room = "" if name == "csv" else f", {size(sum(take.bytes for take in export.takes))}"
    return Row(name, (name, f"{FORMATS[name]}: {len(export.takes)}{room}"))


def _folders_for(batch: str) -> Folders:
    return {name: folder_for(Path.cwd(), batch, name) for name in FORMATS}


def _folder_of(text: str) -> Path:
    """Return the folder that was typed. Raises `Invalid`, `DiskError`."""
    if not text.strip():
        raise Invalid(message="Name a folder to write to.")
    try:
        return Path(text.strip()).expanduser().absolute()
    except (OSError, RuntimeError):
        raise DiskError(f"{text.strip()} is no folder of this machine: name another one.") from None

"""What was drawn of single prompts lately, with what is to come: a row of pictures, the one at the cursor large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from imagineer_tui.model.drawn import Place, row
from imagineer_tui.terminal.detection import Terminal
from imagineer_tui.terminal.images import Choice
from imagineer_tui.widgets.page_layout import Sizes
from imagineer_tui.widgets.picture import Picture
from imagineer_tui.widgets.thumbnail import FAILED, MISSING, Thumb
from imagineer_tui.widgets.thumbnails import Thumbnails
from imagineer_tui.widgets.titles import entitle

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.widgets.drawings import Drawings
    from imagineerd.protocol import Take

SMALL: Final = Sizes(((12, 9),), 1)
KEPT: Final = 6
"""Draws whose pictures stay in the row."""
OPEN: Final = {"queued", "running"}


class Drawn(Vertical):
    """Shows the newest batches of Compose; `take` is the one under the cursor."""

    DEFAULT_CSS = """
    Drawn { padding: 0 1; }
    """

    def __init__(self, drawings: Drawings, images: Choice, terminal: Terminal) -> None:
        super().__init__(id="drawn", classes="panel")
        self.border_title = "Drawn"
        self.batches: list[str] = []
        self._drawings, self._images, self._terminal = drawings, images, terminal
        self._known: dict[str, tuple[Take, ...]] = {}
        self._places: list[Place] = []

    def compose(self) -> ComposeResult:
        """Put the large picture above the row."""
        yield Picture(self._load_large, self._images.large, self._terminal)
        yield Thumbnails(self._drawings, self._images.small, self._terminal.cell, SMALL, id="row")

    @property
    def _framed(self) -> Framed:
        return cast("Framed", self.screen)

    async def _load_large(self, key: str) -> bytes:
        return await self._framed.client.picture(int(key))

    # ------------------------------------------------------------ what there is

    @property
    def take(self) -> Take | None:
        """The take under the cursor."""
        return self._place.take if self._place else None

    @property
    def open_jobs(self) -> list[int]:
        """The jobs that are still to be drawn."""
        jobs = self._framed.world.jobs.values()
        return [job.id for job in jobs if job.batch in self.batches and job.state.value in OPEN]

    def add(self, batch: str) -> None:
        """Show a new batch before the others."""
        self.batches = [batch, *self.batches][:KEPT]
        self.show()

    async def load(self) -> None:
        """Ask what was drawn of the batches."""
        for batch in tuple(self.batches):
            await self._load_batch(batch)
        self.show()

    async def _load_batch(self, batch: str) -> None:
        from imagineerd.errors import DaemonAway, NotFound

        try:
            detail = await self._framed.client.batch(batch)
        except NotFound:
            self.batches.remove(batch)
        except DaemonAway:
            return
        else:
            self._known[batch] = tuple(take for slot in detail.slots for take in slot.takes)

    @property
    def _place(self) -> Place | None:
        at = self.query_one(Thumbnails).cursor
        return self._places[at] if at < len(self._places) else None

    # ------------------------------------------------------------ what is shown

    def show(self) -> None:
        """Bring the row up to date; the cursor stays on its picture."""
        page, before = self.query_one(Thumbnails), self._place
        self._places = list(row(self.batches, self._known, self._framed.world))
        jobs = [place.job for place in self._places]
        at = jobs.index(before.job) if before and before.job in jobs else 0
        page.show([_thumb(place) for place in self._places], at)
        self._show_large()
        waiting = sum(place.take is None for place in self._places)
        entitle(self, "Drawn", f"{waiting} to come" if waiting else "" if jobs else "enter in the form draws")

    def show_as(self, images: Choice) -> None:
        """Show pictures another way."""
        self._images = images
        self.query_one(Picture).show_as(images.large)
        self.query_one(Thumbnails).show_as(images.small)

    @on(Thumbnails.Highlighted, "#row")
    def _show_large(self) -> None:
        if self.take or not self._places:
            self.query_one(Picture).show(str(self.take.id) if self.take else "")


def _thumb(place: Place) -> Thumb:
    if place.take:
        return Thumb(str(place.take.id), f"seed {place.take.seed}")
    return Thumb("", place.note, FAILED if place.note in {"failed", "cancelled"} else MISSING)

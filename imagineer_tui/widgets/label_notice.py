"""How the labeler is, in a line; while its image is built, also what the build says."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.model.labeling import Notice, notice
from imagineer_tui.widgets.status_line import STYLES

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.world import Build
    from imagineerd.protocol import Check

LINES: Final = 6
"""Lines of a build that are seen."""


class LabelNotice(Vertical):
    """Takes one line, a few where the remedy needs them."""

    DEFAULT_CSS = """
    LabelNotice {
        height: auto;
        #labeler { height: auto; max-height: 4; padding: 0 1; display: none; }
        #build { height: auto; padding: 0 3; color: $text-muted; display: none; text-wrap: nowrap; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._checks: tuple[Check, ...] = ()
        self._said: Notice | None = None
        self._last: list[str] = []

    def compose(self) -> ComposeResult:
        """Two texts."""
        yield Static(id="labeler")
        yield Static(id="build", markup=False)

    @work(group="check", exclusive=True, exit_on_error=False)
    async def check(self) -> None:
        """Ask what the labeler lacks."""
        framed = cast("Framed", self.screen)
        if found := await framed.asked(framed.client.doctor()):
            self._checks = found.checks
            self.draw()

    def draw(self) -> None:
        """Show how the labeler is, and the build of its image."""
        world = cast("Framed", self.screen).world
        said = notice(world, self._checks)
        if said != self._said:
            self._said = said
            line = self.query_one("#labeler", Static)
            line.display = said is not None
            line.update(Content.styled(f"{said.mark} {said.text}", STYLES[said.tone]) if said else "")
        self._show_build(world.build)

    def _show_build(self, build: Build | None) -> None:
        """Show the last lines of a build, until it ended well."""
        going = build is not None and (not build.ended or bool(build.error))
        last = list(islice(reversed(build.lines), LINES))[::-1] if build and going else []
        if last != self._last:
            self._last = last
            log, width = self.query_one("#build", Static), max(1, self.size.width - 6)
            log.display = bool(last)
            log.update(Content("\n").join(Content(line).truncate(width, ellipsis=True) for line in last))

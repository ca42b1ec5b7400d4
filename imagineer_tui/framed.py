"""What every screen has around it: tabs and status above, a banner while the daemon is away, the keys below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import ScreenResume
from textual.screen import Screen
from textual.timer import Timer

from imagineer_tui import collector
from imagineer_tui.model.connecting import sentence
from imagineer_tui.model.status import parts, waiting
from imagineer_tui.remembering import Memory
from imagineer_tui.screens import TABS
from imagineer_tui.undoing import told
from imagineer_tui.widgets.banner import Banner
from imagineer_tui.widgets.key_footer import KeyFooter
from imagineer_tui.widgets.status_line import StatusLine
from imagineer_tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from imagineer_tui.app import ImagineerApp
    from imagineer_tui.model.world import World
    from imagineerd.client import AsyncClient

T = TypeVar("T")


class Framed(Screen[None]):
    """A screen of the app. A subclass gives `NAME`, `TITLE`, `HELP` and `body`, and what it needs of the others.

    `reload`: the daemon is there and in step, for the first time or again, or the screen comes to sight: ask it for
    what the world does not hold, and draw all anew. `arrive(intent)`: another screen sent a person here.
    `memory` and `recall`: what is kept between runs, as JSON; `recall` comes once, before the first `reload`.

    The classes `-narrow` (below 80 columns), `-normal`, `-wide` (from 120) and `-huge` (from 200) tell the width,
    `-low` (below 30 rows) the height.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    HELP: ClassVar[str]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide"), (200, "-huge")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - Textual's

    DEFAULT_CSS = """
    Framed {
        background: $background;
        #top { height: 1; padding: 0 1; background: $surface; }
        #body { height: 1fr; }
        .panel {
            border: round $border-blurred; border-title-color: $text-muted; border-subtitle-color: $text-muted;
            &:focus-within { border: round $border; border-title-color: $accent; }
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._beat: Timer | None = None
        self._recalled = False
        self._done: list[tuple[str, Callable[[], Awaitable[object]]]] = []

    # ------------------------------------------------------------ what a screen gives

    def body(self) -> ComposeResult:
        """Yield what stands between the first line and the last."""
        yield from ()

    def reload(self) -> object:
        """Draw everything anew; ask the daemon for what the world does not hold."""

    def arrive(self, intent: object) -> None:
        """Do what another screen sent a person here for."""

    def memory(self) -> Memory:
        """Return what is worth remembering: attributes, since the widgets are gone when this is asked."""
        return {}

    def recall(self, memory: Memory) -> None:
        """Be as it was when the app was last left."""

    # ------------------------------------------------------------ what a screen has

    @property
    def house(self) -> ImagineerApp:
        """The app."""
        return cast("ImagineerApp", self.app)

    @property
    def is_wide(self) -> bool:
        """Whether there is room for a third panel."""
        return bool(self.classes & {"-wide", "-huge"})

    @property
    def way_back(self) -> str:
        """What to do while no daemon answers."""
        return "F5 tries now." if self.house.is_far else "F5 starts it."

    @property
    def world(self) -> World:
        """What is known of the daemon."""
        return self.house.world

    @property
    def client(self) -> AsyncClient:
        """The one connection to the daemon. Only once `reload` was called."""
        return self.house.client

    async def asked(self, answer: Awaitable[T]) -> T | None:
        """Wait for an answer of the daemon; where it is an error, say so and return None."""
        from imagineerd.errors import DaemonAway, ImagineerError  # after the first paint

        try:
            return await answer
        except DaemonAway as error:
            self.notify(error.message, severity="warning")
        except ImagineerError as error:
            self.notify(error.message, severity="error", timeout=10)
        return None

    def did(self, what: str, back: Callable[[], Awaitable[object]]) -> None:
        """Say what was done, and remember how to take it back: `z` does, where the screen binds it to `undo`.

        What `back` gives tells whether it was too late (`undoing.told`).
        """
        self._done.append((what, back))
        self.notify(f"{what}. z takes it back.")

    @work(group="undo", exit_on_error=False)
    async def action_undo(self) -> None:
        """Take back what was done last."""
        if not self._done:
            self.notify("There is nothing to take back.")
            return
        what, back = self._done.pop()
        answer = await self.asked(back())
        if answer is not None and (text := told(what, answer)):
            self.notify(text)

    # ------------------------------------------------------------ the frame

    def compose(self) -> ComposeResult:
        """Put the frame around the body, as there is room for it: Textual would style it all once more for that."""
        self._take_breakpoints()
        with Horizontal(id="top"):
            yield TabBar(TABS, self.NAME)
            yield StatusLine()
        yield Banner()
        with Vertical(id="body"):
            yield from self.body()
        yield KeyFooter()

    def _take_breakpoints(self) -> None:
        for cells, breakpoints in zip(
            self.app.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True
        ):
            _, name = max((least, name) for least, name in breakpoints if least <= cells)
            self.add_class(name, update=False)

    def on_mount(self) -> None:
        """Keep the age of old data in sight; nothing beats while all is well."""
        self._beat = self.set_interval(1, self._show_connection, pause=True)
        self.call_after_refresh(collector.set_aside)

    @on(ScreenResume)
    def _come_to_sight(self, event: ScreenResume) -> None:
        if not self._recalled:
            self._recalled = True
            event.refresh_styles = False  # they were applied a moment ago
            with suppress(AttributeError, LookupError, TypeError, ValueError):  # another version remembered otherwise
                self.recall(self.house.remembered.screens.get(self.NAME, {}))
        self.query_one(KeyFooter).refresh()
        self.show_frame()
        self.renew()

    def on_screen_suspend(self) -> None:
        """Offer no keys while a form lies over it: they do not count there."""
        self.query_one(KeyFooter).refresh()

    def renew(self) -> None:
        """Ask for everything anew, if there is somebody to ask."""
        if self.world.connection.live:
            self.reload()

    def on_unmount(self) -> None:
        """Be as it is now in the next run."""
        self.house.remembered.screens[self.NAME] = self.memory()

    def on_connection_changed(self) -> None:
        """The daemon came or went."""
        self.show_frame()
        self.renew()

    def on_status_changed(self) -> None:
        """Show how the daemon is."""
        self.show_frame()

    def on_queue_changed(self) -> None:
        """Show how many cards wait."""
        self.show_frame()

    def on_resize(self) -> None:
        """Write out what there is room for."""
        self.show_frame()

    def show_frame(self) -> None:
        """Bring tabs, status and banner up to date."""
        self.query_one(StatusLine).show(parts(self.world))
        count = waiting(self.world)
        badges = {"queue": f"●{count}"} if count else {}
        if self.world.labeling and self.world.labeling.detail:
            badges["labels"] = "‖"
        self.query_one(TabBar).show(badges, self.size.width)
        self._show_connection()

    def _show_connection(self) -> None:
        connection = self.world.connection
        away = connection.phase == "away"
        offer = self.way_back if away and not connection.starting else ""
        self.query_one(Banner).show(sentence(connection, monotonic()), offer)
        if self._beat is None:
            return
        if away and self.is_current:
            self._beat.resume()
        else:
            self._beat.pause()

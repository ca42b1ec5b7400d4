"""The terminal UI: owns the one connection to the daemon and the world that is made of it, and tells the screens.

Starts without either: the wire is imported after the first paint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich import control
from textual import content, work
from textual.binding import Binding, BindingType

from imagineer_tui import preferring, themes
from imagineer_tui.copying import Copying
from imagineer_tui.gathering import Gathering
from imagineer_tui.leaving import Leaving
from imagineer_tui.lull import Tidying
from imagineer_tui.messages import OF_TOPIC, DeckFinished, Happened, ImagesChanged
from imagineer_tui.model.world import World
from imagineer_tui.overlaying import Overlaying
from imagineer_tui.preferences import Preferences, preferences_file
from imagineer_tui.printable import guard
from imagineer_tui.remembering import Remembered, recall, remember, state_file
from imagineer_tui.screens import ENTRIES, TABS
from imagineer_tui.styling import KeptStylesheet
from imagineer_tui.terminal.detection import UNASKED, Terminal
from imagineer_tui.terminal.driver import Driver, send
from imagineer_tui.terminal.images import WAYS, choose, following
from imagineer_tui.terminal.notice import notice
from imagineer_tui.terminal.signals import leave_on_signals
from imagineer_tui.toasts import Toasts
from imagineer_tui.trimming import Trimming
from imagineer_tui.typing_ahead import KeysInTurn

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.message import Message

    from imagineer_tui.feed import Feed
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.ending import Ended
    from imagineer_tui.widgets.drawings import Drawings
    from imagineerd.client import AsyncClient, Endpoints
    from imagineerd.config import Paths
    from imagineerd.protocol import EventBody


def _commands() -> type[Provider]:
    from imagineer_tui.commands import Commands

    return Commands


class ImagineerApp(
    Overlaying[int], Tidying[int], Trimming[int], Copying[int], Toasts[int], KeysInTurn[int], Leaving[int]
):
    """`imagineer` without arguments."""

    TITLE = "imagineer"
    COMMANDS: ClassVar = {_commands}
    MODES: ClassVar = {entry.name: entry.build for entry in ENTRIES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", id="app.help", key_display="?"),
        Binding("f1", "help", "help", id="app.help", key_display="F1"),
        *(entry.binding() for entry in ENTRIES),
        Binding("f4", "daemon", "how the daemon is", id="app.daemon", key_display="F4", show=False),
        Binding("f5", "start_daemon", "start the daemon, or try now", id="app.start", key_display="F5", show=False),
        Binding("f6", "images", "show pictures another way", id="app.images", key_display="F6", show=False),
        Binding("colon", "command_palette", "more", id="app.commands", key_display=":"),
        Binding("q", "quit", "quit", id="app.quit", show=False),
        Binding("ctrl+z", "suspend_process", "to the shell; fg comes back", id="app.sleep", show=False),
    ]

    def __init__(
        self,
        environ: Mapping[str, str],
        preferences: Preferences | None = None,
        terminal: Terminal = UNASKED,
        *,
        start: bool = False,
        far: Endpoints | None = None,
    ) -> None:
        guard(control)
        guard(content)
        super().__init__(driver_class=Driver)
        self.stylesheet = KeptStylesheet()
        self.environ = environ
        self.preferences = preferences or Preferences()
        self.terminal = terminal
        self.images = choose(self.preferences.images, terminal)
        self.world = World()
        self.animation_level = "none"
        self._start = start
        self._far = far
        self._feed: Feed | None = None
        self._client: AsyncClient | None = None
        self.gathering = Gathering(self.set_timer, lambda topic: self._to_screens(OF_TOPIC[topic]))
        for theme in themes.OURS:
            self.register_theme(theme)
        # Textual would build, style and paint a screen of its own before the first one of ours.
        self._current_mode = self.remembered.screen if self.remembered.screen in self.MODES else TABS[0].name
        self._screen_stacks = {self._current_mode: []}
        self.theme = themes.first_of((self.preferences.theme, self.remembered.theme), self.available_themes)

    # ------------------------------------------------------------ between runs

    @cached_property
    def _state_file(self) -> Path:
        return state_file(self.environ)

    @cached_property
    def remembered(self) -> Remembered:
        """What was so when the app was last left."""
        return recall(self._state_file)

    def _remember(self) -> None:
        self.remembered.screen = self.current_mode
        self.remembered.theme = "" if self.theme == themes.DEFAULT else self.theme
        remember(self._state_file, self.remembered)

    # ------------------------------------------------------------ the daemon

    @cached_property
    def paths(self) -> Paths:
        """Where the daemon is. Raises `Invalid`."""
        from imagineerd.config import find_paths

        return find_paths(self.environ)

    @property
    def client(self) -> AsyncClient:
        """The one connection for requests; there from the first paint on."""
        if self._client is None:
            from imagineerd.client import AsyncClient, endpoints_of

            self._client = AsyncClient(self._far or endpoints_of(self.paths), name="imagineer")
        return self._client

    @property
    def is_far(self) -> bool:
        """Whether the daemon is another machine's, which nothing here can start."""
        return self._far is not None

    @work(group="feed", exclusive=True, exit_on_error=False)
    async def follow(self) -> None:
        """Keep the world in step until the app ends."""
        from imagineer_tui.feed import Feed

        self._feed = Feed(self.world, self.client, self.gathering.add, self._happened, self._finished)
        if self._start:
            self.action_start_daemon()
        await self._feed.run()

    @work(group="start", exclusive=True, exit_on_error=False)
    async def action_start_daemon(self) -> None:
        """Start a daemon unless one answers; do not wait for the next try."""
        from imagineer_tui.starting import start_for

        if not self.is_far:
            await start_for(self)
        if self._feed:
            self._feed.try_now()

    def _happened(self, body: EventBody) -> None:
        self._to_screens(lambda: Happened(body))

    def _finished(self, ended: Ended) -> None:
        self._to_screens(lambda: DeckFinished(ended.batch))
        if self.current_mode != "queue":  # where it stands anyway
            self.notify(ended.text, title=ended.title)
        if not self.app_focus and self.preferences.bell:
            send(self, notice(ended.title, self.terminal))

    def _to_screens(self, message: Callable[[], Message]) -> None:
        for screen in self.screen_stack:
            screen.post_message(message())

    def load_batch(self, batch_id: str) -> None:
        """Have a batch with all its jobs in the world, soon."""
        self.world.stale.add(batch_id)
        if self._feed:
            self._feed.catch_up()

    # ------------------------------------------------------------ what every screen may ask for

    def go(self, name: str, intent: object = None) -> None:
        """Open a screen, and hand it what another one sends a person there for."""
        if name not in self.MODES or not self.is_running:
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if name == self.current_mode:
            self._framed(name).renew()
        self.switch_mode(name)
        if intent is not None:
            self.call_after_refresh(self._framed(name).arrive, intent)

    @cached_property
    def drawings(self) -> Drawings:
        """Small pictures of takes, by the take's number as text; shared by all screens."""
        from imagineer_tui.small_pictures import small_picture
        from imagineer_tui.widgets.drawings import Drawings

        return Drawings(lambda take: small_picture(self.client, int(take)), dark=self.terminal.dark)

    def action_images(self) -> None:
        """Show pictures in the next way that there is."""
        self.images = choose(following(self.images.large, self.terminal), self.terminal)
        self.notify(f"Pictures are shown {WAYS[self.images.large]}.")
        self._to_screens(ImagesChanged)

    # ------------------------------------------------------------ the life of the app

    def on_mount(self) -> None:
        """The screen that was open stands; all else comes after the first paint."""
        preferring.take(self, self.preferences, preferences_file(self.environ))
        leave_on_signals(lambda code: self.exit(return_code=code))
        self.call_after_refresh(self.follow)

    async def on_unmount(self) -> None:
        """Leave the daemon; it goes on."""
        self._remember()
        if self._client:
            await self._client.aclose()

    def action_go(self, name: str) -> None:
        """Open a screen."""
        self.go(name)

    def action_help(self) -> None:
        """Say what this screen is for and which keys count here."""
        from imagineer_tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self._framed(self.current_mode), self.get_key_display))

    def action_daemon(self) -> None:
        """Say how the daemon is, and what each of its devices does."""
        from imagineer_tui.screens.daemon import DaemonScreen

        self.push_screen(DaemonScreen())
        if self._feed:
            self._feed.catch_up()

    def _framed(self, name: str) -> Framed:
        return self._screen_stacks[name][0]  # type: ignore[return-value]

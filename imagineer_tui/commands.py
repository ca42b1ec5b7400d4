"""What the command palette finds: the screens, the daemon, and every key of the screen that is open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from imagineer_tui.app import ImagineerApp
from imagineer_tui.screens import ENTRIES


class Command(NamedTuple):
    """What it is called, what it does in words, and what it runs."""

    name: str
    help: str
    run: IgnoreReturnCallbackType


class Commands(Provider):
    """Searches all commands of the app and of its open screen."""

    async def discover(self) -> Hits:
        """Yield all of them."""
        for command in self._commands():
            yield DiscoveryHit(command.name, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        """Yield those that match."""
        matcher = self.matcher(query)
        for command in self._commands():
            if score := matcher.match(command.name):
                yield Hit(score, matcher.highlight(command.name), command.run, help=command.help)

    def _commands(self) -> Iterator[Command]:
        app = cast("ImagineerApp", self.app)
        for active in self.screen.active_bindings.values():
            name, key = active.binding.description, app.get_key_display(active.binding)
            if name and active.enabled and active.node is not app:
                yield Command(name, f"{key} on this screen", partial(app.simulate_key, active.binding.key))
        for entry in ENTRIES:
            yield Command(f"Go to {entry.title}", f"{entry.key.upper()} anywhere", partial(app.go, entry.name))
        for theme in sorted(app.available_themes):
            yield Command(f"Theme: {theme}", "change the colours", partial(setattr, app, "theme", theme))
        yield Command("Start the daemon", "F5; tries again at once where one is there", app.action_start_daemon)
        yield Command("Quit", "q; the daemon goes on", app.exit)

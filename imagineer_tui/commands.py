"""What the command palette finds: every key of the screen, the screens, sets, LoRAs and decks by name, the colours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.types import IgnoreReturnCallbackType

from imagineer_tui.app import ImagineerApp
from imagineer_tui.intents import ShowBatch, ShowSet, UseLora
from imagineer_tui.printable import one_line
from imagineer_tui.screens import ENTRIES
from imagineer_tui.words import title_of

if TYPE_CHECKING:
    from imagineerd.protocol import Batch

MOVES: Final = "list."
"""How the ids of keys begin that move a cursor: nobody looks for them here."""
MOST: Final = 1000
"""Of each kind of names: the newest decks, the first LoRAs."""
DOES: Final = {"gallery": "show it in the Gallery", "sets": "show it in Sets", "mixer": "put it on a fader"}


class Command(NamedTuple):
    """What it is called, what it does in words, and what it runs."""

    name: str
    help: str
    run: IgnoreReturnCallbackType


class Commands(Provider):
    """Searches all commands of the app and of its open screen; by their names also what the daemon has."""

    async def startup(self) -> None:
        """Ask for the names; keys are found before they are there."""
        self._places: list[Command] = []
        self._asking = asyncio.create_task(self._ask())

    async def shutdown(self) -> None:
        """Nobody looks any more."""
        self._asking.cancel()

    async def discover(self) -> Hits:
        """Yield all that is there without a name to look for."""
        for command in self._commands():
            yield DiscoveryHit(command.name, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        """Yield those that match."""
        matcher = self.matcher(query)
        for command in (*self._commands(), *self._places):
            if score := matcher.match(command.name):
                yield Hit(score, _highlighted(matcher, command.name), command.run, help=command.help)

    @property
    def _house(self) -> ImagineerApp:
        return cast("ImagineerApp", self.app)

    def _commands(self) -> Iterator[Command]:
        app = self._house
        bindings = [active for active in self.screen.active_bindings.values() if active.enabled]
        yield from self._pressed([each.binding for each in bindings if each.node is not app], "on this screen")
        for entry in ENTRIES:
            yield Command(f"Go to {entry.title}", f"{entry.key.upper()} anywhere", partial(app.go, entry.name))
        yield from self._pressed([each.binding for each in bindings if each.node is app], "anywhere")
        for theme in sorted(app.available_themes):
            yield Command(f"Theme: {theme}", "change the colours", partial(setattr, app, "theme", theme))

    def _pressed(self, bindings: Iterable[Binding], where: str) -> Iterator[Command]:
        """Yield what keys do, once for each action."""
        known = {"command_palette"}
        for binding in bindings:
            named = binding.id and binding.description and not binding.id.startswith(MOVES)
            if named and binding.action not in known and not binding.action.startswith("go("):
                known.add(binding.action)
                key = self.app.get_key_display(binding)
                yield Command(binding.description, f"{key} {where}", partial(self.app.simulate_key, binding.key))

    async def _ask(self) -> None:
        from imagineerd.errors import ImagineerError

        client = self._house.client
        self._places = self._decks(self._house.world.decks)
        with suppress(ImagineerError):  # the banner says that the daemon is away; keys are found all the same
            decks, sets, library = await client.batches(MOST), await client.sets(), await client.loras(MOST)
            self._places = [
                *self._decks(decks.batches),
                *(self._place("Set", each.name, "sets", ShowSet(each.id)) for each in sets.sets),
                *(self._place("LoRA", each.name, "mixer", UseLora(each.name)) for each in library.loras),
            ]

    def _decks(self, decks: Iterable[Batch]) -> list[Command]:
        return [self._place("Deck", title_of(deck), "gallery", ShowBatch(deck.id)) for deck in decks]

    def _place(self, kind: str, name: str, screen: str, intent: object) -> Command:
        return Command(f"{kind}: {one_line(name)}", DOES[screen], partial(self._house.go, screen, intent))


def _highlighted(matcher: Matcher, name: str) -> Content:
    """Return a name with what was typed in it marked; Textual takes a name with brackets for its markup."""
    content = Content(name)
    for offset in matcher.fuzzy_search.match(matcher.query, name)[1]:
        if not name[offset].isspace():
            content = content.stylize(matcher.match_style, offset, offset + 1)
    return content

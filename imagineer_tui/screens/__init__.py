"""The screens: one file each, built on the first visit, never importing one another.

How to add one:

1. Write `screens/NAME.py` with one subclass of `imagineer_tui.framed.Framed` (its docstring is the contract: `body`,
   `reload`, `arrive`, `memory`, `recall`). Pieces worth a name become widgets of their own in `widgets/`.
2. Add its line to `ENTRIES` here. A screen without a line is neither in the tab bar nor in the command palette.
3. Add `tests/imagineer_tui/screens/test_NAME.py`; `tests/piloting.py` runs the app with a fake daemon.

Rules that hold for all of them:

- What the daemon does stands in `self.world` (`model/world.py`), which a screen only reads. It draws itself anew in
  `on_connection_changed`, `on_status_changed`, `on_queue_changed`, `on_progressed`, `on_happened` and
  `on_deck_finished` (`messages.py`). Only the screen that can be seen is told; `reload` comes whenever it was away.
- What it asks the daemon for goes through `await self.asked(self.client.….)` in a worker (`@work(exclusive=True,
  group="…")`): an error becomes a toast, and the answer None. Nothing blocks the loop.
- To send a person elsewhere: `self.house.go("compose", UseSettings(…))` with a type of `intents.py`; the other screen
  gets it in `arrive`. To copy: `self.house.copy(text, "the prompt")`.
- Every binding has an `id` (`sets.deal`), by which a person can put it on another key. Letters, digits, F-keys,
  arrows, enter, space and escape only; at most six with `show=True`, as the footer shows eight with `?` and `:`.
- Pictures are shown as `self.house.images` says (`on_images_changed` tells of another way); small ones are drawn by
  `self.house.drawings`, with a take's number as key.
- A progress or a picture that moves is its own small widget: what is drawn goes over SSH. No `loading`, no animation.
- A list says what to press where it is empty; state is never told by colour alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.binding import Binding

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed


class Entry(NamedTuple):
    """A screen: its name (that of its file), its key, its title and its class."""

    name: str
    key: str
    title: str
    cls: str
    tab: bool = True

    def build(self) -> Framed:
        """Import the screen and build it."""
        screen: Framed = getattr(import_module(f"imagineer_tui.screens.{self.name}"), self.cls)()
        return screen

    def binding(self) -> Binding:
        """Return what opens it from anywhere."""
        shown = self.key.upper()
        return Binding(self.key, f"go('{self.name}')", self.title, id=f"app.{self.name}", key_display=shown, show=False)


ENTRIES: Final = (
    Entry("sets", "1", "Sets", "SetsScreen"),
    Entry("compose", "2", "Compose", "ComposeScreen"),
    Entry("mixer", "3", "Mixer", "MixerScreen"),
    Entry("queue", "4", "Queue", "QueueScreen"),
    Entry("gallery", "5", "Gallery", "GalleryScreen"),
    Entry("labels", "6", "Labels", "LabelsScreen"),
    Entry("settings", "f2", "Settings", "SettingsScreen", tab=False),
    Entry("log", "f3", "Log", "LogScreen", tab=False),
)
TABS: Final = tuple(entry for entry in ENTRIES if entry.tab)

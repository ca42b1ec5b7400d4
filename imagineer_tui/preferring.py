"""What a person chose in `tui.yaml`, taken by the app; what there is not is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode

from imagineer_tui.preferences import Preferences

PACKAGES: Final = ("imagineer_tui.screens", "imagineer_tui.widgets")
SAID_S: Final = 15.0
"""Seconds that a complaint stays."""


def take(app: App[Any], preferences: Preferences, file: Path) -> None:
    """Take the keys of a file, and tell what is wrong in it: names of keys once the first screen stands."""
    app.set_keymap(preferences.keys)
    for complaint in preferences.complaints:
        _tell(app, complaint)
    if preferences.keys:
        look = partial(_tell_unknown, app, preferences.keys, file)
        app.call_after_refresh(app.run_worker, look, thread=True, exit_on_error=False)


def unknown(keys: Mapping[str, str], file: Path) -> Iterator[str]:
    """Yield a sentence for each name that no screen knows. All of them are imported."""
    known = names() if keys else frozenset()
    for name in keys:
        if name not in known:
            nearest = get_close_matches(name, sorted(known), 1)
            meant = f" Is it {nearest[0]}?" if nearest else ""
            yield f'{file}: keys: there is no "{name}".{meant} The help of each screen has the names of its keys.'


def names() -> frozenset[str]:
    """Return what can be given another key, on any screen."""
    import pkgutil  # few have such a file

    for package in PACKAGES:
        for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    own = (binding for kind in _kinds(DOMNode) for binding in vars(kind).get("BINDINGS", ()))
    return frozenset(binding.id for binding in own if isinstance(binding, Binding) and binding.id)


def _kinds(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def _tell_unknown(app: App[Any], keys: Mapping[str, str], file: Path) -> None:
    for complaint in unknown(keys, file):
        app.call_from_thread(_tell, app, complaint)


def _tell(app: App[Any], complaint: str) -> None:
    app.notify(complaint, severity="warning", timeout=SAID_S)

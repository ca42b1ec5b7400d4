"""Toasts: what a key came to, and what happened by itself."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from textual.app import App
from textual.notifications import Notification, Notify

R = TypeVar("R")


class Toasts(App[R], Generic[R]):
    """A plain sentence answers a key, and goes when the next one does; a title, a warning, an error stay their time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._answer: Notification | None = None

    def notify(self, message: str, **named: Any) -> None:
        """Tell something as it is: it may have a name in it whose brackets Textual would take for markup."""
        super().notify(message, **{**named, "markup": False})

    def on_notify(self, event: Notify) -> None:
        """Make room for an answer. That it is shown is Textual's part."""
        toast = event.notification
        if toast.title or toast.severity != "information":
            return
        if self._answer:
            del self._notifications[self._answer]
        self._answer = toast

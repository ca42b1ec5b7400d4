"""Sleeping: ctrl+z leaves the terminal to the shell, as it does with every program, until `fg`.

Textual's action for it is `suspend_process`.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import on
from textual.app import App
from textual.driver import Driver

R = TypeVar("R")


class Sleeping(App[R], Generic[R]):
    """Paints everything when it comes back: Textual takes the terminal for what it was before, and leaves it empty."""

    @on(Driver.SignalResume)
    def _paint_all(self) -> None:
        self.screen.refresh(layout=True)

"""The app is left at any moment, without a word in the shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeDaemon
from piloting import TERMINAL, environ_of, opened, shows, until
from textual._context import message_hook
from textual.events import Key
from textual.message import Message

from imagineer_tui.app import ImagineerApp


async def run(folder: Path, on_message: Callable[[ImagineerApp, Message], None]) -> ImagineerApp:
    """Run the app to its end; each message that any part of it handles is shown to `on_message` first."""
    app = ImagineerApp(environ_of(folder), None, TERMINAL)
    token = message_hook.set(lambda message: on_message(app, message))
    try:
        await app.run_async(headless=True, size=(80, 24))
    finally:
        message_hook.reset(token)
    return app


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("moment", range(1, 150, 25))
async def test_while_the_first_screen_opens(folder: Path, moment: int):
    seen = 0

    def leave(app: ImagineerApp, _: Message) -> None:
        nonlocal seen
        seen += 1
        if seen == moment:
            app.exit(return_code=143)

    app = await run(folder, leave)

    assert (app.return_code, app._exception) == (143, None)


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("name", ["compose", "mixer"])
@pytest.mark.parametrize("moment", [0, 20, 45])
async def test_while_another_screen_opens(folder: Path, name: str, moment: int):
    seen = -1

    def leave(app: ImagineerApp, _: Message) -> None:
        nonlocal seen
        if seen < 0 and app._is_mounted and app.screen.is_mounted:
            app.go(name)
            seen = 0
        elif seen >= 0:
            seen += 1
        if seen == moment:
            app.exit()

    app = await run(folder, leave)

    assert (app.return_code, app._exception) == (0, None)


@pytest.mark.parametrize("key", ["2", "question_mark"])
async def test_with_a_key_that_was_typed_behind_q(daemon: FakeDaemon, key: str):
    async with opened(daemon) as (app, pilot):
        await shows(pilot, "about 0:24")
        for typed in ("q", key):
            app.post_message(Key(typed, None))

        await until(pilot, lambda: not app.is_running)

    assert (app.return_code, app._exception) == (0, None)

"""The commands of grids: draw one, and have its contact sheet drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from imagineer_tui import axes, choosing
from imagineer_tui.arguments import settings_of
from imagineer_tui.making import accepted, queueing
from imagineer_tui.run import INTERRUPTED, OK, Run
from imagineerd import protocol
from imagineerd.errors import DiskError, Invalid
from imagineerd.naming import SHEET


def grid(run: Run) -> int:
    """Draw every combination of some values, and say where the contact sheet is."""
    client, options = run.client(start=True), run.options
    choice = axes.chosen(options.given or ())
    if not choice.axes:
        raise Invalid(message="A grid varies something: give an option several values, such as --steps 10,20.")
    settings = msgspec.structs.replace(settings_of(options), mix=choice.loras or None, **choice.settings)
    dealt = client.grid(choice.axes, **_subject(run), theme=choice.theme, settings=settings, **queueing(run))
    code = accepted(run, dealt)
    if code != INTERRUPTED and not (options.detach or options.hold):
        client.sheet(dealt.batch.id)
        run.out.result(f"Sheet: {Path(dealt.batch.folder) / SHEET}")
    return code


def sheet(run: Run) -> int:
    """Have the contact sheet of a grid drawn anew, and fetch it if that is wanted."""
    client, out = run.client(start=True), run.options.out
    batch = client.batch(run.options.batch).batch
    png = client.sheet(batch.id)
    path = Path(out) if out else Path(batch.folder) / SHEET
    if out:
        _write(path, png)
    run.out.show(protocol.Done(), lambda output, _: output.line(str(path)))
    return OK


def _subject(run: Run) -> dict[str, Any]:
    """Return what the grid is of: one word is a prompt, two are a set and a card of it."""
    match run.options.what:
        case [prompt]:
            return {"prompt": prompt}
        case [set_id, card]:
            (number, *others) = choosing.cards(run.client(), set_id, card) or (0, 0)
            if not others:
                return {"set_id": set_id, "card": number}
    raise Invalid(message='A grid is of one prompt or of one card: "a red fox", or a set and a card of it.')


def _write(path: Path, png: bytes) -> None:
    try:
        path.write_bytes(png)
    except OSError as error:
        raise DiskError(f"The sheet was not written to {path}: {error.strerror}.") from error

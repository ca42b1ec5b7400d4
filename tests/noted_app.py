"""`noted_app.py REPORT`: the real `imagineer`, which notes how it gets on with its terminal.

When it ends, REPORT has `backlog`, the most bytes that ever waited for the terminal, and `late`, how late the event
loop came round to a timer in milliseconds, in order of time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import imagineer_tui.app
from imagineer_tui.app import ImagineerApp

BEAT_S = 0.01


class Noted(ImagineerApp):
    """Looks at itself a hundred times a second."""

    def on_mount(self) -> None:
        self.late: list[float] = []
        self.backlog = 0
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            if self._exit:
                return  # leaving waits for the thread that reads keys, and nobody waits for that
            self.late.append(round((time.monotonic() - due) * 1000, 1))
            self.backlog = max(self.backlog, self._driver.outbox.backlog)  # type: ignore[union-attr]

    def on_unmount(self) -> None:
        self._beating.cancel()
        Path(sys.argv[1]).write_text(json.dumps({"backlog": self.backlog, "late": self.late}))


if __name__ == "__main__":
    from imagineer_tui.opening import open_app

    imagineer_tui.app.ImagineerApp = Noted  # type: ignore[misc]
    sys.exit(open_app(os.environ))

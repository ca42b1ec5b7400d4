"""Pictures for the widgets, and a note of which were asked for."""

from __future__ import annotations

import asyncio
import io

from PIL import Image

GREEN = 99
"""The part of green in every card, and in no theme."""


class Cards:
    """Loads a plain card of a colour that its key tells; keys in `missing` have none."""

    def __init__(self, *missing: str) -> None:
        self.asked: list[str] = []
        self.missing = missing
        self.open = asyncio.Event()
        self.open.set()

    async def load(self, key: str) -> bytes:
        self.asked.append(key)
        await self.open.wait()
        if key in self.missing:
            raise OSError(f"The picture of take {key} is gone.")
        return card(key)


def card(key: str) -> bytes:
    """Return a card of a colour that the key makes out."""
    file = io.BytesIO()
    Image.new("RGB", (96, 144), (int(key) * 40 % 256, GREEN, 200)).save(file, "PNG")
    return file.getvalue()

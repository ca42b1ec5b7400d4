"""Small pictures of takes, also where they are gone: who copies a folder may leave what is hidden behind."""

from __future__ import annotations

from imagineerd.client import AsyncClient
from imagineerd.errors import NotFound


async def small_picture(client: AsyncClient, take: int) -> bytes:
    """Return the file of a take's small picture, or of the large one. Raises an `ImagineerError` for lack of both."""
    try:
        return await client.picture(take, "thumb")
    except NotFound:
        return await client.picture(take)

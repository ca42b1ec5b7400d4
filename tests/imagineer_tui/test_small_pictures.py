"""Small pictures, and what stands in for them."""

from __future__ import annotations

import pytest
from fakes import FakeDaemon

from imagineer_tui.small_pictures import small_picture
from imagineerd.client import AsyncClient
from imagineerd.errors import NotFound
from imagineerd.protocol import BlobStat


@pytest.mark.parametrize(("thumbless", "asked"), [(0, ["thumb"]), (1, ["thumb", "full"])])
async def test_where_the_small_picture_is_gone_the_large_one_is_fetched(
    daemon: FakeDaemon, thumbless: int, asked: list[str]
):
    daemon.pictures, daemon.thumbless = {1: b"picture"}, bool(thumbless)
    client = AsyncClient(daemon.endpoints)

    assert await small_picture(client, 1) == b"picture"

    assert [request.variant for request in daemon.asked if isinstance(request, BlobStat)] == asked
    await client.aclose()


async def test_where_both_are_gone_it_is_said(daemon: FakeDaemon):
    client = AsyncClient(daemon.endpoints)

    with pytest.raises(NotFound):
        await small_picture(client, 1)
    await client.aclose()

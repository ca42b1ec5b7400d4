"""Hand out the files of takes and the sheets of grids, chunk by chunk. A client names a take or batch, never a path."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

from imagineerd import protocol
from imagineerd.errors import Invalid, NotFound
from imagineerd.grids.sheets import Sheets
from imagineerd.naming import media_type
from imagineerd.server import Reply
from imagineerd.store import Store
from imagineerd.trash import Trash


async def answer(store: Store, trash: Trash, sheets: Sheets, request: protocol.Request[Any]) -> Reply:
    """Answer `blob_stat`, `blob_get` and the same for sheets.

    Raises `NotFound`, `Invalid` for an offset beyond the end, `DiskError` for a sheet that cannot be drawn.
    """
    if isinstance(request, protocol.BlobStat):
        path = await _path(store, trash, request.take, request.variant)
        return Reply(await asyncio.to_thread(_stat, path, request.variant))
    if isinstance(request, protocol.BlobGet):
        path = await _path(store, trash, request.take, request.variant)
        return await asyncio.to_thread(_chunk, path, request)
    if isinstance(request, protocol.SheetStat):
        return Reply(await asyncio.to_thread(_stat, await sheets.draw(request.batch), "full"))
    if isinstance(request, protocol.SheetGet):
        return await asyncio.to_thread(_chunk, await sheets.path(request.batch), request)
    raise AssertionError(request)


async def _path(store: Store, trash: Trash, take_id: int, variant: protocol.Variant) -> Path:
    return trash.path_of(*await store.get_take(take_id), variant)


def _stat(path: Path, variant: protocol.Variant) -> protocol.BlobInfo:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _gone(path, error) from None
    return protocol.BlobInfo(
        name=path.name,
        media=media_type(variant),
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=str(path),
    )


def _chunk(path: Path, request: protocol.BlobGet | protocol.SheetGet) -> Reply:
    try:
        with path.open("rb") as file:
            total = os.fstat(file.fileno()).st_size
            part = os.pread(file.fileno(), request.length, request.offset)
    except OSError as error:
        raise _gone(path, error) from None
    if request.offset > total:
        raise Invalid(message=f"The file has {total} bytes; {request.offset} is beyond its end.", field="$.offset")
    return Reply(protocol.Chunk(offset=request.offset, length=len(part), total=total), (part,))


def _gone(path: Path, error: OSError) -> NotFound:
    return NotFound(f"The file {path.name} cannot be read: {error.strerror}.", field="$.take")

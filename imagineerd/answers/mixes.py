"""LoRAs and the mixes that are saved under a name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from imagineerd import protocol
from imagineerd.answers.parts import Parts
from imagineerd.jobs import GenerateSpec, Mix
from imagineerd.lora import library as loras
from imagineerd.lora.choosing import Chooser
from imagineerd.lora.mixes import check_name


async def make_chooser(parts: Parts, *, wanted: bool = True) -> Chooser:
    """Return what finds a mix by what people write: LoRAs as the folder is now, and saved mixes where one is wanted."""
    if not wanted:
        return Chooser(parts.config.loras.directory, {})
    mixes = {mix.name.lower(): mix.mix for mix in await parts.store.list_mixes()}
    return Chooser(parts.config.loras.directory, mixes)


async def list_loras(parts: Parts, request: protocol.ListLoras) -> protocol.Loras:
    """Return a page of the library."""
    return await asyncio.to_thread(loras.list_loras, parts.config.loras.directory, request.limit, request.after)


async def get_lora(parts: Parts, name: str) -> protocol.LoraDetail:
    """Return one LoRA with all that its header says."""
    return await asyncio.to_thread(lambda: loras.lora_detail(loras.find_lora(parts.config.loras.directory, name)))


async def note_lora(parts: Parts, request: protocol.NoteLora) -> protocol.LoraDetail:
    """Keep a note beside a LoRA."""
    return await asyncio.to_thread(loras.note_lora, parts.config.loras.directory, request)


async def save_mix(parts: Parts, request: protocol.SaveMix) -> protocol.MixInfo:
    """Save a mix with exact weights and hashes."""
    chooser = await make_chooser(parts)
    mix = await asyncio.to_thread(_exact, request, chooser)
    return await parts.store.save_mix(request.name, mix, time.time())


async def rename_mix(parts: Parts, request: protocol.RenameMix) -> protocol.MixInfo:
    """Give a mix another name, which no LoRA may have."""
    library = await asyncio.to_thread(loras.read_library, parts.config.loras.directory)
    check_name(request.to, library.loras)
    return await parts.store.rename_mix(request.name, request.to, time.time())


async def warnings(parts: Parts, specs: Sequence[GenerateSpec]) -> tuple[str, ...]:
    """Return what is doubtful about the LoRAs of these specs."""
    if not any(spec.mix for spec in specs):
        return ()
    return await asyncio.to_thread(_warnings, parts, specs)


def _warnings(parts: Parts, specs: Sequence[GenerateSpec]) -> tuple[str, ...]:
    names = dict.fromkeys(lora.name for spec in specs for lora in spec.mix)
    return loras.doubts(loras.find_lora(parts.config.loras.directory, name) for name in names)


def _exact(request: protocol.SaveMix, chooser: Chooser) -> Mix:
    check_name(request.name, chooser.library.loras)
    return chooser.exact(request.mix)

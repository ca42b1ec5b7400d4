"""Taking in what is to be drawn."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from imagineerd import planning, protocol
from imagineerd.answers import labels, mixes, sheets
from imagineerd.answers.card_sets import find_set
from imagineerd.answers.parts import Parts
from imagineerd.answers.terms import idem_of, terms_of
from imagineerd.grids.cells import by_mix
from imagineerd.grids.planning import check_subject, plan_grid
from imagineerd.naming import AUDITION, GRID, batch_id
from imagineerd.server import Client
from imagineerd.store.intake import Idem, NewBatch


async def deal(parts: Parts, request: protocol.Deal, client: Client) -> protocol.Dealt:
    """Deal a set. Raises `Invalid` for what cannot be drawn, `Full`, `Conflict`."""
    card_set = await find_set(parts, request.set)
    basis, sheet = await sheets.make_sheet(parts, request, card_set)
    pairs = tuple(zip(sheet.cards, sheet.specs, strict=True))
    new = _new_batch(
        parts,
        request.settings,
        terms=terms_of(request, client),
        set_id=card_set.id,
        name=AUDITION if request.audition else "",
        title=sheet.title,
        theme=request.theme,
        slots=tuple((card.index, card.name, spec) for card, spec in pairs),
        jobs=tuple((card.index, spec) for card, spec in pairs),
        mixes=sheet.mixes,
        audition=request.audition,
    )
    if request.label:
        prompt = await asyncio.to_thread(labels.find_prompt, parts, request.label)
        new = msgspec.structs.replace(new, label_prompt=prompt)
    warnings = await sheets.sheet_warnings(parts, sheet, basis.model)
    return await _submit(parts, request, new, idem_of(request, client), warnings)


async def generate(parts: Parts, request: protocol.Generate, client: Client) -> protocol.Dealt:
    """Draw one prompt. Raises what `deal` raises."""
    basis, sheet = await sheets.make_copies(parts, request)
    first = sheet.specs[0]
    new = _new_batch(
        parts,
        request.settings,
        terms=terms_of(request, client, pictures=len(sheet.specs)),
        set_id="",
        name=AUDITION if request.audition else "",
        title=sheet.title,
        theme="",
        slots=((1, first.name, first),),
        jobs=tuple((1, spec) for spec in sheet.specs),
        mixes=sheet.mixes,
        audition=request.audition,
    )
    warnings = await sheets.prompt_warnings(parts, sheet, basis.model)
    return await _submit(parts, request, new, idem_of(request, client), warnings)


async def deal_grid(parts: Parts, request: protocol.DealGrid, client: Client) -> protocol.Dealt:
    """Draw one subject along two axes. Raises what `deal` raises."""
    check_subject(request)
    card_set = await find_set(parts, request.set) if request.set else None
    chooser = await mixes.make_chooser(parts)
    basis = await asyncio.to_thread(sheets.make_basis, parts, request.settings, chooser)
    grid = await asyncio.to_thread(plan_grid, basis, request, card_set)
    new = _new_batch(
        parts,
        request.settings,
        terms=terms_of(request, client),
        set_id="",
        name=GRID,
        title=grid.title,
        theme=request.theme,
        slots=tuple((index, spec.name, spec) for index, spec in enumerate(grid.specs, 1)),
        jobs=tuple((place + 1, grid.specs[place]) for place in by_mix(grid.specs)),
        mixes=grid.mixes,
        grid=request.axes,
    )
    about_loras = await mixes.warnings(parts, grid.specs)
    words = (spec.prompt for spec in grid.specs)
    warnings = (*planning.model_warnings(basis.model, words, sheets.taught(parts)), *about_loras)
    return await _submit(parts, request, new, idem_of(request, client), warnings)


async def reroll(parts: Parts, request: protocol.Reroll, client: Client) -> protocol.Dealt:
    """Draw one more take of each named card. Raises `NotFound`, `Invalid` where the seeds run out, `Full`."""
    batch = await parts.store.find_batch(request.batch)
    specs = await parts.store.slot_specs(batch, request.slots)
    first = planning.draw_seed() if request.seed is None else request.seed
    jobs = tuple(
        (slot, msgspec.structs.replace(specs[slot], seed=planning.seed_of(first, offset, "$.seed")))
        for offset, slot in enumerate(request.slots)
    )
    limit, terms = parts.config.daemon.queue_limit, terms_of(request, client, pictures=len(jobs))
    dealt = await parts.store.add_jobs(batch, jobs, idem_of(request, client), limit, time.time(), terms=terms)
    return await _take_up(parts, request, dealt)


async def complete(parts: Parts, request: protocol.Complete, client: Client) -> protocol.Dealt:
    """Draw what a batch lacks, with the seeds it was dealt with. Raises `NotFound`, `Full`."""
    limit, terms = parts.config.daemon.queue_limit, terms_of(request, client)
    dealt = await parts.store.complete(request.batch, idem_of(request, client), limit, time.time(), terms=terms)
    return await _take_up(parts, request, dealt)


def _new_batch(parts: Parts, chosen: protocol.Settings, set_id: str, name: str = "", **rest: Any) -> NewBatch:
    stamp = time.strftime("%Y%m%d_%H%M%S")
    return NewBatch(
        id=batch_id(name or set_id, stamp),
        set_id=set_id,
        settings=msgspec.msgpack.encode(chosen),
        output_dir=str(parts.config.output.directory),
        **rest,
    )


async def _submit(
    parts: Parts, request: protocol.Submit, new: NewBatch, idem: Idem, warnings: tuple[str, ...]
) -> protocol.Dealt:
    dealt = await parts.store.submit_batch(new, idem, parts.config.daemon.queue_limit, time.time())
    return msgspec.structs.replace(await _take_up(parts, request, dealt), warnings=warnings)


async def _take_up(parts: Parts, request: protocol.Submit, dealt: protocol.Dealt) -> protocol.Dealt:
    """Have accepted jobs drawn, but for those whose pictures are there from before."""
    anew = request.fresh or request.hold or dealt.repeated or not parts.config.generation.reuse
    found = () if anew or _by_chance(request) else await parts.store.reusable(dealt.jobs)
    known = {each.job for each in found}
    await parts.let_wait([job for job in dealt.jobs if job not in known])
    parts.reuse.offer(found)
    return msgspec.structs.replace(dealt, cached=len(found))


def _by_chance(request: protocol.Submit) -> bool:
    """Say whether all seeds are drawn by chance: there is no picture of any of them."""
    match request:
        case protocol.Generate(settings=protocol.Settings(seed=None)) | protocol.Reroll(seed=None):
            return True
    return False
